// The thread of one backup: copies, reads back, hashes and packs, so that no other thread does. Ends with its backup.
//
// In this order: begin(), copyStores() while delivery is held, complete() once it goes on. What it has written when it fails
// is removed by discard().
import { readdirSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { writeNew } from '../backup/content.ts';
import { type Destination, isTar, openDestination } from '../backup/destination.ts';
import { BACKUP_FORMAT, type Manifest } from '../backup/manifest.ts';
import { writeBackup } from '../backup/write-backup.ts';
import { TillstreamError } from '../model/errors.ts';
import { CHECKPOINT_NAME } from '../pipelines/archive-raw.ts';
import { assertRoomFor } from '../stores/disk-room.ts';
import { openFileStore } from '../stores/lake/file-store.ts';
import { COPIED_STORES, ENVIRONMENTS, LAKE } from '../stores/layout.ts';
import { copyEnvironment } from '../stores/lmdb-environment.ts';
import { copyManifests, lakeBytes, objectsOfBackup } from './backup-objects.ts';
import { proveInProcess } from './prove-in-process.ts';
import { serve } from './rpc.ts';
import { yieldToTheDoor } from './thread-priority.ts';
import type { ThreadData } from './threads.ts';

export interface BackupOrder {
  /** Absolute; a tar when it ends so. */
  readonly path: string;
  readonly dataDirectory: string;
  /** Of Tillstream. */
  readonly version: string;
  /** What must stay free on the disk of the data directory, so that lines go on being accepted. */
  readonly diskReserveBytes: number;
}

/** What the thread is at. */
export interface BackupProgress {
  readonly step: 'preparing' | 'holding' | 'comparing' | 'copying' | 'packing';
  /** Of this step; null where it is not counted. */
  readonly bytes: number | null;
  readonly bytesTotal: number | null;
}

async function start() {
  yieldToTheDoor('warehouse');
  const { directory } = workerData as ThreadData;
  const lake = openFileStore(directory.lake);
  const cancelled = new AbortController();
  let progress: BackupProgress = { step: 'preparing', bytes: null, bytesTotal: null };
  let destination: Destination | null = null;

  const enter = (step: BackupProgress['step'], bytesTotal: number | null = null): void => {
    cancelled.signal.throwIfAborted();
    progress = { step, bytes: bytesTotal === null ? null : 0, bytesTotal };
  };
  const onBytes = (bytes: number): void => {
    cancelled.signal.throwIfAborted();
    progress = { ...progress, bytes: (progress.bytes ?? 0) + bytes };
  };
  return {
    /**
     * @returns where the warehouse is to be copied to
     * @throws backup_exists, wrong_usage, file_not_found, directory_not_writable, disk_full
     */
    async begin({ path, dataDirectory, diskReserveBytes }: BackupOrder): Promise<string> {
      destination = await openDestination(path, dataDirectory);
      const stores = storeBytes(dataDirectory);
      const bytes = stores + (await lakeBytes(lake)) + (isTar(path) ? stores : 0); // a tar's stores are copied first
      assertRoomFor(bytes, destination.staging, { path: dataDirectory, bytes: diskReserveBytes });
      for (const name of COPIED_STORES) await mkdir(join(destination.staging, name), { mode: 0o700 });
      return join(destination.staging, 'warehouse');
    },

    /** All that changes but the warehouse, which has a thread of its own. */
    async copyStores(): Promise<void> {
      const { staging } = begun(destination);
      enter('holding');
      // Manifests first: an import that is held may still put its rejects into quarantine, and then notes in its manifest that it has.
      await copyManifests(directory.lake, staging);
      await Promise.all(ENVIRONMENTS.map((name) => copyEnvironment(directory[name], join(staging, name))));
      const checkpoint = await lake.get(CHECKPOINT_NAME);
      if (checkpoint !== null) await writeNew(join(staging, LAKE, CHECKPOINT_NAME), [checkpoint], () => {});
    },

    /** @param sequence at which delivery was held */
    async complete({ dataDirectory, version }: BackupOrder, sequence: string | null): Promise<Manifest> {
      const { staging, archive, finish } = begun(destination);
      enter('comparing');
      const proof = await proveInProcess({ directory: staging, lake: directory.lake, sequence }, cancelled.signal);
      let bytes = storeBytes(staging);
      for await (const object of objectsOfBackup(lake, staging, sequence)) bytes += object.bytes;
      enter('copying', bytes);
      const manifest = await writeBackup({
        staging,
        archive,
        dataDirectory,
        objects: objectsOfBackup(lake, staging, sequence),
        about: {
          format: BACKUP_FORMAT,
          tillstream: version,
          createdAt: new Date().toISOString(),
          streamId: proof.streamId,
          sequence,
          streamNewest: proof.streamNewest,
          agrees: proof.report.agrees,
          stores: proof.report.stores.map(({ firstDifference: _, wrongHeader: __, ...store }) => store),
        },
        onBytes,
        onPacking: (bytesTotal) => enter('packing', bytesTotal),
      });
      await finish();
      return manifest;
    },

    progress: () => progress,

    /** complete() fails soon after. */
    cancel(): void {
      cancelled.abort(new TillstreamError('shutting_down', 'The backup was cancelled.'));
    },

    async discard(): Promise<void> {
      await destination?.discard();
    },
  };
}

function begun(destination: Destination | null): Destination {
  if (destination === null) throw new Error('begin() comes first');
  return destination;
}

/** Of all files of the stores, but the lake's, in a data directory or a copy of one. */
function storeBytes(directory: string): number {
  let bytes = 0;
  for (const store of COPIED_STORES) {
    for (const entry of readdirSync(join(directory, store), { withFileTypes: true })) {
      if (entry.isFile()) bytes += statSync(join(directory, store, entry.name)).size;
    }
  }
  return bytes;
}

export type BackupThread = Awaited<ReturnType<typeof start>>;

if (!isMainThread && parentPort !== null) serve(parentPort, start());
