// Directories for what is not whole yet, of which a run that is killed may leave the rest.
//
// Only what is marked as ours is ever removed: the mark is on disk before anything else is in the directory, and goes last.
import { existsSync, lstatSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TillstreamError } from '../model/errors.ts';
import { syncDirectory } from './content.ts';
import { notWritable } from './failure.ts';

const UNFINISHED = 'unfinished';

/** In the directory that it marks; holds the names that are on their way to their place, a line each. */
const MARK = 'of-tillstream';
/** What may be left in a directory that is whole, when its last step was cut off. */
export const LEFT_IN_WHOLE = `${UNFINISHED}/${MARK}`;

/** Of the file system itself; and a lock, which is held before anything else is done. */
const NOTHING: ReadonlySet<string> = new Set(['lost+found', 'lock']);

/** Whether the directory holds what a run that was killed has left. */
export function holdsUnfinished(directory: string): boolean {
  return existsSync(join(directory, UNFINISHED, MARK));
}

/** A new directory, marked; what is there already is removed if it is a rest, else refused. @throws refusal */
export async function makeMarked(path: string, refusal: () => TillstreamError): Promise<void> {
  if (!(await isRest(path))) throw refusal();
  await removeMarked(path);
  await mkdir(path, { mode: 0o700 });
  try {
    await (await open(join(path, MARK), 'wx', 0o600)).close();
    await syncDirectory(path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await removeMarked(path);
    throw error;
  }
}

/** Does nothing to what is not marked. */
export async function removeMarked(path: string): Promise<void> {
  if (!existsSync(path) || !(await isRest(path))) return;
  for (const name of await readdir(path)) {
    if (name !== MARK) await rm(join(path, name), { recursive: true, force: true });
  }
  await rm(join(path, MARK), { force: true });
  await rmdir(path);
}

/** Ours to remove; so is what is not there, and an empty directory, as a kill right before the mark leaves it. */
async function isRest(path: string): Promise<boolean> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return true;
  if (!found.isDirectory()) return false;
  return existsSync(join(path, MARK)) || (await readdir(path)).length === 0;
}

/**
 * A directory that is filled at once or not at all: everything is written into `unfinished/` of it, and takes its place by
 * renames, the file that makes it whole last. Not a directory beside it: it may be the root of a disk of its own.
 */
export class UnfinishedDirectory {
  /** Where to write. */
  readonly path: string;
  readonly #directory: string;
  /** The file that makes it whole. */
  readonly #last: string;
  readonly #made: boolean;
  readonly #refusal: () => TillstreamError;
  /** Nothing is removed before. */
  #begun = false;

  private constructor(directory: string, last: string, made: boolean, refusal: () => TillstreamError) {
    this.path = join(directory, UNFINISHED);
    this.#directory = directory;
    this.#last = last;
    this.#made = made;
    this.#refusal = refusal;
  }

  /**
   * Makes the directory if need be.
   * @param last the file that makes it whole
   * @param refusal for one that holds something else than the rest of a run that was killed
   * @throws refusal, directory_not_writable, file_not_found
   */
  static async claim(directory: string, last: string, refusal: () => TillstreamError): Promise<UnfinishedDirectory> {
    const made = await makeDirectory(directory);
    if (!(await stat(directory)).isDirectory()) throw refusal();
    const claimed = new UnfinishedDirectory(directory, last, made, refusal);
    await claimed.#assertOurs();
    return claimed;
  }

  /** Removes what a run that was killed has left. When it fails, discard() all the same. @throws refusal */
  async begin(): Promise<void> {
    await this.#assertOurs(); // Another run may have been here meanwhile.
    this.#begun = true;
    await this.#removeMoved();
    await makeMarked(this.path, this.#refusal);
  }

  /** Puts everything in place; resolves when that is on disk. @throws refusal  somebody has put something there */
  async finish(): Promise<void> {
    await syncTree(this.path);
    const others = (await readdir(this.path)).filter((name) => name !== MARK && name !== this.#last);
    const names = [...others.sort(), this.#last];
    await this.#noteMoved(names);
    for (const name of names) {
      if (existsSync(join(this.#directory, name))) throw this.#refusal();
      // What is whole is so on disk first.
      if (name === this.#last) await syncDirectory(this.#directory);
      await rename(join(this.path, name), join(this.#directory, name));
    }
    await syncDirectory(this.#directory);
    if (this.#made) await syncDirectory(dirname(this.#directory));
    await removeMarked(this.path);
  }

  /** Leaves the directory as it was. */
  async discard(): Promise<void> {
    if (this.#begun) {
      await this.#removeMoved();
      await removeMarked(this.path);
    }
    if (this.#made) await rmdir(this.#directory).catch(() => {}); // Somebody has put something else there.
  }

  /** That nothing is in it but a rest; one that is whole is none, though its mark may be left. @throws refusal */
  async #assertOurs(): Promise<void> {
    const names = (await readdir(this.#directory)).filter((name) => !NOTHING.has(name));
    const ours = new Set([UNFINISHED, ...(await this.#moved())]);
    const isOurs = names.every((name) => ours.has(name) && name !== this.#last);
    if (!isOurs || !(await isRest(this.path))) throw this.#refusal();
  }

  /** Before anything is moved: from then on it is no longer in the directory that is marked. */
  async #noteMoved(names: readonly string[]): Promise<void> {
    const file = await open(join(this.path, `${MARK}.new`), 'wx', 0o600);
    try {
      await file.writeFile(names.map((name) => `${name}\n`).join(''));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(join(this.path, `${MARK}.new`), join(this.path, MARK));
    await syncDirectory(this.path);
  }

  /** What is in its place already; what is still in `unfinished/` as well, somebody else has put there. */
  async #moved(): Promise<string[]> {
    if (!holdsUnfinished(this.#directory)) return [];
    const noted = (await readFile(join(this.path, MARK), 'utf8')).split('\n').filter((name) => name !== '');
    return noted.filter((name) => !existsSync(join(this.path, name)));
  }

  /** Backwards: what makes it whole goes first. */
  async #removeMoved(): Promise<void> {
    for (const name of (await this.#moved()).reverse()) {
      await rm(join(this.#directory, name), { recursive: true, force: true });
    }
  }
}

/** Customers' data is in it. Answers whether it was not there. */
async function makeDirectory(directory: string): Promise<boolean> {
  // A parent that is missing is a mistake in the path, or a disk that is not mounted.
  if (!existsSync(dirname(directory))) {
    throw new TillstreamError('file_not_found', `${dirname(directory)} is not there.`, {
      hint: 'Make that directory first, or correct the path.',
    });
  }
  try {
    await mkdir(directory, { mode: 0o700 });
    return true;
  } catch (cause) {
    if (existsSync(directory)) return false;
    throw notWritable(directory, 'made', cause);
  }
}

/** A directory and all below it. */
async function syncTree(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncTree(join(directory, entry.name));
  }
  await syncDirectory(directory);
}
