// The import thread: reads the files of one import, stages them as parts of the lake, puts those into the order store. It is
// there as long as the import runs, so that its memory is given back.
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { ImportReader } from '../imports/duckdb-import-reader.ts';
import { DuckDbStager } from '../imports/duckdb-stager.ts';
import { agreeOnDates, type Sniffed, sniff } from '../imports/sniff.ts';
import { type Staged, type StageProgress, stageFiles } from '../imports/stage.ts';
import type { ExaminedFile, ExamineOrder, StageCommand } from '../imports/worker.ts';
import { unpackZstd } from '../imports/zstd.ts';
import { TillstreamError } from '../model/errors.ts';
import { assertOwnRoom } from '../stores/disk-room.ts';
import { openLmdbOrders } from '../stores/orders/lmdb-orders.ts';
import type { LineColumns } from '../stores/orders/order-store.ts';
import { storeError } from '../stores/warehouse/duckdb-failure.ts';
import { WriterTurns } from '../stores/writer-turns.ts';
import { serve } from './rpc.ts';
import { poolYieldsToTheDoor, yieldToTheDoor } from './thread-priority.ts';
import type { ThreadData } from './threads.ts';

/** Of its DuckDB: slices are some 20 MB; what goes beyond spills. */
const MEMORY_LIMIT_MB = 192;
/** About what a slice takes, in text, in its part, and in the stores. */
const SLICE_ROOM_BYTES = 128 * 2 ** 20;

async function start() {
  yieldToTheDoor('warehouse');
  await poolYieldsToTheDoor();
  const { directory, ordersTurns } = workerData as ThreadData;
  // Not in a store's directory: a rebuild puts another in its place. No object of the lake can be called so.
  const workDirectory = path.join(directory.lake, '~import');
  rmSync(workDirectory, { recursive: true, force: true });
  mkdirSync(workDirectory, { recursive: true });
  const turns = new WriterTurns(ordersTurns);
  const reader = await ImportReader.open(path.join(workDirectory, 'spill-read'));
  let progress: StageProgress | null = null;
  let cancelled = false;
  /** Read while the part before is written; of the first one, while it is compared with what is there. */
  let ahead: { readonly part: string; readonly columns: Promise<LineColumns> } | null = null;

  /** One part at a time. */
  const readAhead = (part: string): Promise<LineColumns> => {
    if (ahead?.part === part) return ahead.columns;
    const before = ahead?.columns.catch(() => {}) ?? Promise.resolve();
    const columns = before.then(() => reader.columns(part));
    columns.catch(() => {}); // whoever waits for them is told
    ahead = { part, columns };
    return columns;
  };

  const checkpoint = async (from: string, diskReserveBytes: number): Promise<void> => {
    await nextTurn(); // for cancel()
    if (cancelled) throw new TillstreamError('conflict', 'The import was cancelled.');
    assertOwnRoom(from, diskReserveBytes, { bytes: SLICE_ROOM_BYTES, what: 'the import' });
  };

  const unpackedFiles = new Set<string>();
  const unpack = async (file: string, name: string, diskReserveBytes: number): Promise<string> => {
    const unpacked = path.join(workDirectory, `${path.basename(file)}.unpacked`);
    if (unpackedFiles.has(unpacked)) return unpacked;
    await unpackZstd(file, unpacked, { name, checkpoint: () => checkpoint(workDirectory, diskReserveBytes) });
    unpackedFiles.add(unpacked);
    return unpacked;
  };

  return {
    examine: ({ directory: from, files, options, dateOrder, diskReserveBytes }: ExamineOrder) =>
      reading(async () => {
        const examined: (ExaminedFile & Sniffed)[] = [];
        const goOn = () => checkpoint(from, diskReserveBytes);
        for (const { name, object, sha256 } of files) {
          const file = sourceAt(from, object, name);
          const sniffed = await sniff(file, {
            name,
            options,
            isAlone: files.length === 1,
            parquetColumns: (parquet) => reader.parquetColumns(parquet, name),
            unpacked: (packed) => unpack(packed, name, diskReserveBytes),
            checkpoint: goOn,
          });
          const { size } = statSync(file);
          examined.push({ bytes: size, sha256: sha256 || (await fingerprint(file, goOn)), ...sniffed });
        }
        return agreeOnDates(examined, dateOrder);
      }),

    stage: ({ files, continued, diskReserveBytes, ...command }: StageCommand): Promise<Staged> =>
      reading(async () => {
        await ahead?.columns.catch(() => {});
        ahead = null; // of a part that is written anew
        const stager = await DuckDbStager.open({
          spillDirectory: path.join(workDirectory, 'spill'),
          memoryLimitMb: MEMORY_LIMIT_MB,
          continued,
        });
        try {
          const staged = await stageFiles(stager, {
            ...command,
            workDirectory,
            files: await Promise.all(
              files.map(async ({ name, object, reading }) => {
                const file = sourceAt(command.directory, object, name);
                return {
                  name,
                  path: reading.compression === 'zstd' ? await unpack(file, name, diskReserveBytes) : file,
                  reading,
                  bytes: statSync(file).size,
                  ...(reading.format === 'parquet' ? { rows: await reader.parquetRows(file, name) } : {}),
                };
              }),
            ),
            onProgress: (now) => {
              progress = now;
            },
            checkpoint: () => checkpoint(command.directory, diskReserveBytes),
          });
          syncAll(command.directory);
          return staged;
        } finally {
          stager.close();
        }
      }),

    progress: () => progress,

    cancel(): void {
      cancelled = true;
    },

    readAhead(part: string): void {
      void readAhead(part);
    },

    async loadOrders(part: string, next: string | null) {
      const columns = await readAhead(part);
      ahead = null;
      if (next !== null) void readAhead(next);
      // Opened anew for each part: between two of them a rebuild may have put another store in its place.
      const orders = openLmdbOrders({ directory: directory.orders, turns });
      try {
        return await orders.load(columns);
      } finally {
        await orders.close();
      }
    },

    totals: (parts: readonly string[], hasAgain: boolean) => reader.totals(parts, hasAgain),

    async stop() {
      // A thread that ends while DuckDB works for it takes the process along.
      await ahead?.columns.catch(() => {});
      reader.close();
      rmSync(workDirectory, { recursive: true, force: true });
    },
  };
}

/** @throws file_not_found  for good: a backup may have been taken when it was not needed any more */
function sourceAt(directory: string, object: string, name: string): string {
  const file = path.join(directory, object);
  if (existsSync(file)) return file;
  const hint = 'Import the file again, from where it came.';
  throw new TillstreamError('file_not_found', `${name} is not in the lake any more.`, { hint });
}

/** What the file system says may pass. */
async function reading<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeError(error, 'The files of the import cannot be read, or its parts not written');
  }
}

async function fingerprint(file: string, checkpoint: () => Promise<void>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: 2 ** 20 })) {
    await checkpoint();
    hash.update(piece);
  }
  return hash.digest('hex');
}

/** Parts and rejects, and their names, on disk on return. */
function syncAll(directory: string): void {
  for (const name of [...readdirSync(directory).filter((each) => !each.startsWith('source-')), '.']) {
    const descriptor = openSync(path.join(directory, name), 'r');
    fsyncSync(descriptor);
    closeSync(descriptor);
  }
}

export type ImportThread = Awaited<ReturnType<typeof start>>;

if (!isMainThread && parentPort !== null) serve(parentPort, start());
