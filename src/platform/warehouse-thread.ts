// The warehouse thread: owns the DuckDB instance, so its consumer, the analysts' questions and the proofs of `verify`.
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { createLoadWarehouse } from '../pipelines/load-warehouse.ts';
import { digestLake } from '../stores/lake/duckdb-lake-digest.ts';
import { openLmdbQuarantine } from '../stores/quarantine/lmdb-quarantine.ts';
import { recordsOf } from '../stores/quarantine/quarantine.ts';
import { openDuckDbWarehouse } from '../stores/warehouse/duckdb-warehouse.ts';
import type { SelectLimits, SqlParameter, Warehouse } from '../stores/warehouse/warehouse.ts';
import type { BatchLimits } from '../stream/consumer.ts';
import { Head } from '../stream/head.ts';
import { openLmdbStreamReader } from '../stream/lmdb-stream-reader.ts';
import { hostConsumers } from './consumer-host.ts';
import { exchanging } from './exchange.ts';
import { createLog, writerOf } from './log.ts';
import { tellingOfLoss } from './lost-store.ts';
import { serve } from './rpc.ts';
import { poolYieldsToTheDoor, yieldToTheDoor } from './thread-priority.ts';
import type { ThreadData } from './threads.ts';
import type { LakeSelection } from './verify.ts';

/** A load costs the same for one line as for a thousand: often enough for a second's freshness, and no more. */
const WAREHOUSE_BATCH: BatchLimits = { recordsMax: 20_000, bytesMax: 8 * 2 ** 20, lingerMs: 0, restMs: 250 };

async function start() {
  yieldToTheDoor('warehouse');
  await poolYieldsToTheDoor();
  const { directory, head: buffer, logLevel, warehouseMemoryMb } = workerData as ThreadData;
  const head = new Head(buffer);
  const stream = openLmdbStreamReader(directory.stream, head);
  const quarantine = openLmdbQuarantine({ directory: directory.state });
  const open = (path: string) =>
    openDuckDbWarehouse({ directory: path, loadDirectory: `${path}/load`, memoryLimitMb: warehouseMemoryMb });
  const pipelineOf = (store: Warehouse) => tellingOfLoss(createLoadWarehouse(store), store, directory.lake);
  const warehouse = await open(directory.warehouse);
  const consumers = hostConsumers({
    stream,
    head,
    quarantine,
    pipelines: [{ pipeline: pipelineOf(warehouse), batch: WAREHOUSE_BATCH }],
    log: writerOf(createLog('warehouse', logLevel)),
  });
  const ending = new AbortController();
  const exchange = exchanging(
    {
      store: 'warehouse',
      current: () => warehouse,
      open,
      close: (store) => store.close(),
      pipelineOf,
      carryOver: async () => {},
      replace: (rename) => warehouse.exchangeFile(rename),
    },
    stream,
    consumers,
  );
  return {
    ...consumers,
    ...exchange,
    ask: (name: string, parameters: readonly SqlParameter[]) => warehouse.ask(name, parameters),
    select: (sql: string, limits: SelectLimits) => warehouse.select(sql, limits),
    lakeDigest: ({ excluded, added }: LakeSelection) =>
      digestLake({
        directory: directory.lake,
        temporaryDirectory: directory.warehouse,
        signal: ending.signal,
        excluded,
        added: recordsOf(quarantine, added),
      }),
    warehouseDigest: () => warehouse.digest(),
    /** @throws stream_gap  it holds nothing, although imports have brought lines */
    async assertWarehouseNotLost(): Promise<void> {
      await pipelineOf(warehouse).checkpoint();
    },
    loadPart: (file: string) => warehouse.loadPart(file),
    conflicts: (file: string, examplesMax: number, continuedTo: string) =>
      warehouse.conflicts(file, examplesMax, continuedTo),
    copyTo: (to: string) => warehouse.copyTo(to),
    async stop() {
      ending.abort();
      await consumers.stop();
      await Promise.all([warehouse.close(), quarantine.close(), stream.close()]);
    },
  };
}

export type WarehouseThread = Awaited<ReturnType<typeof start>>;

if (!isMainThread && parentPort !== null) serve(parentPort, start());
