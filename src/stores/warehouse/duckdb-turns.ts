// How many may do the same thing at once; the others wait, in order of coming.
import { TillstreamError } from '../../model/errors.ts';

export class Turns {
  readonly #concurrentMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(concurrentMax: number, waitingMax: number) {
    this.#concurrentMax = concurrentMax;
    this.#waitingMax = waitingMax;
  }

  /** @throws overloaded  too many wait already */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running === this.#concurrentMax) {
      if (this.#waiting.length === this.#waitingMax) {
        throw new TillstreamError('overloaded', `${this.#waitingMax} queries wait for the warehouse already`, {
          retryAfterSeconds: 1,
        });
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await work();
    } finally {
      // Who waits longest takes over the place; it is free only when nobody does.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
