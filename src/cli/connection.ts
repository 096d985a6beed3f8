// How a command asks a platform. Not on fetch: it gives up on an answer's headers after five minutes, and verify may rightly
// take longer.
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connectPinned } from '../client/pinned-certificate.ts';
import { catalogue, type ErrorCode, messageOf, TillstreamError } from '../model/errors.ts';
import { timeLimit } from '../model/time-limit.ts';
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
  /** Instead of a body: bytes of any number, read as they are sent. */
  readonly upload?: Upload;
  /** Gives up on the answer when it is aborted. */
  readonly signal?: AbortSignal;
  /** What an answer of a platform has here: a program that speaks JSON may have that port. */
  readonly has: (keyof Answer & string) | null;
  /** How long the answer is waited for; a minute when left out. Infinity: it may rightly take any time. */
  readonly timeoutMs?: number;
}

export interface Upload {
  readonly contentType: string;
  /** All of them; null: not known before. */
  readonly bytes: number | null;
  readonly chunks: AsyncIterable<Buffer>;
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
  const response = await exchange(url, connection, asking);
  const text = (await collected(response, connection.url)).toString('utf8');
  const { statusCode: status = 0 } = response;
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

/**
 * Bytes that the platform answers, as they come.
 * @param contentType that they have to be of
 * @throws as ask()
 */
export async function* download(connection: Connection, path: string, contentType: string): AsyncGenerator<Buffer> {
  const asking = { timeoutMs: Number.POSITIVE_INFINITY };
  const response = await exchange(new URL(connection.url + path), connection, asking);
  const { statusCode: status = 0, headers } = response;
  if (status >= 300) {
    const text = (await collected(response, connection.url)).toString('utf8');
    throw problem(connection.url, text.startsWith('{') ? JSON.parse(text) : null);
  }
  if (headers['content-type']?.startsWith(contentType) !== true) {
    response.destroy();
    throw notAPlatform(connection.url);
  }
  try {
    yield* response as AsyncIterable<Buffer>;
  } catch (cause) {
    throw unreachable(connection.url, cause);
  }
}

async function collected(response: IncomingMessage, url: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  try {
    for await (const part of response as AsyncIterable<Buffer>) parts.push(part);
  } catch (cause) {
    throw unreachable(url, cause);
  }
  return Buffer.concat(parts);
}

/** Resolves when the answer begins. @throws unreachable, and what an upload throws */
async function exchange(
  url: URL,
  connection: Connection,
  asking: Omit<Asking<unknown>, 'has'>,
): Promise<IncomingMessage> {
  const { certificate } = connection;
  const { upload, timeoutMs = ANSWER_TIMEOUT_MS } = asking;
  const limit = timeLimit(asking.signal, timeoutMs);
  const { signal } = limit;
  const refused = (cause: unknown): TillstreamError =>
    cause instanceof TillstreamError ? cause : unreachable(connection.url, cause);
  const pinned =
    certificate === undefined
      ? null
      : await pinnedConnection(url, certificate, signal).catch((cause: unknown) => {
          limit.lift();
          throw refused(cause);
        });
  const body = asking.body === undefined ? undefined : JSON.stringify(asking.body);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (upload !== undefined) headers['content-type'] = upload.contentType;
  if (upload?.bytes != null) headers['content-length'] = String(upload.bytes);
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
    request.on('close', () => {
      clearTimeout(deadline);
      limit.lift();
    });
    request.on('error', (cause) => reject(refused(cause)));
    request.on('response', (response: IncomingMessage) => {
      // What was refused while it was being sent is not sent to its end.
      response.on('close', () => request.destroy());
      resolvePromise(response);
    });
    if (upload === undefined) request.end(body);
    else sendAll(request, upload.chunks).catch((error: Error) => request.destroy(error));
  });
}

async function pinnedConnection(url: URL, certificate: string, signal: AbortSignal): ReturnType<typeof connectPinned> {
  const inTime = timeLimit(signal, CONNECT_TIMEOUT_MS);
  try {
    return await connectPinned(url.hostname, Number(url.port || 443), certificate, inTime.signal);
  } finally {
    inTime.lift();
  }
}

/** Ends early where the answer is there, or nobody takes any more. */
async function sendAll(request: ClientRequest, chunks: AsyncIterable<Buffer>): Promise<void> {
  let isOver = false;
  let goOn = (): void => {};
  const over = (): void => {
    isOver = true;
    goOn();
  };
  request
    .on('response', over)
    .on('close', over)
    .on('drain', () => goOn());
  for await (const chunk of chunks) {
    if (isOver) return;
    if (request.write(chunk)) continue;
    await new Promise<void>((resolve) => {
      goOn = resolve;
      if (isOver) resolve();
    });
  }
  if (!isOver) request.end();
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
