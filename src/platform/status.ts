// What a platform says about itself: GET /v1/status.
import type { Static } from 'typebox';
import type { Admission } from '../ingest/admission.ts';
import { bodyLimits } from '../ingest/body.ts';
import type { Ingest } from '../ingest/ingest.ts';
import { lineLimits } from '../model/line.ts';
import type { Status } from '../query/status-schema.ts';
import type { QuarantineState } from '../stores/quarantine/quarantine.ts';
import type { ConsumerStatus } from '../stream/consumer.ts';
import type { StreamOnThread } from './stream-on-thread.ts';

export interface StatusSources {
  readonly version: string;
  readonly dataDirectory: string;
  readonly startedAt: Date;
  readonly timeZone: string;
  readonly stream: StreamOnThread;
  readonly ingest: Ingest;
  readonly admission: Admission;
  /** Lines a second, over the last seconds. */
  readonly linesPerSecond: () => number;
  readonly consumers: () => Promise<readonly ConsumerStatus[]>;
  readonly quarantine: () => Promise<Record<QuarantineState, number>>;
  readonly replaced: () => Promise<number>;
}

export async function statusOf(sources: StatusSources): Promise<Static<typeof Status>> {
  const { stream, ingest, admission, startedAt } = sources;
  const [bounds, consumers, quarantine, replaced] = await Promise.all([
    stream.bounds(),
    sources.consumers(),
    sources.quarantine(),
    sources.replaced(),
  ]);
  const closed = admission.closedBecause();
  return {
    version: sources.version,
    dataDirectory: sources.dataDirectory,
    startedAt: startedAt.toISOString(),
    uptimeSeconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
    timeZone: sources.timeZone,
    accepting: { open: closed === null, reason: closed?.message ?? null },
    stream: { id: stream.id, trimmed: bounds.trimmed, newest: bounds.newest, ...stream.size() },
    consumers: consumers.map((consumer) => consumerStatus(consumer, bounds.newest)),
    quarantine,
    accepted: {
      lines: ingest.counters.accepted,
      rejected: ingest.counters.rejected,
      requests: ingest.counters.requests,
      linesPerSecond: Math.round(sources.linesPerSecond()),
    },
    replaced,
    disk: { freeBytes: admission.freeBytes, reserveBytes: admission.limits.diskReserveBytes },
    limits: { ...bodyLimits, line: lineLimits },
  };
}

function consumerStatus(consumer: ConsumerStatus, newest: string | null) {
  const { store, state, checkpoint, oldestWaitingMs, freshnessMs, error } = consumer;
  // Sequences are numbers on one machine, without gaps but for failed commits.
  const lagRecords = Math.max(0, Number(newest ?? 0) - Number(checkpoint ?? 0));
  const lagMs = lagRecords === 0 || oldestWaitingMs === null ? 0 : Math.max(0, Date.now() - oldestWaitingMs);
  return { store, state, checkpoint, lagRecords, lagSeconds: Math.round(lagMs) / 1000, freshnessMs, error };
}

const RATE_WINDOW_SECONDS = 5;
const SAMPLE_MS = 1000;

/** What grew a second, over the last five. Samples until stop(). */
export class RateMeter {
  readonly #samples: number[] = [];
  readonly #timer: NodeJS.Timeout;

  /** @param total a number that only grows */
  constructor(total: () => number) {
    this.#timer = setInterval(() => {
      this.#samples.push(total());
      if (this.#samples.length > RATE_WINDOW_SECONDS + 1) this.#samples.shift();
    }, SAMPLE_MS);
    this.#timer.unref();
  }

  get perSecond(): number {
    const first = this.#samples[0] ?? 0;
    return ((this.#samples.at(-1) ?? 0) - first) / Math.max(1, this.#samples.length - 1);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
