// What a replay has done so far: counts, latencies, and whether the platform keeps it waiting. Memory is constant.
import { createHistogram } from 'node:perf_hooks';
import type { Refusal } from '../model/errors.ts';
import type { CsvRow } from './csv-rows.ts';

export interface LatencyMs {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface Rejected {
  readonly file: string;
  readonly row: number;
  readonly refusal: Refusal;
}

/** A hiccup is not worth a word; a platform that has answered nobody for this long is. */
const WAITING_AFTER_MS = 3_000;
/** Longer than the platform tells anybody to wait: who has said nothing since may be gone, whatever the last word was. */
const SILENT_AFTER_MS = 10_000;
/** Enough to see what is wrong without opening the rejects file. */
const FIRST_REJECTS_MAX = 10;

export class Tally {
  sent = 0;
  accepted = 0;
  rejected = 0;
  retries = 0;
  readonly firstRejects: Rejected[] = [];
  // In µs, log-bucketed to three significant figures; resolution and memory do not depend on how much is recorded.
  readonly #latencies = createHistogram({ figures: 3 });
  #trouble: { readonly sinceMs: number; readonly reason: string; readonly saidAtMs: number } | null = null;

  answered(latencyUs: number): void {
    this.#latencies.record(Math.max(1, latencyUs));
  }

  stored(lines: number): void {
    if (lines === 0) return;
    this.accepted += lines;
    this.#trouble = null;
  }

  refused(row: CsvRow, refusal: Refusal): void {
    this.rejected += 1;
    this.#trouble = null;
    if (this.firstRejects.length < FIRST_REJECTS_MAX) {
      this.firstRejects.push({ file: row.source.name, row: row.row, refusal });
    }
  }

  retried(reason: string, nowMs: number): void {
    this.retries += 1;
    this.unanswered(reason, nowMs);
  }

  /** Nothing gets through now, and this is why. */
  unanswered(reason: string, nowMs: number): void {
    this.#trouble = { sinceMs: this.#trouble?.sinceMs ?? nowMs, reason, saidAtMs: nowMs };
  }

  /** null while lines get through. */
  waiting(nowMs: number): { readonly seconds: number; readonly reason: string } | null {
    if (this.#trouble === null || nowMs - this.#trouble.sinceMs < WAITING_AFTER_MS) return null;
    const { sinceMs, reason, saidAtMs } = this.#trouble;
    const silentMs = nowMs - saidAtMs;
    const isSilent = silentMs >= SILENT_AFTER_MS;
    return {
      seconds: (nowMs - sinceMs) / 1000,
      reason: isSilent ? `nothing answers, for ${Math.round(silentMs / 1000)} s; before that ${reason}` : reason,
    };
  }

  latencyMs(): LatencyMs {
    const { count, max } = this.#latencies;
    if (count === 0) return { p50: 0, p99: 0, max: 0 };
    return { p50: this.#latencies.percentile(50) / 1000, p99: this.#latencies.percentile(99) / 1000, max: max / 1000 };
  }
}
