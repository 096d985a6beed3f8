// Every metric that the platform gives to Prometheus. docs/METRICS.md lists the same; a test holds the two together.
//
// Names follow Prometheus: base units, `_total` for what only grows. Nothing in them is a customer's.
import { readFileSync } from 'node:fs';
import type { HistogramCounts } from '../model/histogram.ts';
import { importMetrics } from './import-metrics.ts';
import type { LoopDelay } from './loop-delay.ts';
import type { Exposition, Metric, Sample } from './prometheus.ts';
import type { ConsumerReading, Reading } from './reading.ts';
import type { RequestMeter, RequestTimes } from './request-meter.ts';

export interface MetricsSources {
  readonly version: string;
  readonly requests: RequestMeter;
  readonly loopDelay: LoopDelay;
  readonly reading: () => Promise<Reading>;
}

/** What a scrape shows. */
interface Moment extends Reading {
  readonly version: string;
  readonly requestTimes: readonly RequestTimes[];
  readonly refusedByCode: ReadonlyMap<string, number>;
  readonly loopDelay: HistogramCounts;
}

export interface Metrics {
  scrape(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export function createMetrics({ version, requests, loopDelay, reading }: MetricsSources): Metrics {
  let exposition: Exposition<Moment> | null = null;
  return {
    async scrape() {
      // Only now: a start need not wait for what not every platform is asked for.
      const { createExposition } = await import('./prometheus.ts');
      exposition ??= createExposition(metrics);
      const moment = {
        ...(await reading()),
        version,
        requestTimes: requests.times(),
        refusedByCode: requests.refusedByCode,
        loopDelay: loopDelay.read(),
      };
      return { contentType: exposition.contentType, text: await exposition.text(moment) };
    },
  };
}

const STATES: readonly ConsumerReading['state'][] = ['running', 'waiting', 'held', 'stopped', 'silent'];

const lines: readonly Metric<Moment>[] = [
  {
    name: 'tillstream_lines_accepted_total',
    type: 'counter',
    help: 'Invoice lines accepted, that is on disk and acknowledged to their sender.',
    samples: ({ lines: { accepted } }) => [{ value: accepted }],
  },
  {
    name: 'tillstream_lines_rejected_total',
    type: 'counter',
    help: 'Invoice lines not accepted, by the code their sender was told (docs/ERRORS.md).',
    labels: ['code'],
    samples: ({ lines: { rejectedByCode } }) => byCode(rejectedByCode),
  },
  {
    name: 'tillstream_lines_replaced_total',
    type: 'counter',
    help: 'Invoice lines that replaced an older version that differs: corrections, or a mistake somewhere. Since the order store was made.',
    samples: ({ lines: { replaced } }) => [{ value: replaced }],
  },
  {
    name: 'tillstream_http_request_duration_seconds',
    type: 'histogram',
    help: 'Time from the head of a request to the end of its answer.',
    labels: ['method', 'route', 'status'],
    samples: ({ requestTimes }) =>
      requestTimes.map(({ method, route, status, times }) => ({ labels: { method, route, status }, value: times })),
  },
  {
    name: 'tillstream_requests_refused_total',
    type: 'counter',
    help: 'Requests refused as a whole, by the code of the answer (docs/ERRORS.md): a broken body, a missing key, a closed door.',
    labels: ['code'],
    samples: ({ refusedByCode }) => byCode(refusedByCode),
  },
  {
    name: 'tillstream_door_open',
    type: 'gauge',
    help: '1 while lines are accepted, 0 while every sender is told to come back: disk low, stream full, shutting down.',
    samples: ({ closedBecause }) => [{ value: closedBecause === null ? 1 : 0 }],
  },
];

const delivery: readonly Metric<Moment>[] = [
  {
    name: 'tillstream_stream_records',
    type: 'gauge',
    help: 'Records kept on the stream, whether or not the stores have them already.',
    samples: ({ stream: { records } }) => [{ value: records }],
  },
  {
    name: 'tillstream_stream_bytes',
    type: 'gauge',
    help: 'Bytes kept on the stream.',
    samples: ({ stream: { bytes } }) => [{ value: bytes }],
  },
  {
    name: 'tillstream_stream_max_bytes',
    type: 'gauge',
    help: 'Size beyond which the stream is shortened; at 1.25 of it the door closes (TILLSTREAM_STREAM_BYTES_MAX).',
    samples: ({ stream: { bytesMax } }) => [{ value: bytesMax }],
  },
  {
    name: 'tillstream_stream_oldest_record_age_seconds',
    type: 'gauge',
    help: 'Age of the oldest record kept on the stream; 0 when there is none.',
    samples: ({ atMs, stream: { oldestMs } }) => [{ value: Math.max(0, atMs - (oldestMs ?? atMs)) / 1000 }],
  },
  {
    name: 'tillstream_consumer_lag_records',
    type: 'gauge',
    help: 'Records on the stream that a store does not have yet.',
    labels: ['store'],
    samples: ({ consumers }) => byStore(consumers, ({ lagRecords }) => lagRecords),
  },
  {
    name: 'tillstream_consumer_lag_seconds',
    type: 'gauge',
    help: 'How long the oldest record that a store does not have yet has waited; 0 when it has all.',
    labels: ['store'],
    samples: ({ consumers }) => byStore(consumers, ({ lagSeconds }) => lagSeconds),
  },
  {
    name: 'tillstream_consumer_state',
    type: 'gauge',
    help: '1 for the state a consumer is in: running, waiting (the store is away and tried again), held (by a verify, a redrive, a backup or a rebuild), stopped (needs a person), silent (its thread does not answer).',
    labels: ['store', 'state'],
    samples: ({ consumers }) =>
      consumers.flatMap(({ store, state: now }) =>
        STATES.map((state) => ({ labels: { store, state }, value: state === now ? 1 : 0 })),
      ),
  },
  {
    name: 'tillstream_freshness_seconds',
    type: 'histogram',
    help: 'Time of records from the stream until they are visible in a store.',
    labels: ['store'],
    samples: ({ consumers }) => consumers.map(({ store, freshness }) => ({ labels: { store }, value: freshness })),
  },
  {
    name: 'tillstream_quarantine_entries',
    type: 'gauge',
    help: 'Records that a store could not use, by state: waiting, redriven, discarded.',
    labels: ['state'],
    samples: ({ quarantine }) => Object.entries(quarantine).map(([state, value]) => ({ labels: { state }, value })),
  },
];

const machine: readonly Metric<Moment>[] = [
  {
    name: 'tillstream_disk_free_bytes',
    type: 'gauge',
    help: 'Bytes free on the disk of the data directory.',
    samples: ({ disk: { freeBytes } }) => [{ value: freeBytes }],
  },
  {
    name: 'tillstream_disk_reserve_bytes',
    type: 'gauge',
    help: 'Bytes kept free: with less the door closes (TILLSTREAM_DISK_RESERVE_BYTES).',
    samples: ({ disk: { reserveBytes } }) => [{ value: reserveBytes }],
  },
  {
    name: 'tillstream_event_loop_delay_seconds',
    type: 'histogram',
    help: 'Longest delay of the HTTP thread in each second: so long a request may have waited to be looked at.',
    samples: ({ loopDelay }) => [{ value: loopDelay }],
  },
  {
    name: 'tillstream_memory_bytes',
    type: 'gauge',
    help: 'Memory of the process without the files it maps; on Linux only.',
    samples: () => ownMemory(),
  },
  {
    name: 'tillstream_build_info',
    type: 'gauge',
    help: 'Always 1: the version of Tillstream and of Node.js.',
    labels: ['version', 'node'],
    samples: ({ version }) => [{ labels: { version, node: process.versions.node }, value: 1 }],
  },
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Memory of the process, mapped files included.',
    samples: () => [{ value: process.memoryUsage.rss() }],
  },
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'Processor time of the process, all threads.',
    samples: () => [{ value: processorSeconds() }],
  },
  {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'When the process started, in seconds since 1970.',
    samples: () => [{ value: performance.timeOrigin / 1000 }],
  },
];

export const metrics: readonly Metric<Moment>[] = [...lines, ...delivery, ...importMetrics, ...machine];

function byCode(counts: ReadonlyMap<string, number>): Sample[] {
  return [...counts].map(([code, value]) => ({ labels: { code }, value }));
}

function byStore(consumers: readonly ConsumerReading[], figure: (consumer: ConsumerReading) => number): Sample[] {
  return consumers.map((consumer) => ({ labels: { store: consumer.store }, value: figure(consumer) }));
}

/** LMDB's files are mapped, and grow with what they hold: what the process takes for itself is told apart. */
function ownMemory(): Sample[] {
  if (process.platform !== 'linux') return [];
  const kib = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return kib === undefined ? [] : [{ value: Number(kib) * 1024 }];
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
