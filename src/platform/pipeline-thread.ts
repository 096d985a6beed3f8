// The pipeline thread: carries the stream into the lake and the order store.
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { createArchiveRaw } from '../pipelines/archive-raw.ts';
import { createServeOrders } from '../pipelines/serve-orders.ts';
import { openFileStore } from '../stores/lake/file-store.ts';
import { openLmdbOrders } from '../stores/orders/lmdb-orders.ts';
import { setReplaced } from '../stores/orders/lmdb-orders-rebuild.ts';
import type { OrderStore } from '../stores/orders/order-store.ts';
import { openLmdbQuarantine } from '../stores/quarantine/lmdb-quarantine.ts';
import { WriterTurns } from '../stores/writer-turns.ts';
import type { BatchLimits } from '../stream/consumer.ts';
import { Head } from '../stream/head.ts';
import { openLmdbStreamReader } from '../stream/lmdb-stream-reader.ts';
import { hostConsumers } from './consumer-host.ts';
import { exchanging } from './exchange.ts';
import { createLog, writerOf } from './log.ts';
import { tellingOfLoss } from './lost-store.ts';
import { serve } from './rpc.ts';
import { yieldToTheDoor } from './thread-priority.ts';
import type { ThreadData } from './threads.ts';

/** Objects of a useful size, not many small ones: at 5 s, 8 MiB or the hour (archive-raw.ts cuts that). */
const LAKE_BATCH: BatchLimits = { recordsMax: 100_000, bytesMax: 8 * 2 ** 20, lingerMs: 5000, restMs: 0 };
/** Well within the 50 ms in which an invoice must be visible; an invoice that grows is written once a batch. */
const ORDERS_BATCH: BatchLimits = { recordsMax: 5000, bytesMax: 4 * 2 ** 20, lingerMs: 0, restMs: 20 };

async function start() {
  yieldToTheDoor('pipelines');
  const { directory, head: buffer, ordersTurns, logLevel } = workerData as ThreadData;
  const head = new Head(buffer);
  const stream = openLmdbStreamReader(directory.stream, head);
  const quarantine = openLmdbQuarantine({ directory: directory.state });
  const open = (path: string) => openLmdbOrders({ directory: path, turns: new WriterTurns(ordersTurns) });
  const pipelineOf = (store: OrderStore) => tellingOfLoss(createServeOrders(store), store, directory.lake);
  let orders = open(directory.orders);
  const consumers = hostConsumers({
    stream,
    head,
    quarantine,
    pipelines: [
      { pipeline: createArchiveRaw(openFileStore(directory.lake)), batch: LAKE_BATCH },
      { pipeline: pipelineOf(orders), batch: ORDERS_BATCH },
    ],
    log: writerOf(createLog('pipelines', logLevel)),
  });
  const exchange = exchanging(
    {
      store: 'orders',
      current: () => orders,
      open: async (path) => open(path),
      close: (store) => store.close(),
      pipelineOf,
      async carryOver(path) {
        const replaced = await orders.replaced().catch(() => null); // It may be why there is a rebuild.
        if (replaced !== null) await setReplaced(path, replaced);
      },
      async replace(rename) {
        rename();
        const old = orders;
        orders = open(directory.orders);
        await old.close();
      },
    },
    stream,
    consumers,
  );
  return {
    ...consumers,
    ...exchange,
    ordersDigest: () => orders.digest(),
    /** @throws stream_gap  it holds nothing, although imports have brought lines */
    async assertOrdersNotLost(): Promise<void> {
      await pipelineOf(orders).checkpoint();
    },
    async stop() {
      await consumers.stop();
      await Promise.all([orders.close(), quarantine.close(), stream.close()]);
    },
  };
}

export type PipelineThread = Awaited<ReturnType<typeof start>>;

if (!isMainThread && parentPort !== null) serve(parentPort, start());
