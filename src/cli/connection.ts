// How a command finds the running platform, and asks it.
//
// A running platform leaves platform.json in its data directory, so on the same machine nothing need be typed. Not on
// fetch: it gives up on an answer's headers after five minutes, and verify may rightly take longer.
import { existsSync, readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join, resolve } from 'node:path';
import { catalogue, type ErrorCode, messageOf, TillstreamError } from '../model/errors.ts';
import { program } from './invocation.ts';

export interface ConnectionOptions {
  readonly url?: string;
  readonly key?: string;
  readonly dataDir?: string;
}

export interface Connection {
  /** Without a slash at the end. */
  readonly url: string;
  readonly key: string | undefined;
}

const DEFAULT_URL = 'http://127.0.0.1:8080';
const DEFAULT_DIRECTORIES = ['tillstream-data', 'tillstream-sample'];
const CONNECT_TIMEOUT_MS = 10_000;

/** @throws wrong_usage, unreachable */
export function findPlatform(options: ConnectionOptions): Connection {
  return { url: findUrl(options), key: options.key };
}

function findUrl(options: ConnectionOptions): string {
  if (options.url !== undefined) return checkedUrl(options.url);
  if (options.dataDir !== undefined) {
    const found = runningIn(options.dataDir);
    if (found !== null) return found;
    throw new TillstreamError('unreachable', `no platform runs on the data directory ${resolve(options.dataDir)}.`, {
      hint: `Start one with: ${program()} up --data-dir ${options.dataDir}`,
    });
  }
  for (const directory of DEFAULT_DIRECTORIES) {
    const found = runningIn(directory);
    if (found !== null) return found;
  }
  return DEFAULT_URL;
}

/** The URL in platform.json, unless the process that left it is gone. */
function runningIn(directory: string): string | null {
  const file = join(directory, 'platform.json');
  if (!existsSync(file)) return null;
  try {
    const { url, pid } = JSON.parse(readFileSync(file, 'utf8')) as { url?: unknown; pid?: unknown };
    return typeof url === 'string' && (typeof pid !== 'number' || isRunning(pid)) ? url : null;
  } catch {
    return null; // Half written, at the moment a platform starts: as good as not there yet.
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function checkedUrl(text: string): string {
  // "localhost:8080" as a person types it would parse as a scheme of its own.
  const full = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new TillstreamError('wrong_usage', `"${text}" is not the URL of a platform; expected e.g. ${DEFAULT_URL}.`);
  }
  return url.href.replace(/\/+$/, '');
}

type QueryParameters = Readonly<Record<string, string | number | undefined>>;

export interface Asking {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly query?: QueryParameters;
  readonly body?: unknown;
}

/**
 * The JSON that the platform answers.
 * @throws unreachable  nothing answers, or something else than a platform
 * @throws the code of the problem document that it answers
 */
export async function ask<Answer>(connection: Connection, path: string, asking: Asking = {}): Promise<Answer> {
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
  if (status < 300) return answer as Answer;
  throw problem(connection.url, answer);
}

function exchange(url: URL, connection: Connection, asking: Asking): Promise<{ status: number; text: string }> {
  const body = asking.body === undefined ? undefined : JSON.stringify(asking.body);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (connection.key !== undefined) headers.authorization = `Bearer ${connection.key}`;
  return new Promise((resolvePromise, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(url, { method: asking.method ?? 'GET', headers, agent: false });
    const deadline = setTimeout(
      () => request.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS / 1000} s`)),
      CONNECT_TIMEOUT_MS,
    );
    request.on('socket', (socket) => socket.once('connect', () => clearTimeout(deadline)));
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

/** No answer at all. */
function unreachable(url: string, cause: unknown): TillstreamError {
  const code = (cause as NodeJS.ErrnoException).code;
  const reason = code === 'ECONNREFUSED' ? '' : ` (${code === 'ENOTFOUND' ? 'no such host' : messageOf(cause)})`;
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

/** A problem document as the error that it was. */
function problem(url: string, answer: unknown): TillstreamError {
  const document = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>;
  const { code, detail, title, hint, field, value } = document;
  if (typeof code !== 'string' || !isErrorCode(code)) {
    if (typeof detail === 'string') return new TillstreamError('internal', detail);
    return notAPlatform(url);
  }
  return new TillstreamError(code, typeof detail === 'string' ? detail : String(title ?? catalogue[code].title), {
    ...(typeof hint === 'string' ? { hint } : {}),
    field: typeof field === 'string' ? field : null,
    value: typeof value === 'string' ? value : null,
  });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(catalogue, code);
}
