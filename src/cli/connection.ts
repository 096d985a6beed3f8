// How a command asks a platform. Not on fetch: it gives up on an answer's headers after five minutes, and verify may rightly
// take longer.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connectPinned } from '../client/pinned-certificate.ts';
import { catalogue, type ErrorCode, messageOf, TillstreamError } from '../model/errors.ts';
import { type Connection, DEFAULT_URL } from './find-platform.ts';
import { program } from './invocation.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** Twice what the platform gives a question. */
const ANSWER_TIMEOUT_MS = 60_000;

type QueryParameters = Readonly<Record<string, string | number | undefined>>;

export interface Asking<Answer> {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly query?: QueryParameters;
  readonly body?: unknown;
  /** Gives up on the answer when it is aborted. */
  readonly signal?: AbortSignal;
  /** What an answer of a platform has here: a program that speaks JSON may have that port. */
  readonly has: (keyof Answer & string) | null;
  /** How long the answer is waited for; a minute when left out. Infinity: it may rightly take any time. */
  readonly timeoutMs?: number;
}

/**
 * The JSON that the platform answers.
 * @throws unreachable  nothing answers, or something else than a platform
 * @throws the code of the problem document that it answers
 */
export async function ask<Answer>(connection: Connection, path: string, asking: Asking<Answer>): Promise<Answer> {
  const url = new URL(connection.url + path);
  for (const [name, value] of Object.entries(asking.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const { status, text } = await exchange(url, connection, asking).catch((cause: unknown) => {
    throw unreachable(connection.url, cause);
  });
  let answer: unknown;
  try {
    answer = text === '' ? null : JSON.parse(text);
  } catch {
    throw notAPlatform(connection.url);
  }
  if (status < 300) {
    const { has } = asking;
    if (typeof answer !== 'object' || (has !== null && !Object.hasOwn(answer ?? {}, has)))
      throw notAPlatform(connection.url);
    return answer as Answer;
  }
  throw problem(connection.url, answer);
}

async function exchange(
  url: URL,
  connection: Connection,
  asking: Omit<Asking<unknown>, 'has'>,
): Promise<{ status: number; text: string }> {
  const { certificate } = connection;
  const { timeoutMs = ANSWER_TIMEOUT_MS } = asking;
  const signal = AbortSignal.any([
    ...(asking.signal === undefined ? [] : [asking.signal]),
    ...(timeoutMs === Number.POSITIVE_INFINITY ? [] : [AbortSignal.timeout(timeoutMs)]),
  ]);
  const pinned =
    certificate === undefined
      ? null
      : await connectPinned(
          url.hostname,
          Number(url.port || 443),
          certificate,
          AbortSignal.any([signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]),
        );
  const body = asking.body === undefined ? undefined : JSON.stringify(asking.body);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (connection.key !== undefined) headers.authorization = `Bearer ${connection.key}`;
  return new Promise((resolvePromise, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    // With an agent, createConnection would not be asked.
    const way = pinned === null ? { agent: false } : { createConnection: () => pinned };
    const request = send(url, { method: asking.method ?? 'GET', headers, ...way, signal });
    const deadline = setTimeout(
      () => request.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS / 1000} s`)),
      CONNECT_TIMEOUT_MS,
    );
    request.on('socket', (socket) => {
      if (socket === pinned) clearTimeout(deadline);
      else socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => clearTimeout(deadline));
    });
    request.on('close', () => clearTimeout(deadline));
    request.on('error', reject);
    request.on('response', (response: IncomingMessage) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () =>
        resolvePromise({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
      );
    });
    request.end(body);
  });
}

const REASONS: Readonly<Record<string, string>> = { ENOTFOUND: 'no such host' };

/** No answer at all. */
function unreachable(url: string, cause: unknown): TillstreamError {
  const { code = '', name } = cause as NodeJS.ErrnoException;
  if (code === 'ABORT_ERR' || name === 'TimeoutError' || name === 'AbortError') {
    return new TillstreamError('unreachable', `no platform answers at ${url} (it takes too long).`, {
      hint: `It is very busy, or hangs: ${program()} doctor says more.`,
      cause,
    });
  }
  const reason = code === 'ECONNREFUSED' ? '' : ` (${REASONS[code] ?? messageOf(cause)})`;
  const start = url === DEFAULT_URL ? `${program()} up` : `${program()} up, or name another with --url`;
  return new TillstreamError('unreachable', `no platform answers at ${url}${reason}.`, {
    hint: `Start one with: ${start}`,
    cause,
  });
}

function notAPlatform(url: string): TillstreamError {
  return new TillstreamError('unreachable', `what answers at ${url} is not a Tillstream platform.`, {
    hint: 'Another program may have that port. Name the platform with --url, or its data directory with --data-dir.',
  });
}

const KEY_HINT =
  'Give one with --key or TILLSTREAM_KEY; or name the data directory of a platform on this machine with --data-dir.';
const ENDED_KEY_HINT =
  'Give another with --key or TILLSTREAM_KEY. If it is the one in the data directory, restart the platform: it makes a new one.';

/** A problem document as the error that it was. */
function problem(url: string, answer: unknown): TillstreamError {
  const document = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>;
  const { code, detail, title, hint, field, value } = document;
  if (typeof code !== 'string' || !isErrorCode(code)) {
    if (typeof detail === 'string') return new TillstreamError('internal', detail);
    return notAPlatform(url);
  }
  return new TillstreamError(code, typeof detail === 'string' ? detail : String(title ?? catalogue[code].title), {
    ...(code === 'unauthorized' ? { hint: keyHint(String(detail)) } : typeof hint === 'string' ? { hint } : {}),
    field: typeof field === 'string' ? field : null,
    value: typeof value === 'string' ? value : null,
  });
}

function keyHint(detail: string): string {
  return /ended|revoked/.test(detail) ? ENDED_KEY_HINT : KEY_HINT;
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(catalogue, code);
}
