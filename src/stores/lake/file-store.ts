// The lake as files, for a single machine: an object is a file, its name the path below the directory.
//
// A put resolves once file and directory entries are synced, so it survives a power cut; it appears by a rename, so a
// reader never sees a part. One process at a time, any number of its threads. Not replicated: see s3-store.ts.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { messageOf, TillstreamError } from '../../model/errors.ts';
import { isObjectNamePart, type ObjectInfo, type ObjectStore, objectNameParts } from './object-store.ts';

/** Where objects are written before they have their name. No object can be called so: `~` is not for names. */
const UNFINISHED = '~unfinished';

/** @throws directory_not_writable */
export function openFileStore(path: string): ObjectStore {
  const directory = resolve(path);
  const unfinished = join(directory, UNFINISHED);
  try {
    mkdirSync(unfinished, { recursive: true });
    removeLeftovers(unfinished);
  } catch (cause) {
    throw new TillstreamError('directory_not_writable', `${directory} is not writable: ${messageOf(cause)}`, { cause });
  }
  const fileOf = (name: string) => join(directory, ...objectNameParts(name));
  /** Directories that need not be made again. One an hour. */
  const synced = new Set<string>();

  return {
    async put(name, data) {
      const file = fileOf(name);
      const temporary = join(unfinished, randomBytes(12).toString('hex'));
      await reporting(`${name} cannot be stored in ${directory}`, async () => {
        try {
          await writeSynced(temporary, data);
          const parent = dirname(file);
          if (!synced.has(parent)) await makeSynced(directory, parent);
          synced.add(parent);
          await rename(temporary, file);
          await syncDirectory(parent);
        } catch (error) {
          synced.delete(dirname(file));
          await rm(temporary, { force: true }).catch(() => {});
          throw error;
        }
      });
    },

    async get(name) {
      const file = fileOf(name);
      return reporting(`${name} cannot be read from ${directory}`, () => unlessMissing(readFile(file)));
    },

    list: (prefix) => listFiles(directory, prefix),

    async delete(name) {
      const file = fileOf(name);
      await reporting(`${name} cannot be removed from ${directory}`, () =>
        unlessMissing(unlink(file).then(() => syncDirectory(dirname(file)))),
      );
    },
  };
}

/**
 * What a process that was killed left behind. Another thread of this one may be writing at this moment, so only what is
 * older than the process goes.
 */
function removeLeftovers(unfinished: string): void {
  const startedAtMs = Date.now() - process.uptime() * 1000;
  for (const name of readdirSync(unfinished)) {
    const path = join(unfinished, name);
    const leftover = statSync(path, { throwIfNoEntry: false });
    if (leftover !== undefined && leftover.mtimeMs < startedAtMs) rmSync(path, { force: true });
  }
}

async function writeSynced(path: string, data: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A directory within the store, with all that leads to it on disk. */
async function makeSynced(directory: string, path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  for (let above = path; above !== directory; ) {
    above = dirname(above);
    await syncDirectory(above);
  }
}

/** A name is on disk once its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function* listFiles(directory: string, prefix: string): AsyncGenerator<ObjectInfo> {
  const slash = prefix.lastIndexOf('/') + 1;
  const parents = prefix.slice(0, slash);
  // A prefix that cannot start a name starts none; above all it never leads out of the directory.
  if (parents !== '' && !parents.slice(0, -1).split('/').every(isObjectNamePart)) return;
  yield* listDirectory(join(directory, parents), parents, prefix.slice(slash));
}

/** Memory: the entries of one directory a level. */
async function* listDirectory(path: string, parents: string, start: string): AsyncGenerator<ObjectInfo> {
  const failure = `${path} cannot be listed`;
  const found = await reporting(failure, () => unlessMissing(readdir(path, { withFileTypes: true })));
  const entries = (found ?? [])
    .filter((entry) => entry.name.startsWith(start) && isObjectNamePart(entry.name))
    // With its slash a directory sorts where the names below it belong: `a-b` before `a/b`.
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort(byText);
  for (const entry of entries) {
    if (entry.endsWith('/')) {
      yield* listDirectory(join(path, entry), parents + entry, '');
      continue;
    }
    const info = await reporting(failure, () => unlessMissing(stat(join(path, entry))));
    if (info !== null) yield { name: parents + entry, bytes: info.size };
  }
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function reporting<T>(failure: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw new TillstreamError('unavailable', `${failure}: ${messageOf(cause)}`, { cause });
  }
}

/** No such name, a name below an object, or the parent of objects: in none of these is there an object. */
const MISSING: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);

async function unlessMissing<T>(result: Promise<T>): Promise<T | null> {
  try {
    return await result;
  } catch (error) {
    if (MISSING.has(codeOf(error))) return null;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | null)?.code;
}
