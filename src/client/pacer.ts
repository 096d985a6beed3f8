// How fast a replay goes: so many lines a second, or by the clock of the invoices. The slower of the two prevails.
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { readDate } from '../model/dates.ts';

export interface Pace {
  /** Lines a second. */
  readonly rate?: number | undefined;
  /** Seconds of the file played in one second. */
  readonly speed?: number | undefined;
}

/** After a stall, this much of `rate` is caught up at once, no more: the rate is a promise to the platform. */
const BURST_MS = 50;
/** Shorter waits are not worth a timer; they add up until they are. */
const WAIT_MIN_MS = 5;
/** A timer that is set to more than 24.8 days goes off at once. */
const SLEEP_MS_MAX = 86_400_000;

export class Pacer {
  readonly #pace: Pace;
  #nextAtMs: number;
  #lastDate = '';
  #originMs: { readonly played: number; readonly now: number } | null = null;
  #dueAtMs = 0;

  constructor(pace: Pace, nowMs: number) {
    this.#pace = pace;
    this.#nextAtMs = nowMs;
  }

  /** Resolves when a line of this date is to be sent, or when `stop` is aborted. */
  async keep(invoiceDate: string, stop: AbortSignal): Promise<void> {
    const nowMs = performance.now();
    const untilMs = nowMs + this.#delayMs(invoiceDate, nowMs);
    for (let leftMs = untilMs - nowMs; leftMs > 0 && !stop.aborted; leftMs = untilMs - performance.now()) {
      await sleep(Math.min(leftMs, SLEEP_MS_MAX), undefined, { signal: stop }).catch(() => undefined);
    }
  }

  /** 0: send it now. */
  #delayMs(invoiceDate: string, nowMs: number): number {
    const delay = Math.max(this.#delayByRate(nowMs), this.#delayByDate(invoiceDate, nowMs));
    return delay < WAIT_MIN_MS ? 0 : delay;
  }

  #delayByRate(nowMs: number): number {
    if (this.#pace.rate === undefined) return 0;
    const at = Math.max(this.#nextAtMs, nowMs - BURST_MS);
    this.#nextAtMs = at + 1000 / this.#pace.rate;
    return at - nowMs;
  }

  #delayByDate(invoiceDate: string, nowMs: number): number {
    if (this.#pace.speed === undefined) return 0;
    if (invoiceDate !== this.#lastDate) {
      this.#lastDate = invoiceDate;
      const wallClock = readDate(invoiceDate.trim(), 'UTC');
      // A date that cannot be read does not wait; the platform will refuse it.
      if (wallClock !== null) {
        const played = Date.parse(`${wallClock}Z`);
        this.#originMs ??= { played, now: nowMs };
        this.#dueAtMs = this.#originMs.now + (played - this.#originMs.played) / this.#pace.speed;
      }
    }
    return this.#dueAtMs - nowMs;
  }
}
