// The parts of a platform in one process, opened and closed in the right order.
import { setTimeout as pause } from 'node:timers/promises';
import { monotonicFactory } from 'ulid';
import type { ImportQueue } from '../imports/import-queue.ts';
import { Admission } from '../ingest/admission.ts';
import { Ingest } from '../ingest/ingest.ts';
import { createClock } from '../model/clock.ts';
import type { WriteLog } from '../model/log.ts';
import { openLmdbOrders } from '../stores/orders/lmdb-orders.ts';
import { openLmdbQuarantine } from '../stores/quarantine/lmdb-quarantine.ts';
import type { Quarantine } from '../stores/quarantine/quarantine.ts';
import { WriterTurns } from '../stores/writer-turns.ts';
import { Head } from '../stream/head.ts';
import { type LmdbStreamReader, openLmdbStreamReader } from '../stream/lmdb-stream-reader.ts';
import type { BackupThread } from './backup-thread.ts';
import { BATCHES_TIMEOUT_MS, STREAM_TIMEOUT_MS } from './closing.ts';
import type { Config } from './config.ts';
import type { HostedConsumers } from './consumer-host.ts';
import type { DataDirectory } from './data-directory.ts';
import type { ImportThread } from './import-thread.ts';
import { createImports } from './imports.ts';
import { lookingUp, type OrdersLookup } from './orders-lookup.ts';
import type { PipelineThread } from './pipeline-thread.ts';
import type { RebuildThread } from './rebuild-thread.ts';
import { openStreamOnThread, type StreamOnThread } from './stream-on-thread.ts';
import type { StreamThread } from './stream-thread.ts';
import { startThread, type Thread } from './threads.ts';
import type { WarehouseThread } from './warehouse-thread.ts';

export interface Parts {
  readonly stream: StreamOnThread;
  readonly ingest: Ingest;
  readonly admission: Admission;
  /** To look at what comes in. */
  readonly tail: LmdbStreamReader['tail'];
  /** To look up; the pipeline thread writes. */
  readonly orders: OrdersLookup;
  readonly quarantine: Quarantine;
  readonly pipelines: Thread<PipelineThread>;
  readonly warehouse: Thread<WarehouseThread>;
  /** Both threads, as far as they run consumers. */
  readonly threads: readonly Thread<HostedConsumers>[];
  readonly imports: ImportQueue;
  /** A thread for one backup; whoever starts it ends it. */
  startBackupThread(): Thread<BackupThread>;
  /** The same for one rebuild. */
  startRebuildThread(): Thread<RebuildThread>;
  /** Finishes the batches under way, as far as closing.ts gives them time; what is not done is delivered after the next start. */
  close(): Promise<void>;
}

/** At 15,000 a second the last of them waits 70 ms for its commit: accepted work keeps its latency, and the rest is told at once. */
const REQUESTS_IN_FLIGHT_MAX = 1000;

/**
 * Resolves when the consumers run.
 * @param onEnd called when a thread has ended by itself: the platform cannot go on
 * @throws directory_not_writable, directory_too_new, unavailable
 */
export async function openParts(
  directory: DataDirectory,
  config: Config,
  onEnd: (error: Error) => void,
  log: WriteLog,
): Promise<Parts> {
  const head = new Head();
  const shared = { head: head.buffer, ordersTurns: WriterTurns.newBuffer() };
  const clock = createClock();
  const newId = monotonicFactory();
  // Undone last first, whatever has come into being by then.
  const opened: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const undo of opened.splice(0).reverse()) await undo();
  };
  try {
    // First: it makes the stream that the threads open.
    const streamThread = startThread<StreamThread>('stream-thread', directory, shared, config, onEnd);
    opened.push(() => endThread(streamThread, STREAM_TIMEOUT_MS));
    const stream = await openStreamOnThread(streamThread, head, clock);
    const reader = openLmdbStreamReader(directory.stream, head);
    opened.push(() => reader.close());
    const orders = lookingUp(() => openLmdbOrders({ directory: directory.orders, readOnly: true }));
    opened.push(() => orders.close());
    const quarantine = openLmdbQuarantine({ directory: directory.state });
    opened.push(() => quarantine.close());
    const pipelines = startThread<PipelineThread>('pipeline-thread', directory, shared, config, onEnd);
    const warehouse = startThread<WarehouseThread>('warehouse-thread', directory, shared, config, onEnd);
    const threads: readonly Thread<HostedConsumers>[] = [pipelines, warehouse];
    opened.push(() => Promise.all(threads.map((thread) => endThread(thread, BATCHES_TIMEOUT_MS))));
    const admission = new Admission(directory.path, { ...config, requestsInFlightMax: REQUESTS_IN_FLIGHT_MAX }, stream);
    const ingest = new Ingest({ stream, clock, newLineId: newId, timeZone: config.timeZone });
    opened.push(() => admission.close());
    await admission.open();
    await Promise.all(threads.map((thread) => thread.call('start')));
    const tail = reader.tail.bind(reader);
    // Without it the platform goes on: its backup or rebuild fails.
    const startBackupThread = () => startThread<BackupThread>('backup-thread', directory, shared, config, () => {});
    const imports = createImports({
      ...{ stream, clock, quarantine, pipelines, warehouse, directory, config, log },
      startThread: () => startThread<ImportThread>('import-thread', directory, shared, config, () => {}),
    });
    opened.push(() => Promise.race([imports.close(), pause(BATCHES_TIMEOUT_MS, undefined, { ref: false })]));
    imports.start();
    const startRebuildThread = () => startThread<RebuildThread>('rebuild-thread', directory, shared, config, () => {});
    return {
      startBackupThread,
      startRebuildThread,
      stream,
      tail,
      ingest,
      admission,
      orders,
      quarantine,
      imports,
      pipelines,
      warehouse,
      threads,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function endThread(thread: Thread<{ stop: () => Promise<void> }>, timeoutMs: number): Promise<void> {
  await Promise.race([thread.call('stop').catch(() => {}), pause(timeoutMs, undefined, { ref: false })]);
  await thread.end();
}
