// Between two parts all imports can stand still, while the stores are compared, copied or built anew: then every store has the same
// parts.
import { TillstreamError } from '../model/errors.ts';
import type { Signal } from '../stream/signal.ts';
import type { ImportHistory } from './history.ts';

export interface StandstillParts {
  readonly history: Pick<ImportHistory, 'all' | 'find' | 'note'>;
  /** Fired when an import ends, or waits to be tried again; and from here, when a part is loaded or may be. */
  readonly change: Signal;
  /** Nobody waits any more once it is aborted. */
  readonly ending: AbortSignal;
  /** @throws stream_gap  a store has lost what imports have brought; with another part in it, nobody would see that */
  readonly assertNotLost: () => Promise<void>;
}

/** Whoever waits for a change is told of it; this is for the one that nobody tells. */
export const LOOK_AGAIN_MS = 1000;

export class Standstill {
  readonly #parts: StandstillParts;
  #held = 0;
  #halfway: string | null;
  /** A part is about to be loaded, unless a store is lost. */
  #isLooking = false;

  constructor(parts: StandstillParts) {
    this.#parts = parts;
    this.#halfway = parts.history.all.find(({ state }) => state === 'loading')?.id ?? null;
  }

  /** The import of which a part may be in one store and not in the other: of a part that is loaded, or was cut off. */
  get halfway(): string | null {
    return this.#halfway;
  }

  /**
   * Resolves when all stores have the same parts; none is loaded then, until release().
   * @throws unavailable  a part is cut off in the middle, and cannot be finished now; release() all the same
   */
  async hold(): Promise<void> {
    const { history, change, ending } = this.#parts;
    this.#held += 1;
    while ((this.#halfway !== null || this.#isLooking) && !ending.aborted) {
      if (this.#halfway !== null) {
        const { id, error } = history.find(this.#halfway);
        if (error !== null) throw cutOff(id, error.message);
      }
      await change.wait(LOOK_AGAIN_MS);
    }
  }

  release(): void {
    this.#held = Math.max(0, this.#held - 1);
    this.#parts.change.fire();
  }

  /**
   * Resolves when a part of that import may be loaded; until partLoaded() the stores may differ. What was cut off is finished first,
   * whoever holds.
   * @throws stream_gap; AbortError  all ends
   */
  async partBegins(id: string): Promise<void> {
    const { history, change, ending, assertNotLost } = this.#parts;
    while (this.#held > 0 && this.#halfway !== id && !ending.aborted) await change.wait(LOOK_AGAIN_MS);
    ending.throwIfAborted();
    // From here on whoever holds waits for it: what is looked at takes its time.
    this.#isLooking = true;
    try {
      await assertNotLost();
      // What it has waited for is over; unless it was cut off, when only the end of the part shows that.
      if (this.#halfway !== id) history.note(id, { error: null });
      this.#halfway = id;
    } finally {
      this.#isLooking = false;
      change.fire();
    }
  }

  /** It is in every store, or given up. */
  partLoaded(): void {
    this.#halfway = null;
    this.#parts.change.fire();
  }
}

function cutOff(id: string, why: string): TillstreamError {
  return new TillstreamError('unavailable', `Import ${id} is cut off in the middle of a part: ${why}`, {
    hint: `It is tried again and again; once it goes on, this can be done. Or give it up: tillstream imports cancel ${id}; a minute later at most it says what to do.`,
  });
}
