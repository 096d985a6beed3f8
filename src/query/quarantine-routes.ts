// What waits in quarantine, and what to do with it.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { TillstreamError } from '../model/errors.ts';
import type { Quarantine, QuarantinedRecord, QuarantineEntry } from '../stores/quarantine/quarantine.ts';
import {
  type Discarded,
  type Entries,
  type EntryParams,
  type ListQuery,
  operations,
  type RedriveBody,
  type Redriven,
  type WholeEntry,
} from './quarantine-schema.ts';

/** What changes an entry, one change at a time. */
export interface QuarantineOperator {
  /**
   * Tries a record again; a row of an import with the fields that take the place of its own.
   * @throws not_found, unavailable
   */
  redrive(
    entry: QuarantineEntry,
    correction?: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly state: 'redriven' | 'waiting'; readonly message: string }>;
  /** @throws not_found; conflict  it does not wait */
  discard(id: string): Promise<void>;
}

/** Where rows of imports are that could not be used. */
const ROWS = 'imports';

type WithId = { Params: Static<typeof EntryParams> };

export function quarantineRoutes(server: FastifyInstance, quarantine: Quarantine, operator: QuarantineOperator): void {
  const find = async (id: string): Promise<QuarantinedRecord> => {
    const entry = await quarantine.get(id);
    if (entry === null) throw new TillstreamError('not_found', `There is nothing in quarantine under ${id}.`);
    return entry;
  };

  server.get<{ Querystring: Static<typeof ListQuery>; Reply: Static<typeof Entries> }>(
    '/v1/quarantine',
    operations.list,
    async ({ query }) => {
      const { state, store, limit, after = null } = query;
      const found = await quarantine.list({
        state,
        after,
        limit: limit + 1,
        ...(store === undefined ? {} : { store }),
      });
      const entries = found.slice(0, limit);
      return { entries: entries.map(summary), next: found.length > limit ? (entries.at(-1)?.id ?? null) : null };
    },
  );

  server.get<WithId & { Reply: Static<typeof WholeEntry> }>(
    '/v1/quarantine/:id',
    operations.get,
    async ({ params }) => {
      const entry = await find(params.id);
      return { ...summary(entry), data: entry.data.toString('utf8') };
    },
  );

  server.post<WithId & { Body: Static<typeof RedriveBody>; Reply: Static<typeof Redriven> }>(
    '/v1/quarantine/:id/redrive',
    { ...operations.redrive, preValidation: withoutBody },
    async ({ params, body }) => {
      const { id } = params;
      const entry = await find(id);
      const { line } = body;
      if (line !== undefined && entry.store !== ROWS) {
        const message = `line: ${id} is a record of the stream, which stays as it is; only rows of imports are corrected.`;
        throw new TillstreamError('invalid_parameter', message, { field: 'line' });
      }
      return { id, ...(await operator.redrive(entry, line)) };
    },
  );

  server.delete<WithId & { Reply: Static<typeof Discarded> }>(
    '/v1/quarantine/:id',
    operations.discard,
    async ({ params }) => {
      const { id, store } = await find(params.id);
      await operator.discard(id);
      // The lake keeps what other stores give up.
      const message = 'The lake could not use it: only the quarantine keeps it.';
      return { id, state: 'discarded', ...(store === 'lake' ? { message } : {}) };
    },
  );
}

/** There need not be one. */
async function withoutBody(request: FastifyRequest): Promise<void> {
  request.body ??= {};
}

function summary({ id, store, sequence, state, code, message, attempts, bytes, ...entry }: QuarantineEntry) {
  return {
    id,
    store,
    sequence,
    state,
    code,
    message,
    attempts,
    arrivedAt: new Date(entry.arrivedAtMs).toISOString(),
    quarantinedAt: new Date(entry.quarantinedAtMs).toISOString(),
    bytes,
  };
}
