// Bulk imports in one process: their queue, before the threads that do the work.
import { setTimeout as pause } from 'node:timers/promises';
import { ImportQueue } from '../imports/import-queue.ts';
import type { ImportWorker } from '../imports/worker.ts';
import type { Clock } from '../model/clock.ts';
import { TillstreamError } from '../model/errors.ts';
import type { WriteLog } from '../model/log.ts';
import { assertOwnRoom } from '../stores/disk-room.ts';
import type { Quarantine } from '../stores/quarantine/quarantine.ts';
import type { EventStream } from '../stream/event-stream.ts';
import type { Config } from './config.ts';
import type { DataDirectory } from './data-directory.ts';
import type { ImportThread } from './import-thread.ts';
import type { PipelineThread } from './pipeline-thread.ts';
import type { Thread } from './threads.ts';
import type { WarehouseThread } from './warehouse-thread.ts';

export interface ImportParts {
  readonly stream: Pick<EventStream, 'bounds'>;
  readonly clock: Clock;
  readonly quarantine: Quarantine;
  readonly pipelines: Thread<PipelineThread>;
  readonly warehouse: Thread<WarehouseThread>;
  readonly startThread: () => Thread<ImportThread>;
  readonly directory: DataDirectory;
  readonly config: Config;
  readonly log: WriteLog;
}

const LOOK_MS = 50;
/** Longer than a warehouse takes for what waits on the stream. */
const REACH_TIMEOUT_MS = 10 * 60_000;

/** Nothing runs before start(). */
export function createImports({
  stream,
  pipelines,
  warehouse,
  startThread,
  directory,
  config,
  ...parts
}: ImportParts): ImportQueue {
  const assertNotLost = async (): Promise<void> => {
    await Promise.all([pipelines.call('assertOrdersNotLost'), warehouse.call('assertWarehouseNotLost')]);
  };
  return new ImportQueue({
    ...parts,
    lake: directory.lake,
    timeZone: config.timeZone,
    dateOrder: config.dateOrder === '' ? null : (config.dateOrder as 'month-first' | 'day-first'),
    diskReserveBytes: config.diskReserveBytes,
    assertRoom: () => assertOwnRoom(directory.lake, config.diskReserveBytes),
    startWorker: () => workerOn(startThread()),
    warehouse: {
      conflicts: (...order) => warehouse.call('conflicts', ...order),
      loadPart: (file) => warehouse.call('loadPart', file),
    },
    assertNotLost,
    async reachNewest(isAwaited) {
      await assertNotLost();
      await reachNewest(stream, warehouse, isAwaited);
    },
  });
}

function workerOn(thread: Thread<ImportThread>): ImportWorker {
  return {
    examine: (order) => thread.call('examine', order),
    stage: (command) => thread.call('stage', command),
    progress: () => thread.call('progress'),
    cancel: () => thread.call('cancel'),
    readAhead: (part) => thread.call('readAhead', part),
    loadOrders: (part, next) => thread.call('loadOrders', part, next),
    totals: (parts, hasAgain) => thread.call('totals', parts, hasAgain),
    async end() {
      await thread.call('stop').catch(() => {});
      await thread.end();
    },
  };
}

/** @throws unavailable, stream_gap  the warehouse does not come there */
async function reachNewest(
  stream: ImportParts['stream'],
  warehouse: ImportParts['warehouse'],
  isAwaited: () => boolean,
): Promise<void> {
  const { newest } = await stream.bounds();
  if (newest === null) return;
  for (const endMs = performance.now() + REACH_TIMEOUT_MS; performance.now() < endMs; await pause(LOOK_MS)) {
    const [status] = await warehouse.call('status');
    if ((status?.checkpoint ?? '') >= newest || !isAwaited()) return;
    if (status?.error && status.state === 'stopped') {
      const { code, message, hint } = status.error;
      throw new TillstreamError(code, message, hint === null ? {} : { hint });
    }
  }
  throw new TillstreamError('unavailable', 'The warehouse is too far behind the stream to compare the import with it.');
}
