// Routes of imports: files come in, and what becomes of them is seen, answered and cancelled.
import { Readable } from 'node:stream';
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { type ErrorCode, TillstreamError } from '../model/errors.ts';
import type { ImportReport } from './import.ts';
import type { Imports } from './imports.ts';
import {
  type AnswerBody,
  type ImportParams,
  InboxBody,
  type ListQuery,
  operations,
  type UploadQuery,
} from './imports-schema.ts';
import { withFields } from './map.ts';
import { checked, optionsOf, optionsOfQuery, readJson } from './options.ts';
import { type Gate, takeBody, takeParts } from './upload.ts';

/** See ingest/admission.ts. */
export interface Door extends Gate {
  readonly freeBytes: number;
  readonly limits: { readonly diskReserveBytes: number };
}

/** A disk writes one file faster than many. */
const UPLOADS_MAX = 8;
/** A name, and options. */
const JSON_BYTES_MAX = 64 * 1024;

type WithId = { Params: Static<typeof ImportParams> };

export function importRoutes(server: FastifyInstance, imports: Imports, door: Door): void {
  server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    await scope.register(multipart);
    // Bodies are files: they are read as they come.
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    registerUpload(scope, imports, door);
  });

  const found = (id: string): ImportReport => {
    const report = imports.get(id);
    if (report === null) throw new TillstreamError('not_found', `There is no import ${id.slice(0, 80)}.`);
    return report;
  };

  server.get<{ Querystring: Static<typeof ListQuery> }>('/v1/imports', operations.list, async ({ query }) => {
    const { limit, before = null, state } = query;
    const page = imports.list({ limit: limit + 1, before, ...(state === undefined ? {} : { state }) });
    const shown = page.slice(0, limit);
    return { imports: shown, next: page.length > limit ? (shown.at(-1)?.id ?? null) : null };
  });

  server.get<WithId>('/v1/imports/:id', operations.get, async ({ params }) => found(params.id));

  server.post<WithId & { Body: Static<typeof AnswerBody> }>(
    '/v1/imports/:id/answer',
    { ...operations.answer, preValidation: withoutBody },
    async ({ params, body }) => imports.answer(found(params.id).id, withFields(body)),
  );

  server.post<WithId>('/v1/imports/:id/cancel', operations.cancel, async ({ params }) =>
    imports.cancel(found(params.id).id),
  );

  server.get<WithId>('/v1/imports/:id/rejects', operations.rejects, async ({ params }, reply) => {
    const { id } = found(params.id);
    reply.header('content-disposition', `attachment; filename="rejects-${id}.csv"`);
    return reply.type('text/csv; charset=utf-8').send(Readable.from(imports.rejects(id)));
  });
}

/** What is not there is said before what it would have been answered. */
async function withoutBody(request: FastifyRequest): Promise<void> {
  request.body ??= {};
}

function registerUpload(scope: FastifyInstance, imports: Imports, door: Door): void {
  let uploads = 0;
  let isEnding = false;
  scope.addHook('preClose', async () => {
    isEnding = true;
  });
  const gate: Gate = {
    closedBecause() {
      if (isEnding)
        return new TillstreamError('shutting_down', 'The platform is shutting down.', { retryAfterSeconds: 5 });
      const closed = door.closedBecause();
      return closed !== null && STOPS_FILES.includes(closed.code) ? closed : null;
    },
  };

  scope.post<{ Querystring: Static<typeof UploadQuery> }>('/v1/imports', operations.create, async (request, reply) => {
    const closed = gate.closedBecause() ?? tooLarge(request, door);
    if (closed !== null) throw closed;
    if (uploads >= UPLOADS_MAX) {
      throw new TillstreamError('overloaded', `${UPLOADS_MAX} uploads are under way; that is all at once.`, {
        retryAfterSeconds: 30,
      });
    }
    uploads += 1;
    try {
      const report = await begun(request, imports, gate);
      return await reply.code(202).header('location', `/v1/imports/${report.id}`).send(report);
    } finally {
      uploads -= 1;
    }
  });
}

/** A stream that is full is no matter: files go round it. */
const STOPS_FILES: readonly ErrorCode[] = ['disk_low', 'shutting_down'];

const JSON_TYPES = ['application/json', 'application/x-www-form-urlencoded', 'text/plain', ''];

function begun(
  request: FastifyRequest<{ Querystring: Static<typeof UploadQuery> }>,
  imports: Imports,
  gate: Gate,
): Promise<ImportReport> {
  const { query, headers } = request;
  const type = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === 'multipart/form-data') {
    refuseParameters(query, 'the field "options" of the form');
    return takeParts(imports, request, gate);
  }
  const { name } = query;
  if (name !== undefined || !JSON_TYPES.includes(type)) {
    if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) {
      throw new TillstreamError('empty_request', 'The body is empty; expected a file.');
    }
    return takeBody(imports, name ?? 'upload', optionsOfQuery(query), request, gate);
  }
  refuseParameters(query, '"options" of the JSON');
  return fromInbox(request, imports);
}

/** Beside a form or JSON they would be passed over. */
function refuseParameters(query: object, place: string): void {
  const [field] = Object.keys(query);
  if (field === undefined) return;
  const message = `${field}: what is said of these files stands in ${place}; parameters are for a body that is a file.`;
  throw new TillstreamError('invalid_parameter', message, { field });
}

async function fromInbox(request: FastifyRequest, imports: Imports): Promise<ImportReport> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request.raw as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > JSON_BYTES_MAX) {
      throw new TillstreamError('body_too_large', `The body has more than ${JSON_BYTES_MAX / 1024} KiB of JSON.`, {
        hint: 'A file is sent with ?name=, or as multipart/form-data.',
      });
    }
    parts.push(part);
  }
  if (bytes === 0) throw new TillstreamError('empty_request', 'The body is empty.', { hint: INBOX_HINT });
  const sent = readJson(Buffer.concat(parts).toString('utf8'), INBOX_HINT);
  const { file, options = {} } = checked<Static<typeof InboxBody>>(sent, InboxBody, request);
  if (file.startsWith('.') || /[/\\\0]/.test(file)) {
    const message = `file is "${file}"; expected the name of a file in the inbox, without a directory.`;
    throw new TillstreamError('invalid_parameter', message, { field: 'file', value: file });
  }
  return imports.fromInbox(file, optionsOf(options, request));
}

const INBOX_HINT = 'Name a file of the inbox, {"file": "may.csv"}; or send a file as the body with ?name=may.csv.';

/** A file that says how large it is, and finds no room, is refused before it is sent. */
function tooLarge({ headers }: FastifyRequest, { freeBytes, limits }: Door): TillstreamError | null {
  const bytes = Number(headers['content-length'] ?? 0);
  const roomBytes = freeBytes - limits.diskReserveBytes;
  if (bytes <= roomBytes) return null;
  const message = `The body has ${megabytes(bytes)} MB, and the disk room for ${megabytes(roomBytes)} MB beside what is kept free.`;
  return new TillstreamError('disk_low', message, {
    hint: 'Make room on the disk of the data directory, or send it compressed.',
    retryAfterSeconds: 30,
  });
}

function megabytes(bytes: number): number {
  return Math.max(0, Math.round(bytes / 1_000_000));
}
