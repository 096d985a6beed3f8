// One keep-alive connection to the platform, one request on it at a time: what keeps an invoice's lines in order.
//
// A client of its own for each lane, and dispatch() with a handler instead of request(): measured with 64 connections,
// 31 µs of CPU a request; request() takes 38, node:http 63. Client and platform often share a machine.
import { performance } from 'node:perf_hooks';
import { type buildConnector, Client, type Dispatcher } from 'undici';
import { TillstreamError } from '../model/errors.ts';
import { timeLimit } from '../model/time-limit.ts';
import { connectPinned } from './pinned-certificate.ts';

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** What `Retry-After` asks for, in ms; null without the header. */
  readonly retryAfterMs: number | null;
  /** From sending to the last byte of the answer, in µs. */
  readonly latencyUs: number;
}

export interface Target {
  /** Base URL of the platform; may have a path. */
  readonly url: string;
  readonly key?: string | undefined;
  /** PEM of the platform's own certificate, where it is known: nobody else is talked to. */
  readonly certificate?: string | undefined;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** Longer than the platform needs for anything: what has not answered by then never will. */
const ANSWER_TIMEOUT_MS = 60_000;
/** An answer to a batch has at most 100 errors of about 1 KB, and ranges. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/** Errors that no waiting mends: the certificate is not one we can trust. */
const HOPELESS = /^(CERT_|ERR_TLS|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER)/;

/**
 * `path`: before those of the routes, without a slash at the end.
 * @throws wrong_usage
 */
export function parseTarget(target: Target): { origin: string; path: string } {
  const url = URL.canParse(target.url) ? new URL(target.url) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new TillstreamError('wrong_usage', `The URL is "${target.url}"; expected one like http://127.0.0.1:8080.`);
  }
  return { origin: url.origin, path: url.pathname.replace(/\/+$/, '') };
}

function pinnedConnector(certificate: string): buildConnector.connector {
  return ({ hostname, port }, callback) => {
    const { signal, lift } = timeLimit(undefined, CONNECT_TIMEOUT_MS);
    connectPinned(hostname, Number(port || 443), certificate, signal)
      .finally(lift)
      .then(
        (socket) => callback(null, socket),
        (error: Error) => callback(error, null),
      );
  };
}

export class Connection {
  /** Base URL of the platform. */
  readonly url: string;
  readonly #client: Client;
  readonly #path: string;
  readonly #headers: string[];

  constructor(target: Target) {
    const { origin, path } = parseTarget(target);
    this.url = target.url;
    this.#path = path;
    this.#headers = ['x-tillstream-source', 'replay', 'accept', 'application/json'];
    if (target.key !== undefined) this.#headers.push('authorization', `Bearer ${target.key}`);
    this.#client = new Client(origin, {
      pipelining: 1,
      connect: target.certificate === undefined ? { timeout: CONNECT_TIMEOUT_MS } : pinnedConnector(target.certificate),
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
      maxResponseSize: ANSWER_BYTES_MAX,
    });
  }

  /**
   * Sends one request and waits for all of its answer.
   * Any other error than these means that the lines may or may not be stored: send them again, identity makes that harmless.
   * @throws unreachable  and trying again will not help
   */
  post(contentType: string, body: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = [...this.#headers, 'content-type', contentType];
      const path = `${this.#path}/v1/transactions`;
      this.#client.dispatch({ method: 'POST', path, headers, body }, new Exchange(resolve, reject));
    });
  }

  /** The same for a question. @param route `/v1/…` */
  get(route: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const path = this.#path + route;
      this.#client.dispatch({ method: 'GET', path, headers: this.#headers }, new Exchange(resolve, reject));
    });
  }

  /** Ends the connection; a request in flight fails. */
  destroy(): Promise<void> {
    return this.#client.destroy();
  }
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: Error) => void;
  readonly #sentAt = performance.now();
  #status = 0;
  #retryAfterMs: number | null = null;
  #chunks: Buffer[] = [];

  constructor(resolve: (answer: Answer) => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRequestStart(): void {}

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status;
    this.#chunks = [];
    const retryAfter = headers['retry-after'];
    this.#retryAfterMs = typeof retryAfter === 'string' ? retryAfterMs(retryAfter) : null;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [first] = this.#chunks;
    const body = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#resolve({
      status: this.#status,
      body: body.toString(),
      retryAfterMs: this.#retryAfterMs,
      latencyUs: Math.round((performance.now() - this.#sentAt) * 1000),
    });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error & { code?: string }): void {
    this.#reject(error.code !== undefined && HOPELESS.test(error.code) ? untrusted(error) : error);
  }
}

function untrusted(cause: Error): TillstreamError {
  return new TillstreamError('unreachable', `The platform's certificate cannot be trusted: ${cause.message}.`, {
    hint: 'Trust it with NODE_EXTRA_CA_CERTS, or check the URL.',
    cause,
  });
}

/** Seconds, or an HTTP date. */
function retryAfterMs(text: string): number | null {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}
