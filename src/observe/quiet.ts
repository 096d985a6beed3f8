// Whether sales have stopped. That is a matter only after they have been arriving: a shop that sells little, or whose
// evening fades out, is quiet for long and nothing is wrong. A flow that breaks off is told from one that fades: as long
// before the silence as it lasts, cut into thirty parts, there came a line in at least half of them.

const PARTS = 30;
/** Twice as long as from one look to the next (alerting.ts): shorter ones would stay empty. */
const PART_MS_MIN = 10_000;

export class Quiet {
  /** How long a silence has to be, and how long the steady flow before it; 0: it never is. */
  readonly #ms: number;
  readonly #partMs: number;
  /** Parts of time, numbered from 1970, in which lines came, rising: those up to `#ms` before the last one. */
  #busy: number[] = [];
  #accepted = 0;
  #lastMs = 0;

  /** @param ms 0: sales never stop */
  constructor(ms: number) {
    this.#ms = ms;
    this.#partMs = Math.max(ms / PARTS, PART_MS_MIN);
  }

  /**
   * How long no line has come after a steady flow; 0 while lines come, or when they never came steadily.
   * @param accepted lines since the start of the platform
   */
  lookMs(accepted: number, atMs: number): number {
    const parts = this.#ms / this.#partMs;
    if (accepted > this.#accepted) {
      const part = Math.floor(atMs / this.#partMs);
      this.#busy = [...this.#busy.filter((busy) => busy !== part && busy > part - parts), part];
      this.#accepted = accepted;
      this.#lastMs = atMs;
    }
    const quietMs = atMs - this.#lastMs;
    const hasStopped = this.#ms > 0 && quietMs >= this.#ms && this.#busy.length >= parts / 2;
    return hasStopped ? quietMs : 0;
  }
}
