// Tries for ever what answers `unavailable`: a store that is away comes back, and nothing is dropped meanwhile.
import { type ErrorCode, isTillstreamError, messageOf } from '../model/errors.ts';
import type { WriteLog } from '../model/log.ts';
import type { Signal } from './signal.ts';

/** First and largest wait between tries. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

const BACKOFF: Backoff = { firstMs: 100, maxMs: 5000 };

export interface PatienceOptions {
  readonly store: string;
  readonly log: WriteLog;
  /** Ends the trying: what is under way then fails with its own error. */
  readonly stop: AbortSignal;
  /** Ends a wait at once. */
  readonly nudge: Signal;
  /** Called when the store is found away, at each try. */
  readonly onAway: () => void;
  /** 0 to 1, for the jitter. */
  readonly random?: (() => number) | undefined;
  readonly backoff?: Backoff | undefined;
}

export interface Trouble {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
}

export class Patience {
  readonly #options: PatienceOptions;
  #awaySinceMs: number | null = null;
  #trouble: Trouble | null = null;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** Since when the store is away, ms since 1970; null while it is there. */
  get awaySinceMs(): number | null {
    return this.#awaySinceMs;
  }

  /** Why it is away. */
  get trouble(): Trouble | null {
    return this.#trouble;
  }

  /** Rejects with any error but `unavailable`, and with that once it is stopped. */
  async until<T>(action: () => Promise<T>): Promise<T> {
    const { log, store, stop, onAway } = this.#options;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const result = await action();
        if (this.#awaySinceMs !== null) {
          this.#awaySinceMs = null;
          this.#trouble = null;
          log('info', `The ${store} store is available again`, { store, tries: attempt + 1 });
        }
        return result;
      } catch (error) {
        if (!isTillstreamError(error, 'unavailable') || stop.aborted) throw error;
        this.#awaySinceMs ??= Date.now();
        this.#trouble = troubleOf(error);
        onAway();
        if (attempt === 0) log('warn', `The ${store} store is not available`, { store, err: error });
        await this.backOff(attempt);
      }
    }
  }

  /** Waits between half of and the whole capped, doubling time; a nudge ends it at once. */
  async backOff(attempt: number): Promise<void> {
    const { backoff = BACKOFF, random = Math.random, stop, nudge } = this.#options;
    const fullMs = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(attempt, 20));
    if (!stop.aborted) await nudge.wait(fullMs * (0.5 + random() / 2));
  }
}

/** An error as a person is told of it. */
export function troubleOf(error: unknown): Trouble {
  if (!isTillstreamError(error)) return { code: 'internal', message: messageOf(error), hint: null };
  return { code: error.code, message: error.message, hint: error.hint ?? null };
}
