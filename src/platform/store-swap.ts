// A rebuilt store takes the place of the old one: by renames, of which one decides.
//
// All of it is below `rebuild/` of the data directory: `orders` while it is built, `orders.whole` from the moment on at which it
// is to be used, `orders.old` what it has replaced. A kill before that moment leaves the old store as it was; after it, the
// next start does what is left to do.
import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TillstreamError } from '../model/errors.ts';
import { REBUILD } from '../stores/layout.ts';

export type RebuiltStore = 'orders' | 'warehouse';
const STORES: readonly RebuiltStore[] = ['orders', 'warehouse'];

/** An empty directory for a store to be built in; what a rebuild before has left is removed. @throws conflict */
export function beginRebuild(root: string, store: RebuiltStore): string {
  if (STORES.some((each) => existsSync(whole(root, each)))) {
    throw new TillstreamError('conflict', 'A rebuilt store has not come into its place yet.', {
      hint: 'Start the platform again: that finishes it.',
    });
  }
  removeRests(root);
  const directory = join(root, REBUILD, store);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const place = lstatSync(join(root, store), { throwIfNoEntry: false });
  if (place !== undefined && (place.isSymbolicLink() || place.dev !== statSync(directory).dev)) {
    removeRests(root);
    throw new TillstreamError('conflict', `${store} is a link, or on a disk of its own: no other can take its place.`, {
      hint: 'Stop the platform, put the directory itself there, and start again.',
    });
  }
  return directory;
}

/**
 * Puts the new store in place of the old one. It is closed, and on disk; of the old one, openings go on with files that have
 * another name now.
 */
export function swapStore(root: string, store: RebuiltStore): void {
  const built = join(root, REBUILD, store);
  syncTree(built);
  renameSync(built, whole(root, store));
  sync(join(root, REBUILD));
  finishSwap(root, store);
}

/** Also of the old store: nobody has it open any more. Not what the next start has to finish. */
export function removeRests(root: string): void {
  if (STORES.some((store) => existsSync(whole(root, store)))) return;
  rmSync(join(root, REBUILD), { recursive: true, force: true });
}

/** The same where others wait for this thread: an old store may be many gigabytes. */
export async function removeRestsMeanwhile(root: string): Promise<void> {
  if (STORES.some((store) => existsSync(whole(root, store)))) return;
  await rm(join(root, REBUILD), { recursive: true, force: true });
}

/** At a start, before any store is opened. */
export function finishSwaps(root: string): void {
  if (!existsSync(join(root, REBUILD))) return;
  for (const store of STORES) if (existsSync(whole(root, store))) finishSwap(root, store);
  removeRests(root);
}

function finishSwap(root: string, store: RebuiltStore): void {
  const place = join(root, store);
  const old = join(root, REBUILD, `${store}.old`);
  if (existsSync(place)) {
    rmSync(old, { recursive: true, force: true });
    renameSync(place, old);
  }
  renameSync(whole(root, store), place);
  sync(join(root, REBUILD));
  sync(root);
}

function whole(root: string, store: RebuiltStore): string {
  return join(root, REBUILD, `${store}.whole`);
}

function syncTree(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) syncTree(path);
    else if (entry.isFile()) sync(path);
  }
  sync(directory);
}

/** A file, or the names in a directory. */
function sync(path: string): void {
  const opened = openSync(path, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
