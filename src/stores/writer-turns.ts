// Turns of threads that write the same store: each computes from what it has read, so nobody else may write between.
//
// Over shared memory, for worker threads: one that waits does nothing else. Whoever comes while others wait lets one of them go
// first, so that a thread that writes without a pause keeps nobody away. A thread that ends within its turn keeps it, and then
// the platform cannot go on either.
import { TillstreamError } from '../model/errors.ts';

/** Places in the shared memory: 1 while somebody writes; how many wait; how many turns were taken, which may begin anew. */
const TAKEN = 0;
const WAITING = 1;
const TURNS = 2;
const PLACES = 3;

/** Longer than any write takes: see COMMIT_WAIT_MS_MAX of lmdb-environment.ts. */
const WAIT_MS_MAX = 60_000;
/**
 * For who waits to wake up and take the turn: longer than a busy machine leaves a thread of low priority alone. It passes in full
 * only where a turn takes longer, or a thread has ended while it waited.
 */
const POLITE_MS_MAX = 100;

export class WriterTurns {
  readonly #places: Int32Array;
  readonly #waitMsMax: number;

  static newBuffer(): SharedArrayBuffer {
    return new SharedArrayBuffer(PLACES * Int32Array.BYTES_PER_ELEMENT);
  }

  constructor(buffer: SharedArrayBuffer, waitMsMax = WAIT_MS_MAX) {
    this.#places = new Int32Array(buffer);
    this.#waitMsMax = waitMsMax;
  }

  /** @throws unavailable  the turn has not come within a minute; and what `work` throws */
  take<T>(work: () => T): T {
    const places = this.#places;
    this.#letAnotherGoFirst();
    if (Atomics.compareExchange(places, TAKEN, 0, 1) !== 0) this.#wait();
    Atomics.add(places, TURNS, 1);
    Atomics.notify(places, TURNS);
    try {
      return work();
    } finally {
      Atomics.store(places, TAKEN, 0);
      Atomics.notify(places, TAKEN, 1);
    }
  }

  /** The turns are read first: who waits stops waiting before its turn is counted, so no turn is missed between. */
  #letAnotherGoFirst(): void {
    const turns = Atomics.load(this.#places, TURNS);
    if (Atomics.load(this.#places, WAITING) > 0) Atomics.wait(this.#places, TURNS, turns, POLITE_MS_MAX);
  }

  #wait(): void {
    const places = this.#places;
    const endMs = performance.now() + this.#waitMsMax;
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
