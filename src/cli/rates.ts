// What grew a second, from one look at the status to the next.
import type { StatusAnswer } from './answers.ts';

/** A second each, over the last few; null until two looks have been taken. */
export interface Rates {
  readonly acceptedLines: number | null;
  readonly rejectedLines: number | null;
  readonly requests: number | null;
  /** Records, by store. */
  readonly delivered: ReadonlyMap<string, number>;
}

interface Look {
  readonly atMs: number;
  readonly status: StatusAnswer;
}

/** Two of the lake's batches, so that its rate is steady; short enough to see a change. */
const WINDOW_SECONDS = 10;
const SECONDS_SHOWN = 60;

export class RateHistory {
  /** Accepted lines of each second, oldest first; as many as have been looked at. */
  readonly perSecond: number[] = [];
  #looks: Look[] = [];

  /** @param atMs of a clock that only goes forward */
  add(status: StatusAnswer, atMs: number): void {
    const before = this.#looks.at(-1);
    // Counters begin anew with a platform.
    if (before !== undefined && before.status.startedAt !== status.startedAt) this.#looks = [];
    else if (before !== undefined && atMs > before.atMs) {
      const grown = status.accepted.lines - before.status.accepted.lines;
      this.perSecond.push(Math.round((grown * 1000) / (atMs - before.atMs)));
      if (this.perSecond.length > SECONDS_SHOWN) this.perSecond.shift();
    }
    this.#looks.push({ status, atMs });
    if (this.#looks.length > WINDOW_SECONDS + 1) this.#looks.shift();
  }

  rates(): Rates {
    const first = this.#looks[0];
    const last = this.#looks.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) {
      return { acceptedLines: null, rejectedLines: null, requests: null, delivered: new Map() };
    }
    const seconds = (last.atMs - first.atMs) / 1000;
    const grown = (figure: (status: StatusAnswer) => number): number =>
      (figure(last.status) - figure(first.status)) / seconds;
    return {
      acceptedLines: grown(({ accepted }) => accepted.lines),
      rejectedLines: grown(({ accepted }) => accepted.rejected),
      requests: grown(({ accepted }) => accepted.requests),
      delivered: new Map(last.status.consumers.map(({ store }) => [store, grown((status) => passed(status, store))])),
    };
  }
}

/** Sequences are numbers of records on one machine. */
function passed({ consumers }: StatusAnswer, store: string): number {
  return Number(consumers.find((consumer) => consumer.store === store)?.checkpoint ?? 0);
}
