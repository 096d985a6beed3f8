// Calls between the threads of one process: a method by name, answers and errors back, over a message port.
import type { MessagePort, TransferListItem, Worker } from 'node:worker_threads';
import { type ErrorCode, messageOf, TillstreamError } from '../model/errors.ts';

/** Of whatever parameters: what calls one by its name is typed by Remote. */
type Method = (...parameters: never[]) => unknown;
export type Methods = Record<string, Method>;

interface Call {
  readonly id: number;
  readonly method: string;
  readonly parameters: readonly unknown[];
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: WireError;
}

/** An error as it crosses threads: a TillstreamError stays one, of others the message and the stack survive; so for causes. */
interface WireError {
  readonly code: ErrorCode | null;
  readonly message: string;
  readonly stack: string | undefined;
  readonly hint?: string;
  readonly field?: string | null;
  readonly value?: string | null;
  readonly retryAfterSeconds?: number;
  readonly cause?: WireError;
}

/** More than our errors ever have; one that is its own cause would have no end. */
const CAUSES_MAX = 5;

/**
 * Answers calls that come in on `port`. While `starting` is pending they wait; when it fails, they fail with its reason. `stop` is
 * answered last: a thread that ends while DuckDB works for it takes the process along.
 */
export function serve(port: MessagePort, starting: Promise<Methods>): void {
  const underWay = new Set<Promise<unknown>>();
  starting.catch(() => {}); // the first call reports it
  port.on('message', async ({ id, method, parameters }: Call) => {
    try {
      const called = (await starting)[method];
      if (called === undefined) throw new Error(`There is no method ${method}`);
      const working = Promise.resolve(called(...(parameters as never[])));
      if (method === 'stop') await Promise.allSettled([working, ...underWay]);
      else underWay.add(working);
      const result = await working.finally(() => underWay.delete(working));
      port.postMessage({ id, result } satisfies Answer);
    } catch (error) {
      port.postMessage({ id, error: toWire(error) } satisfies Answer);
    }
  });
}

/** The other side of serve(). */
export interface Remote<M extends Methods> {
  call<K extends keyof M & string>(method: K, ...parameters: Parameters<M[K]>): Promise<Awaited<ReturnType<M[K]>>>;
  /** The same, with memory that goes over to the other thread instead of being copied. */
  callWith<K extends keyof M & string>(
    transferred: readonly TransferListItem[],
    method: K,
    ...parameters: Parameters<M[K]>
  ): Promise<Awaited<ReturnType<M[K]>>>;
}

/** Calls into a worker. When the worker ends, calls under way and later ones fail with `unavailable`. */
export function connect<M extends Methods>(worker: Worker, name: string): Remote<M> {
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: unknown) => void }>();
  let lastId = 0;
  let ended: TillstreamError | null = null;
  worker.on('message', ({ id, result, error }: Answer) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) call?.resolve(result as never);
    else call?.reject(fromWire(error));
  });
  worker.on('exit', () => {
    ended = new TillstreamError('unavailable', `The ${name} thread has ended.`);
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  });
  const callWith: Remote<M>['callWith'] = (transferred, method, ...parameters) => {
    if (ended !== null) return Promise.reject(ended);
    return new Promise((resolve, reject) => {
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      worker.postMessage({ id: lastId, method, parameters } satisfies Call, transferred);
    });
  };
  return { callWith, call: (method, ...parameters) => callWith([], method, ...parameters) };
}

function toWire(error: unknown, causesMax = CAUSES_MAX): WireError {
  const stack = error instanceof Error ? error.stack : undefined;
  const hasCause = error instanceof Error && error.cause !== undefined && causesMax > 0;
  const cause = hasCause ? { cause: toWire(error.cause, causesMax - 1) } : {};
  if (!(error instanceof TillstreamError)) return { code: null, message: messageOf(error), stack, ...cause };
  const { code, message, hint, field, value, retryAfterSeconds } = error;
  return {
    ...{ code, message, stack, field, value, ...cause },
    ...(hint === undefined ? {} : { hint }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}

function fromWire({ code, message, stack, cause, ...fields }: WireError): Error {
  const details = { ...fields, ...(cause === undefined ? {} : { cause: fromWire(cause) }) };
  const error = code === null ? new Error(message, details) : new TillstreamError(code, message, details);
  if (stack !== undefined) error.stack = stack;
  return error;
}
