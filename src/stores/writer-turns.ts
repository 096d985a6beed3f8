// Turns of threads that write the same store: each computes from what it has read, so nobody else may write between.
//
// Over shared memory, for worker threads: one that waits does nothing else. Whoever comes again at once lets others go first. A
// thread that ends within its turn keeps it, and then the platform cannot go on either.
import { TillstreamError } from '../model/errors.ts';

/** Places in the shared memory: 1 while somebody writes; how many wait; never written to. */
const TAKEN = 0;
const WAITING = 1;
const NEVER = 2;

/** Longer than any write takes: see COMMIT_WAIT_MS_MAX of lmdb-environment.ts. */
const WAIT_MS_MAX = 60_000;
/** For who waits to wake up and take the turn. */
const POLITE_MS = 2;

export class WriterTurns {
  readonly #places: Int32Array;

  static newBuffer(): SharedArrayBuffer {
    return new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT);
  }

  constructor(buffer: SharedArrayBuffer) {
    this.#places = new Int32Array(buffer);
  }

  /** @throws unavailable  the turn has not come within a minute; and what `work` throws */
  take<T>(work: () => T): T {
    const places = this.#places;
    if (Atomics.load(places, WAITING) > 0) Atomics.wait(places, NEVER, 0, POLITE_MS);
    if (Atomics.compareExchange(places, TAKEN, 0, 1) !== 0) this.#wait();
    try {
      return work();
    } finally {
      Atomics.store(places, TAKEN, 0);
      Atomics.notify(places, TAKEN, 1);
    }
  }

  #wait(): void {
    const places = this.#places;
    const endMs = performance.now() + WAIT_MS_MAX;
    Atomics.add(places, WAITING, 1);
    try {
      while (Atomics.compareExchange(places, TAKEN, 0, 1) !== 0) {
        if (Atomics.wait(places, TAKEN, 1, endMs - performance.now()) === 'timed-out') {
          throw new TillstreamError('unavailable', 'Another thread has been writing the order store for too long.');
        }
      }
    } finally {
      Atomics.sub(places, WAITING, 1);
    }
  }
}
