// The thread of one rebuild: builds a store from the lake alone, in a directory of its own, beside the running one. Ends with its
// rebuild.
//
// The lake is read slice by slice, and of every identity the newest version stands in the end, as in a load; so memory is that of a
// slice, however large the lake is. build() may come again, for what the lake has taken in since.
import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { DuckDBConnection } from '@duckdb/node-api';
import { readColumns } from '../imports/duckdb-part-columns.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import { TillstreamError } from '../model/errors.ts';
import { assertOwnRoom } from '../stores/disk-room.ts';
import { lakeLinesSql, NEWEST_ONLY, partFailure, readingLake } from '../stores/lake/duckdb-lake-lines.ts';
import { openFileStore } from '../stores/lake/file-store.ts';
import { openLmdbOrders } from '../stores/orders/lmdb-orders.ts';
import { totalsOfOrders } from '../stores/orders/lmdb-orders-rebuild.ts';
import { openLmdbQuarantine } from '../stores/quarantine/lmdb-quarantine.ts';
import { recordsOf } from '../stores/quarantine/quarantine.ts';
import { fillingWarehouse } from '../stores/warehouse/duckdb-fill.ts';
import { addSequencedLines } from '../stores/warehouse/duckdb-lines.ts';
import { poolThreads, sqlText } from '../stores/warehouse/duckdb-session.ts';
import { type Range, type Slice, slicesOf } from './rebuild-slices.ts';
import { serve } from './rpc.ts';
import type { RebuiltStore } from './store-swap.ts';
import { yieldToTheDoor } from './thread-priority.ts';
import type { ThreadData } from './threads.ts';

export interface BuildOrder extends Range {
  readonly store: RebuiltStore;
  /** Where it is built. */
  readonly directory: string;
  readonly streamId: string;
  /** Records that the store is not to have, by sequence. */
  readonly excluded: readonly string[];
  /** Ids of quarantined records that are not in the lake, and that it is to have unless they are excluded. */
  readonly added: readonly string[];
  /** Must stay free on the disk, so that lines go on being accepted. */
  readonly diskReserveBytes: number;
}

export interface BuildProgress {
  /** Of the lake's files, in this step. */
  readonly bytes: number;
  readonly bytesTotal: number;
}

export interface StoreTotals {
  readonly lines: number;
  readonly invoices: number;
  /** Exact. */
  readonly revenue: string;
}

/** Beside that of the running warehouse. */
const MEMORY_LIMIT_MB = 192;
/** Takes in the lines of a slice: a SELECT of lakeLinesSql(), every identity once. */
type Take = (lines: string) => Promise<void>;

async function start() {
  yieldToTheDoor('warehouse');
  const { directory } = workerData as ThreadData;
  const objects = openFileStore(directory.lake);
  const threads = poolThreads(MEMORY_LIMIT_MB);
  let progress: BuildProgress = { bytes: 0, bytesTotal: 0 };
  let cancelled: TillstreamError | null = null;
  let totals: StoreTotals = { lines: 0, invoices: 0, revenue: '0' };

  const goOn = ({ directory: path, diskReserveBytes }: BuildOrder): void => {
    if (cancelled !== null) throw cancelled;
    assertOwnRoom(path, diskReserveBytes);
  };

  /** All slices, one after the other. */
  const readLake = async (connection: DuckDBConnection, order: BuildOrder, take: Take): Promise<void> => {
    const { excluded, upTo } = order;
    const list = `[${excluded.map(sqlText).join()}]::VARCHAR[]`;
    await connection.run(`CREATE TEMP TABLE excluded AS SELECT unnest(${list}) AS sequence`);
    const select = (files: Omit<Slice, 'bytes'>) =>
      `SELECT * FROM (${lakeLinesSql(files, { excluded: 'excluded', upTo: upTo ?? '' })}) ${NEWEST_ONLY}`;
    for await (const slice of slicesOf(directory.lake, objects, order)) {
      goOn(order);
      try {
        await take(select(slice));
      } catch (error) {
        throw await partFailure(connection, error, slice.parts);
      }
      progress = { ...progress, bytes: progress.bytes + slice.bytes };
    }
    const added = await writeAdded(order);
    if (added !== null) await take(select({ raw: [added], parts: [] }));
  };

  /** What the lake could not take, as one file; null: nothing. */
  const writeAdded = async ({ added, directory: path }: BuildOrder): Promise<string | null> => {
    if (added.length === 0) return null;
    const file = join(path, '..', 'added.ndjson');
    rmSync(file, { force: true });
    const quarantine = openLmdbQuarantine({ directory: directory.state });
    try {
      for await (const { sequence, data } of recordsOf(quarantine, added)) {
        const texts: Buffer[] = [];
        addSequencedLines({ sequence, data }, texts);
        appendFileSync(file, Buffer.concat(texts));
      }
    } finally {
      await quarantine.close();
    }
    return file;
  };

  const buildWarehouse = (order: BuildOrder, checkpoint: Checkpoint | null): Promise<StoreTotals> =>
    fillingWarehouse({ directory: order.directory, memoryLimitMb: MEMORY_LIMIT_MB, threads }, async (warehouse) => {
      await readLake(warehouse.connection, order, (lines) => warehouse.add(lines));
      if (checkpoint !== null) await warehouse.setCheckpoint(checkpoint);
      return warehouse.totals();
    });

  const buildOrders = async (order: BuildOrder, checkpoint: Checkpoint | null): Promise<StoreTotals> => {
    const orders = openLmdbOrders({ directory: order.directory });
    const reading = {
      name: 'spill',
      temporaryDirectory: join(order.directory, '..'),
      memoryLimitMb: MEMORY_LIMIT_MB,
      threads,
    };
    try {
      await readingLake(reading, async (connection) => {
        await connection.run('SET preserve_insertion_order = true');
        await readLake(connection, order, async (lines) => {
          await connection.run(`CREATE OR REPLACE TEMP TABLE slice AS ${lines} ORDER BY invoice_no, line_id`);
          await orders.load(await readColumns(connection, 'slice'));
        });
      });
      await orders.apply([], checkpoint ?? undefined);
    } finally {
      await orders.close();
    }
    return totalsOfOrders(order.directory);
  };

  return {
    /** Resolves when it is on disk, and closed, with a checkpoint at `upTo`. */
    async build(order: BuildOrder): Promise<void> {
      let bytesTotal = 0;
      for await (const { bytes } of slicesOf(directory.lake, objects, order)) bytesTotal += bytes;
      progress = { bytes: 0, bytesTotal };
      goOn(order);
      const checkpoint = order.upTo === null ? null : { streamId: order.streamId, sequence: order.upTo };
      totals = await (order.store === 'orders' ? buildOrders : buildWarehouse)(order, checkpoint);
    },

    /** Of what is built by now. */
    totals: () => totals,

    progress: () => progress,

    /** build() fails soon after. */
    cancel(): void {
      cancelled = new TillstreamError('shutting_down', 'The rebuild was cancelled.');
    },
  };
}

export type RebuildThread = Awaited<ReturnType<typeof start>>;

if (!isMainThread && parentPort !== null) serve(parentPort, start());
