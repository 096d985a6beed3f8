// POST /v1/transactions in its three forms: one line, an array, NDJSON.
import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { requestIdOf } from '../access/request-id.ts';
import { isTillstreamError, TillstreamError } from '../model/errors.ts';
import { problemOf, retryAfterOf } from '../model/problem.ts';
import { jsonString } from '../model/record.ts';
import type { Admission, Place } from './admission.ts';
import { bodyLimits, bodyTooLarge, checkCount, countLines, decoded, formOf, parseJson, parseNdjson } from './body.ts';
import { lineIdOfKey, refuseKeyForMany } from './identify.ts';
import type { AcceptedLineId, Ingest, ManyAccepted } from './ingest.ts';
import { SOURCE, transactions } from './transactions-schema.ts';

export function ingestRoutes(server: FastifyInstance, ingest: Ingest, admission: Admission): void {
  server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The handler reads the body itself: admission has to know its size before it takes memory.
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    scope.post('/v1/transactions', transactions, async (request, reply) => {
      const place = admission.admit();
      try {
        return await accept(ingest, request, reply, place);
      } catch (error) {
        if (isTillstreamError(error, 'overloaded')) {
          place.leave();
          await pause(REFUSED_AFTER_MS, undefined, { ref: false });
        }
        throw error;
      } finally {
        place.leave();
      }
    });
  });
}

/**
 * What is too much at once is told so after a while, and nothing is kept for it meanwhile. A client that comes again at once,
 * whatever it is told, would else have us say no all day: a refusal costs nearly what a sale does.
 */
const REFUSED_AFTER_MS = 1000;

async function accept(
  ingest: Ingest,
  request: FastifyRequest,
  reply: FastifyReply,
  place: Place,
): Promise<FastifyReply> {
  const { headers } = request;
  const form = formOf(headers['content-type']);
  const sent = await readBody(request, place);
  place.begin();
  const encoding = headers['content-encoding'];
  if (encoding !== undefined) place.hold(bodyLimits.bodyBytesMax); // it may unpack to the limit
  const body = encoding === undefined ? sent : await decoded(sent, encoding);
  const source = sourceOf(headers['x-tillstream-source']);
  const key = headers['idempotency-key'];
  if (form === 'ndjson') {
    checkCount(countLines(body, bodyLimits.ndjsonLinesMax), bodyLimits.ndjsonLinesMax);
    if (key !== undefined) refuseKeyForMany(key, countValues(parseNdjson(body)));
    const many = await ingest.acceptMany(parseNdjson(body), source, 'counts', lineIdOfKey(key));
    checkCount(many.accepted + many.rejected.length, bodyLimits.ndjsonLinesMax); // blank lines are no lines
    return answerMany(reply, many, 'counts');
  }
  const value = parseJson(body);
  if (!Array.isArray(value)) {
    return answerOne(reply, await ingest.acceptOne(value, source, lineIdOfKey(key)));
  }
  refuseKeyForMany(key, value.length);
  checkCount(value.length, bodyLimits.arrayLinesMax);
  return answerMany(reply, await ingest.acceptMany(value, source, 'lines', lineIdOfKey(key)), 'lines');
}

/** As far as to tell one from many; blank lines are no lines. */
function countValues(values: Iterable<unknown>): number {
  let count = 0;
  for (const value of values) {
    if (value !== undefined) count += 1;
    if (count > 1) break;
  }
  return count;
}

/** What a piece of a body takes beside its bytes: a client could send them one by one. */
const CHUNK_BYTES = 256;

function readBody({ raw, headers }: FastifyRequest, place: Place): Promise<Buffer> {
  if (Number(headers['content-length']) > bodyLimits.bodyBytesMax) throw bodyTooLarge();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let isRefused = false;
    raw.on('data', (chunk: Buffer) => {
      if (isRefused) return; // the rest is read and dropped, so that the sender gets the answer
      bytes += chunk.length;
      try {
        if (bytes > bodyLimits.bodyBytesMax) throw bodyTooLarge();
        chunks.push(chunk);
        place.hold(bytes + chunks.length * CHUNK_BYTES);
      } catch (refusal) {
        isRefused = true;
        chunks.length = 0;
        reject(refusal);
      }
    });
    raw.on('end', () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)));
    const cutOff = (): void => {
      if (raw.readableEnded) return;
      reject(new TillstreamError('invalid_request', 'The connection was closed within the body.'));
    };
    raw.on('close', cutOff);
    raw.on('error', cutOff); // only ever its sender's: the connection was reset
  });
}

/** Where a line says it comes from: a short word of the sender, `api` by default. */
function sourceOf(header: string | string[] | undefined): string {
  return typeof header === 'string' && SOURCE.test(header) ? header : 'api';
}

/** By hand: the most frequent answer of all. */
function answerOne(reply: FastifyReply, { invoiceNo, lineId, identity, sequence }: AcceptedLineId): FastifyReply {
  return reply
    .code(202)
    .type('application/json; charset=utf-8')
    .send(
      `{"accepted":1,"rejected":0,"lines":[{"invoiceNo":${jsonString(invoiceNo)},"lineId":${jsonString(lineId)}` +
        `,"identity":"${identity}","sequence":"${sequence}"}],"errors":[]}`,
    );
}

function answerMany(reply: FastifyReply, many: ManyAccepted, detail: 'lines' | 'counts'): FastifyReply {
  const { accepted, rejected, lines, errors, firstSequence, lastSequence } = many;
  const answer = {
    accepted,
    rejected: rejected.length,
    ...(detail === 'lines' ? { lines } : { firstSequence, lastSequence, rejectedLines: lineRanges(rejected) }),
    errors,
  };
  const first = errors[0];
  if (accepted > 0 || first === undefined) return reply.code(202).send(answer);
  const error = new TillstreamError(first.code, first.message, first);
  const problem = problemOf(error);
  const retryAfter = retryAfterOf(error);
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  reply.header('x-request-id', requestIdOf(reply.request));
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send({ ...problem, ...answer });
}

/** Rising indexes → ranges of line numbers, from 1, both ends included. */
function lineRanges(indexes: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const index of indexes) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === index) last[1] = index + 1;
    else ranges.push([index + 1, index + 1]);
  }
  return ranges;
}
