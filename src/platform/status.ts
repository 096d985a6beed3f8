// What a platform says about itself: a reading of all its parts, GET /v1/status, GET /v1/stream.
import type { Static } from 'typebox';
import type { ImportWatch } from '../imports/import-watch.ts';
import { bodyLimits } from '../ingest/body.ts';
import type { Ingest } from '../ingest/ingest.ts';
import { lineLimits } from '../model/line.ts';
import type { ConsumerReading, Reading } from '../observe/reading.ts';
import type { Pulse } from '../query/live-schema.ts';
import type { Status as StatusSchema, Stream } from '../query/status-schema.ts';
import type { OrderStore } from '../stores/orders/order-store.ts';
import type { ConsumerStatus } from '../stream/consumer.ts';
import type { Operator } from './operator.ts';
import type { Parts } from './parts.ts';
import type { StoreSizes } from './store-sizes.ts';
import type { StreamOnThread } from './stream-on-thread.ts';

export interface StatusSources {
  readonly version: string;
  readonly dataDirectory: string;
  readonly startedAt: Date;
  readonly timeZone: string;
  readonly stream: StreamOnThread;
  readonly ingest: Ingest;
  /** Lines a second, over the last seconds. */
  readonly linesPerSecond: () => number;
  readonly reading: () => Promise<Reading>;
  readonly storeSizes: () => Promise<StoreSizes>;
  readonly imports: ImportWatch;
}

export async function readingOf(parts: Parts, operator: Operator, imports: ImportWatch): Promise<Reading> {
  const { stream, ingest, admission } = parts;
  const [bounds, consumers, quarantine, replaced] = await Promise.all([
    stream.bounds(),
    operator.consumers(),
    parts.quarantine.counts(),
    parts.orders.replaced(),
  ]);
  const closed = admission.closedBecause();
  const atMs = Date.now();
  return {
    atMs,
    closedBecause: closed === null ? null : { code: closed.code, message: closed.message },
    lines: { accepted: ingest.counters.accepted, rejectedByCode: ingest.rejectedByCode, replaced },
    stream: stream.size(),
    consumers: consumers.map((consumer) => consumerReading(consumer, bounds.newest, atMs)),
    quarantine,
    imports: imports.reading(),
    disk: { freeBytes: admission.freeBytes, reserveBytes: admission.limits.diskReserveBytes },
  };
}

export async function statusOf(sources: StatusSources): Promise<Status> {
  const { stream, ingest, startedAt } = sources;
  const [reading, sizes] = await Promise.all([sources.reading(), sources.storeSizes()]);
  const bounds = await stream.bounds();
  const { atMs, closedBecause, quarantine, lines, disk } = reading;
  const { oldestMs, ...size } = reading.stream;
  return {
    version: sources.version,
    dataDirectory: sources.dataDirectory,
    startedAt: startedAt.toISOString(),
    uptimeSeconds: Math.round((atMs - startedAt.getTime()) / 1000),
    timeZone: sources.timeZone,
    accepting: { open: closedBecause === null, reason: closedBecause?.message ?? null },
    stream: {
      ...{ id: stream.id, trimmed: bounds.trimmed, newest: bounds.newest, ...size },
      oldestAt: oldestMs === null ? null : new Date(oldestMs).toISOString(),
    },
    consumers: reading.consumers.map(({ freshness, oldestWaitingMs, ...consumer }) => ({
      ...consumer,
      bytes: sizes[consumer.store] ?? null,
    })),
    quarantine,
    imports: sources.imports.open().slice(-IMPORTS_SHOWN_MAX),
    accepted: {
      lines: lines.accepted,
      rejected: ingest.counters.rejected,
      rejectedByCode: Object.fromEntries(lines.rejectedByCode),
      requests: ingest.counters.requests,
      linesPerSecond: Math.round(sources.linesPerSecond()),
    },
    replaced: lines.replaced,
    disk,
    limits: { ...bodyLimits, line: lineLimits },
  };
}

/** The newest: a screenful. */
const IMPORTS_SHOWN_MAX = 20;

export interface StreamSources {
  readonly stream: StreamOnThread;
  readonly orders: OrderStore;
}

/** By which a sender knows whether it still speaks to the same data, and what its lines have replaced. */
export async function streamOf({ stream, orders }: StreamSources): Promise<Static<typeof Stream>> {
  const [{ newest }, checkpoint] = await Promise.all([stream.bounds(), orders.checkpoint()]);
  return {
    id: stream.id,
    newest,
    served: checkpoint?.streamId === stream.id ? checkpoint.sequence : null,
    replaced: await orders.replaced(),
  };
}

export type Status = Static<typeof StatusSchema>;

/** What changes from second to second: of GET /v1/live. */
export function pulseOf(status: Status): Static<typeof Pulse> {
  const { accepting, accepted, replaced, stream, consumers, quarantine } = status;
  return { at: new Date().toISOString(), accepting, accepted, replaced, stream, consumers, quarantine };
}

function consumerReading(consumer: ConsumerStatus, newest: string | null, atMs: number): ConsumerReading {
  const { checkpoint, oldestWaitingMs } = consumer;
  // Sequences are numbers on one machine, without gaps but for failed commits.
  const lagRecords = Math.max(0, Number(newest ?? 0) - Number(checkpoint ?? 0));
  const lagMs = lagRecords === 0 || oldestWaitingMs === null ? 0 : Math.max(0, atMs - oldestWaitingMs);
  return { ...consumer, lagRecords, lagSeconds: Math.round(lagMs) / 1000 };
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
