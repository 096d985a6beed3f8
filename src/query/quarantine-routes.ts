// What waits in quarantine, and what to do with it.
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { TillstreamError } from '../model/errors.ts';
import type { Quarantine, QuarantinedRecord, QuarantineEntry } from '../stores/quarantine/quarantine.ts';

/** What changes an entry, one change at a time. */
export interface QuarantineOperator {
  /** Tries a record again. @throws not_found, unavailable */
  redrive(entry: QuarantineEntry): Promise<{ readonly state: 'redriven' | 'waiting'; readonly message: string }>;
  /** @throws not_found; conflict  it does not wait */
  discard(id: string): Promise<void>;
}

const ListQuery = Type.Object({
  state: Type.Enum(['waiting', 'redriven', 'discarded'], { default: 'waiting' }),
  store: Type.Optional(Type.Enum(['lake', 'orders', 'warehouse'])),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
  after: Type.Optional(Type.String()),
});
const EntryParams = Type.Object({ id: Type.String({ minLength: 1 }) });
type WithId = { Params: Static<typeof EntryParams> };

export function quarantineRoutes(server: FastifyInstance, quarantine: Quarantine, operator: QuarantineOperator): void {
  const find = async (id: string): Promise<QuarantinedRecord> => {
    const entry = await quarantine.get(id);
    if (entry === null) throw new TillstreamError('not_found', `There is nothing in quarantine under ${id}.`);
    return entry;
  };
  const config = { access: 'admin' } as const;
  const schema = { params: EntryParams };

  server.get<{ Querystring: Static<typeof ListQuery> }>(
    '/v1/quarantine',
    { config, schema: { querystring: ListQuery } },
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

  server.get<WithId>('/v1/quarantine/:id', { config, schema }, async ({ params }) => {
    const entry = await find(params.id);
    return { ...summary(entry), data: entry.data.toString('utf8') };
  });

  server.post<WithId>('/v1/quarantine/:id/redrive', { config, schema }, async ({ params }) => {
    const { id } = params;
    return { id, ...(await operator.redrive(await find(id))) };
  });

  server.delete<WithId>('/v1/quarantine/:id', { config, schema }, async ({ params }) => {
    const { id, store } = await find(params.id);
    await operator.discard(id);
    // The lake keeps what other stores give up.
    const message = 'The lake could not use it: only the quarantine keeps it.';
    return { id, state: 'discarded', ...(store === 'lake' ? { message } : {}) };
  });
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
