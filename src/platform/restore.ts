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
import { isTillstreamError, TillstreamError } from '../model/errors.ts';
import { assertRoomFor } from '../stores/disk-room.ts';
import { FORMAT, VERSION_FILE } from './data-directory.ts';
import { LOCK_FILE, takeLock } from './directory-lock.ts';

export interface RestoreOptions {
  /** A directory or a tar. */
  readonly backup: string;
  readonly dataDirectory: string;
  readonly onProgress: (bytes: number, bytesTotal: number) => void;
}

export interface RestoreReport extends Omit<Manifest, 'format' | 'dataFormat' | 'listSha256'> {
  readonly backup: string;
  readonly dataDirectory: string;
  readonly seconds: number;
}

/** @throws file_not_found, backup_damaged, backup_too_new, directory_not_empty, directory_locked, disk_full and the like */
export async function restore({ backup, dataDirectory, onProgress }: RestoreOptions): Promise<RestoreReport> {
  const startedMs = performance.now();
  const opened = await openBackup(resolve(backup));
  const { format: _, dataFormat, listSha256: __, ...manifest } = opened.manifest;
  assertReadable('data directory', dataFormat, FORMAT, backup);
  const directory = resolve(dataDirectory);
  try {
    await restoreInto(directory, opened, backup, onProgress);
  } catch (error) {
    throw writingFailure(error, directory);
  }
  return { backup: resolve(backup), dataDirectory: directory, ...manifest, seconds: secondsSince(startedMs) };
}

async function restoreInto(
  directory: string,
  { manifest, files }: OpenedBackup,
  backup: string,
  onProgress: RestoreOptions['onProgress'],
): Promise<void> {
  const unfinished = await UnfinishedDirectory.claim(directory, () => notEmpty(directory));
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
    await unfinished.finish(VERSION_FILE);
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

function secondsSince(startedMs: number): number {
  return Math.round(performance.now() - startedMs) / 1000;
}
