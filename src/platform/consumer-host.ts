// Runs the consumers of one thread and lets the main thread operate them.
import { messageOf, TillstreamError } from '../model/errors.ts';
import type { Pipeline } from '../pipelines/pipeline.ts';
import type { Quarantine } from '../stores/quarantine/quarantine.ts';
import { type BatchLimits, Consumer, type ConsumerStatus, quarantineEntry } from '../stream/consumer.ts';
import type { StreamReader } from '../stream/event-stream.ts';
import type { Head } from '../stream/head.ts';

export interface HostedPipeline {
  readonly pipeline: Pipeline;
  readonly batch: BatchLimits;
}

export interface HostOptions {
  readonly stream: StreamReader;
  readonly head: Head;
  readonly quarantine: Quarantine;
  readonly pipelines: readonly HostedPipeline[];
  readonly log: (message: string, error: unknown) => void;
}

export interface RedriveResult {
  readonly state: 'redriven' | 'waiting';
  readonly message: string;
}

/** The methods by which the main thread operates the consumers; `store` names one. */
export function hostConsumers({ stream, head, quarantine, pipelines, log }: HostOptions) {
  const consumers = new Map<string, Consumer>();
  const byStore = new Map<string, Pipeline>();
  for (const { pipeline, batch } of pipelines) {
    byStore.set(pipeline.store, pipeline);
    consumers.set(pipeline.store, new Consumer({ stream, head, pipeline, quarantine, batch, log }));
  }
  const consumerOf = (store: string): Consumer => {
    const consumer = consumers.get(store);
    if (consumer === undefined) throw new TillstreamError('not_found', `There is no store ${store}.`);
    return consumer;
  };
  return {
    start(): void {
      for (const consumer of consumers.values()) consumer.start();
    },
    status(): ConsumerStatus[] {
      return [...consumers.values()].map((consumer) => consumer.status());
    },
    async hold(upTo?: string): Promise<void> {
      await Promise.all([...consumers.values()].map((consumer) => consumer.hold(upTo)));
    },
    release(): void {
      for (const consumer of consumers.values()) consumer.release();
    },
    /** Tries a record of the quarantine again, with the version it had, while delivery stands still. */
    async redrive(id: string): Promise<RedriveResult> {
      const entry = await quarantine.get(id);
      if (entry === null) throw new TillstreamError('not_found', `There is nothing in quarantine under ${id}.`);
      const pipeline = byStore.get(entry.store);
      if (pipeline === undefined) throw new TillstreamError('not_found', `There is no store ${entry.store}.`);
      const record = { sequence: entry.sequence, arrivedAtMs: entry.arrivedAtMs, data: Buffer.from(entry.data) };
      const consumer = consumerOf(entry.store);
      await consumer.hold();
      try {
        const [failure] = await pipeline.process([record]);
        if (failure !== undefined) throw failure.error;
        await quarantine.settle(id, 'redriven');
        return { state: 'redriven', message: `Record ${entry.sequence} is in ${entry.store} now.` };
      } catch (error) {
        if (error instanceof TillstreamError && error.code === 'unavailable') throw error;
        await quarantine.put(quarantineEntry(entry.store, record, error, entry.attempts + 1));
        return { state: 'waiting', message: messageOf(error) };
      } finally {
        consumer.release();
      }
    },
    async stop(): Promise<void> {
      await Promise.all([...consumers.values()].map((consumer) => consumer.stop()));
    },
  };
}

/** The methods above, as the main thread calls them. */
export type HostedConsumers = ReturnType<typeof hostConsumers>;
