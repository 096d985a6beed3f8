// What the platform's answers mean: to POST /v1/transactions for the lines that were sent, to GET /v1/stream for all.
import { catalogue, type ErrorCode, messageOf, type Refusal, TillstreamError } from '../model/errors.ts';
import type { Answer } from './connection.ts';

export type Verdict =
  /** All but these are stored. An index without a refusal: send the line again to learn (or mend) why. */
  | { readonly kind: 'stored'; readonly refused: ReadonlyMap<number, Refusal | null> }
  | Later
  /** Nothing is stored; no line was named. */
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Nothing is stored, and the same request will do later. */
export interface Later {
  readonly kind: 'later';
  readonly reason: string;
  readonly afterMs: number | null;
}

/** `{id, newest, served, replaced}`, as query/status-routes.ts has it. */
export interface StreamState {
  readonly kind: 'stream';
  /** Tells a platform's data from any other's, wherever it answers. */
  readonly id: string;
  /** Place of the newest line; null when there never was one. */
  readonly newest: string | null;
  /** Up to where lines are in the order store, which is what counts `replaced`. */
  readonly served: string | null;
  /** Lines that replaced a version that differed, since the data directory was made. */
  readonly replaced: number;
}

const NONE_REFUSED: Verdict = { kind: 'stored', refused: new Map() };

/**
 * @param batchLines lines of an NDJSON request; null for a single JSON object
 * @throws unreachable  something else than a platform answers
 * @throws internal, or the platform's own code: going on makes no sense
 */
export function readAnswer(answer: Answer, batchLines: number | null, url: string): Verdict {
  const { status } = answer;
  // Another program may well say 200 to anything: that is no promise to keep a line.
  if (status === 202) {
    // A single line is either stored or refused with a 4xx: its answer need not be read.
    return batchLines === null ? NONE_REFUSED : readCounts(answer, parse(answer.body), batchLines);
  }
  const later = laterOf(answer);
  if (later !== null) return later;
  if (status === 400 || status === 413 || status === 422) {
    const body = parse(answer.body);
    if (batchLines !== null && Array.isArray(body.rejectedLines)) return readCounts(answer, body, batchLines);
    return { kind: 'refused', refusal: firstRefusal(body) ?? problemOf(answer) };
  }
  throw unusable(answer, url);
}

/** @throws as readAnswer() */
export function readStream(answer: Answer, url: string): StreamState | Later {
  const { id, newest, served, replaced } = parse(answer.body);
  if (answer.status === 200 && typeof id === 'string' && typeof replaced === 'number') {
    return { kind: 'stream', id, newest: textOr(newest, null), served: textOr(served, null), replaced };
  }
  const later = laterOf(answer);
  if (later === null) throw unusable(answer, url);
  return later;
}

/** Where there was no answer at all, or half of one. */
export function unanswered(error: unknown): Later {
  // Of several addresses that were tried in vain, Node gives the code alone.
  const why = messageOf(error) || String((error as NodeJS.ErrnoException).code);
  return { kind: 'later', reason: `nothing answers (${why})`, afterMs: null };
}

function laterOf(answer: Answer): Later | null {
  const { status } = answer;
  if (status !== 408 && status !== 425 && status !== 429 && status < 500) return null;
  return { kind: 'later', reason: `${status} ${problemOf(answer).message}`, afterMs: answer.retryAfterMs };
}

/** Going on makes no sense. */
function unusable(answer: Answer, url: string): TillstreamError {
  const { status } = answer;
  if (status >= 200 && status < 300) {
    return new TillstreamError('unreachable', `${url} answers, but not as a Tillstream platform does.`, {
      hint: 'Another program may have that port. Check the URL.',
    });
  }
  const problem = problemOf(answer);
  return new TillstreamError(problem.code, `The platform answered ${status}: ${problem.message}`, {
    hint: 'Check the URL and the key.',
  });
}

/** `{accepted, rejected, rejectedLines: [[from, to]…] (1-based), errors: [{index (0-based), code, field, value, message}]}` */
function readCounts(answer: Answer, body: Record<string, unknown>, lineCount: number): Verdict {
  const { accepted, rejected } = body;
  if (typeof accepted !== 'number' || typeof rejected !== 'number' || accepted + rejected !== lineCount) {
    throw new TillstreamError(
      'internal',
      `The platform answered ${answer.status} for ${lineCount} lines with ${answer.body.slice(0, 120)}; expected accepted and rejected to add up.`,
    );
  }
  if (rejected === 0) return NONE_REFUSED;
  const refused = new Map<number, Refusal | null>();
  for (const range of Array.isArray(body.rejectedLines) ? body.rejectedLines : []) {
    const [from, to] = Array.isArray(range) ? range : [];
    if (typeof from !== 'number' || typeof to !== 'number') continue;
    for (let line = from; line <= to && line <= lineCount; line += 1) refused.set(line - 1, null);
  }
  for (const error of Array.isArray(body.errors) ? body.errors : []) {
    const index = isObject(error) ? error.index : undefined;
    if (typeof index === 'number') refused.set(index, refusalOf(error));
  }
  if (refused.size !== rejected) {
    throw new TillstreamError(
      'internal',
      `The platform refused ${rejected} of ${lineCount} lines but named ${refused.size}; expected it to name each.`,
    );
  }
  return { kind: 'stored', refused };
}

function firstRefusal(body: Record<string, unknown>): Refusal | null {
  const first = Array.isArray(body.errors) ? body.errors[0] : undefined;
  return isObject(first) ? refusalOf(first) : null;
}

/** A problem document (RFC 9457), or whatever else stands in the body. */
function problemOf(answer: Answer): Refusal {
  const body = parse(answer.body);
  const message = textOr(body.detail, null) ?? textOr(body.title, null) ?? textOr(body.message, null);
  return refusalOf({ ...body, message: message ?? answer.body.slice(0, 120).trim() });
}

function refusalOf(body: Record<string, unknown>): Refusal {
  return {
    code: codeOf(body.code),
    field: textOr(body.field, null),
    value: textOr(body.value, null),
    message: textOr(body.message, null) ?? 'The platform gave no reason.',
  };
}

function codeOf(code: unknown): ErrorCode {
  // A code that a newer platform knows and this client does not is still a refusal.
  return typeof code === 'string' && Object.hasOwn(catalogue, code) ? (code as ErrorCode) : 'invalid_request';
}

function textOr(value: unknown, otherwise: string | null): string | null {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : otherwise;
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
