// Runs the consumers of one thread and lets the main thread operate them.
//
// A redrive marks its entry before the store is given the record, and settles it after. Wherever it is cut off, by a kill or
// by a store that goes away, the entry is either as it was, or marked, or settled rightly. What is marked is redriven again,
// which is harmless however far it had come: at the next start, and before verify reads the ledger.
import { isTillstreamError, messageOf, TillstreamError } from '../model/errors.ts';
import type { WriteLog } from '../model/log.ts';
import type { Pipeline } from '../pipelines/pipeline.ts';
import { everyEntry, type Quarantine } from '../stores/quarantine/quarantine.ts';
import { type BatchLimits, Consumer, type ConsumerStatus } from '../stream/consumer.ts';
import type { StreamReader } from '../stream/event-stream.ts';
import type { Head } from '../stream/head.ts';
import { quarantineEntry } from '../stream/set-aside.ts';

export interface HostedPipeline {
  readonly pipeline: Pipeline;
  readonly batch: BatchLimits;
}

export interface HostOptions {
  readonly stream: StreamReader;
  readonly head: Head;
  readonly quarantine: Quarantine;
  readonly pipelines: readonly HostedPipeline[];
  readonly log: WriteLog;
}

export interface RedriveResult {
  readonly state: 'redriven' | 'waiting';
  readonly message: string;
}

/** The methods by which the main thread operates the consumers; `store` names one. */
export function hostConsumers({ stream, head, quarantine, pipelines, log }: HostOptions) {
  const consumers = new Map<string, Consumer>();
  const byStore = new Map<string, Pipeline>();
  const limits = new Map<string, BatchLimits>();
  const add = (pipeline: Pipeline, batch: BatchLimits): Consumer => {
    const consumer = new Consumer({ stream, head, pipeline, quarantine, batch, log });
    byStore.set(pipeline.store, pipeline);
    limits.set(pipeline.store, batch);
    consumers.set(pipeline.store, consumer);
    return consumer;
  };
  for (const { pipeline, batch } of pipelines) add(pipeline, batch);
  const consumerOf = (store: string): Consumer => {
    const consumer = consumers.get(store);
    if (consumer === undefined) throw new TillstreamError('not_found', `There is no store ${store}.`);
    return consumer;
  };
  /** Of the stores that are named and are here; left out: of all. */
  const of = (stores?: readonly string[]): Consumer[] =>
    [...consumers].flatMap(([store, consumer]) => (stores === undefined || stores.includes(store) ? [consumer] : []));
  const redriveHeld = async (id: string): Promise<RedriveResult> => {
    const entry = await quarantine.get(id);
    if (entry === null) throw new TillstreamError('not_found', `There is nothing in quarantine under ${id}.`);
    const { store, sequence, arrivedAtMs, attempts } = entry;
    const pipeline = byStore.get(store);
    if (pipeline === undefined) throw new TillstreamError('not_found', `There is no store ${store}.`);
    const done: RedriveResult = { state: 'redriven', message: `Record ${sequence} is in ${store} now.` };
    if (entry.state === 'redriven') return done;
    const record = { sequence, arrivedAtMs, data: entry.data };
    await quarantine.beginRedrive(id);
    try {
      const [failure] = await pipeline.process([record]);
      if (failure !== undefined) throw failure.error;
    } catch (error) {
      if (isTillstreamError(error, 'unavailable')) throw error; // perhaps stored: still marked
      await quarantine.put(quarantineEntry(store, record, error, attempts + 1));
      return { state: 'waiting', message: messageOf(error) };
    }
    await quarantine.settle(id, 'redriven');
    return done;
  };
  /** Redrives that were cut off; nothing is delivered meanwhile. @throws unavailable */
  const finishRedrives = async (): Promise<void> => {
    for (const store of byStore.keys()) {
      for await (const { id, redriving } of everyEntry(quarantine, { state: 'waiting', store })) {
        if (redriving) await redriveHeld(id);
      }
    }
  };
  return {
    /** The consumers run after this, whatever became of earlier redrives. */
    async start(): Promise<void> {
      await finishRedrives().catch((err: unknown) =>
        log('error', 'A redrive that was cut off is not finished', { err }),
      );
      for (const consumer of consumers.values()) consumer.start();
    },
    status(): ConsumerStatus[] {
      return [...consumers.values()].map((consumer) => consumer.status());
    },
    async hold(upTo?: string, stores?: readonly string[]): Promise<void> {
      await Promise.all(of(stores).map((consumer) => consumer.hold(upTo)));
    },
    release(stores?: readonly string[]): void {
      for (const consumer of of(stores)) consumer.release();
    },
    /** Ends delivery into one store, after the batch under way; the others go on. */
    stopOne: (store: string): Promise<void> => consumerOf(store).stop(),
    /** Delivers by this pipeline from its checkpoint on, instead of the one of that store before, which is stopped. */
    startAnew(pipeline: Pipeline): void {
      const batch = limits.get(pipeline.store);
      if (batch !== undefined) add(pipeline, batch).start();
    },
    /** Tries a record of the quarantine again, with the version it had, while delivery stands still. */
    async redrive(store: string, id: string): Promise<RedriveResult> {
      const consumer = consumerOf(store);
      try {
        await consumer.hold();
        const result = await redriveHeld(id);
        log('info', 'A record was redriven', { id, state: result.state });
        return result;
      } finally {
        consumer.release();
      }
    },
    finishRedrives,
    async stop(): Promise<void> {
      await Promise.all([...consumers.values()].map((consumer) => consumer.stop()));
    },
  };
}

/** The methods above, as the main thread calls them. */
export type HostedConsumers = ReturnType<typeof hostConsumers>;
