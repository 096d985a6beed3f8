// Where a backup goes: a new or empty directory, or a tar that is not there yet. Until it is whole, everything of it is in a
// directory called `unfinished`, and goes with it.
import { existsSync, realpathSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { TillstreamError } from '../model/errors.ts';
import { syncDirectory } from './content.ts';
import { MANIFEST } from './manifest.ts';
import { makeMarked, removeMarked, UnfinishedDirectory } from './unfinished.ts';

export interface Destination {
  /** Copies are made here, in the layout of the backup. */
  readonly staging: string;
  /** The tar that is to hold them and all else; null: the directory itself is the backup. */
  readonly archive: string | null;
  /** Puts the backup in its place; resolves when that is on disk. */
  finish(): Promise<void>;
  /** Removes what was written. */
  discard(): Promise<void>;
}

/** Compressed is what takes the room already: the lake's objects. */
const COMPRESSED = /\.(?:tgz|gz|zst|xz|bz2|zip)$/i;

export function isTar(path: string): boolean {
  return path.endsWith('.tar');
}

/**
 * @param path absolute
 * @throws backup_exists, wrong_usage, file_not_found, directory_not_writable
 */
export async function openDestination(path: string, dataDirectory: string): Promise<Destination> {
  if (COMPRESSED.test(path)) {
    throw new TillstreamError('wrong_usage', `${path} cannot be made: a backup is a directory, or a .tar as it is.`);
  }
  refuseInside(path, dataDirectory);
  return isTar(path) ? openTarDestination(path) : openDirectoryDestination(path);
}

async function openDirectoryDestination(path: string): Promise<Destination> {
  const unfinished = await UnfinishedDirectory.claim(path, MANIFEST, () => exists(path, 'is not an empty directory'));
  await unfinished.begin().catch(async (error: unknown) => {
    await unfinished.discard();
    throw error;
  });
  return {
    staging: unfinished.path,
    archive: null,
    finish: () => unfinished.finish(),
    discard: () => unfinished.discard(),
  };
}

async function openTarDestination(path: string): Promise<Destination> {
  if (existsSync(path)) throw exists(path, 'is there already');
  const staging = `${path}.unfinished`;
  const archive = join(staging, 'archive.tar');
  await makeMarked(staging, () => exists(staging, 'is there already, and no backup has left it'));
  return {
    staging,
    archive,
    async finish() {
      if (existsSync(path)) throw exists(path, 'is there by now');
      await rename(archive, path);
      await syncDirectory(dirname(path));
      await removeMarked(staging);
    },
    discard: () => removeMarked(staging),
  };
}

/** It would be a part of the next one, and lost with the disk that it is to outlive. */
function refuseInside(path: string, dataDirectory: string): void {
  if (!existsSync(dirname(path))) {
    throw new TillstreamError('file_not_found', `${dirname(path)} is not there, on the machine of the platform.`, {
      hint: 'Make that directory first, or correct the path.',
    });
  }
  const place = existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(path)), sep);
  if (!`${place}${sep}`.startsWith(`${realpathSync(dataDirectory)}${sep}`)) return;
  throw new TillstreamError('wrong_usage', `${path} is inside the data directory ${dataDirectory}.`, {
    hint: 'Choose a place outside of it, best on another disk.',
  });
}

function exists(path: string, how: string): TillstreamError {
  return new TillstreamError('backup_exists', `${path} ${how}.`, { hint: 'Name a new one; nothing was overwritten.' });
}
