// Makes a data directory from a backup, without a running platform.
//
// Every file is held against the list of the backup on its way. The directory becomes one that a platform starts on in the
// last step, by version.json: a restore that was killed has left none, and can be run again.
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeNew } from '../backup/content.ts';
import { writingFailure } from '../backup/failure.ts';
import { assertReadable, damaged, type Manifest } from '../backup/manifest.ts';
import { type OpenedBackup, openBackup } from '../backup/opened-backup.ts';
import { UnfinishedDirectory } from '../backup/unfinished.ts';
import { secondsSince } from '../model/clock.ts';
import { isTillstreamError, TillstreamError } from '../model/errors.ts';
import { assertRoomFor } from '../stores/disk-room.ts';
import { VERSION_FILE } from '../stores/layout.ts';
import { FORMAT } from './data-directory.ts';
import { LOCK_FILE, takeLock } from './directory-lock.ts';
import { makeKeysNew } from './new-keys.ts';

export interface RestoreOptions {
  /** A directory or a tar. */
  readonly backup: string;
  readonly dataDirectory: string;
  /** No key or token of the backup is to open anything. */
  readonly newKeys: boolean;
  readonly onProgress: (bytes: number, bytesTotal: number) => void;
}

export interface RestoreReport extends Omit<Manifest, 'format' | 'dataFormat' | 'listSha256'> {
  readonly backup: string;
  readonly dataDirectory: string;
  /** false: those that were good when the backup was taken are good again, revoked since or not. */
  readonly newKeys: boolean;
  readonly seconds: number;
}

/** @throws file_not_found, backup_damaged, backup_too_new, directory_not_empty, directory_locked, disk_full and the like */
export async function restore(options: RestoreOptions): Promise<RestoreReport> {
  const { backup, dataDirectory, newKeys } = options;
  const startedMs = performance.now();
  const opened = await openBackup(resolve(backup));
  const { format: _, dataFormat, listSha256: __, ...manifest } = opened.manifest;
  assertReadable('data directory', dataFormat, FORMAT, backup);
  const directory = resolve(dataDirectory);
  try {
    await restoreInto(directory, opened, options);
  } catch (error) {
    throw writingFailure(error, directory);
  }
  const seconds = secondsSince(startedMs);
  return { backup: resolve(backup), dataDirectory: directory, ...manifest, newKeys, seconds };
}

async function restoreInto(
  directory: string,
  { manifest, files }: OpenedBackup,
  { backup, newKeys, onProgress }: RestoreOptions,
): Promise<void> {
  const unfinished = await UnfinishedDirectory.claim(directory, VERSION_FILE, () => notEmpty(directory));
  let lock: Awaited<ReturnType<typeof takeLock>> | null = null;
  try {
    lock = await takeLock(directory);
    await unfinished.begin();
    assertRoomFor(manifest.bytes, directory);
    let done = 0;
    for await (const file of files()) {
      const { sha256 } = await writeNew(join(unfinished.path, file.path), file.read(), (count) => {
        done += count;
        onProgress(done, manifest.bytes);
      });
      if (sha256 !== file.sha256) throw damaged(backup, `${file.path} is not as it was written`);
    }
    if (newKeys) await makeKeysNew(join(unfinished.path, 'state'));
    await unfinished.finish();
  } catch (error) {
    // Locked: another restore is at it.
    if (isTillstreamError(error, 'directory_locked')) throw error;
    await rm(join(directory, LOCK_FILE), { force: true });
    await unfinished.discard();
    throw error;
  } finally {
    lock?.closeSync();
  }
}

function notEmpty(directory: string): TillstreamError {
  return new TillstreamError('directory_not_empty', `${directory} is not an empty directory.`, {
    hint: 'Name a new or empty one with --data-dir; nothing in it was touched.',
  });
}
