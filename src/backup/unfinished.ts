// A directory that is filled at once or not at all: everything is written into `unfinished/` of it, and takes its place by
// renames, the file that makes it whole last. Not a directory beside it: it may be the root of a disk of its own.
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, TillstreamError } from '../model/errors.ts';
import { syncDirectory } from './content.ts';
import { FILE_LIST } from './file-list.ts';

export const UNFINISHED = 'unfinished';

/** What a run that was killed may have left beside `unfinished/`. */
const OURS: ReadonlySet<string> = new Set([
  UNFINISHED,
  FILE_LIST,
  'stream',
  'orders',
  'state',
  'lake',
  'warehouse',
  'sample.json',
  'version.json',
]);
/** Of the file system itself; and a lock, which is held before anything else is done. */
const NOTHING: ReadonlySet<string> = new Set(['lost+found', 'lock']);

export class UnfinishedDirectory {
  /** Where to write. */
  readonly path: string;
  readonly #directory: string;
  readonly #made: boolean;

  private constructor(directory: string, made: boolean) {
    this.#directory = directory;
    this.#made = made;
    this.path = join(directory, UNFINISHED);
  }

  /**
   * Makes the directory if need be.
   * @param refusal for one that holds something else than the rest of a run that was killed
   * @throws refusal, directory_not_writable, file_not_found
   */
  static async claim(directory: string, refusal: () => TillstreamError): Promise<UnfinishedDirectory> {
    const made = await makeDirectory(directory);
    if (!(await stat(directory)).isDirectory()) throw refusal();
    const names = (await readdir(directory)).filter((name) => !NOTHING.has(name));
    const isRest = names.includes(UNFINISHED) && names.every((name) => OURS.has(name));
    if (names.length > 0 && !isRest) throw refusal();
    return new UnfinishedDirectory(directory, made);
  }

  /** Removes what a run that was killed has left. When it fails, discard() all the same. */
  async begin(): Promise<void> {
    await this.#removeOurs();
    await mkdir(this.path, { mode: 0o700 });
  }

  /** Puts everything in place; resolves when that is on disk. */
  async finish(last: string): Promise<void> {
    await syncTree(this.path);
    const names = await readdir(this.path);
    for (const name of names) {
      if (name !== last) await rename(join(this.path, name), join(this.#directory, name));
    }
    const whole = join(this.#directory, last);
    await rename(join(this.path, last), `${whole}.new`);
    // What is whole has no `unfinished/`: otherwise it could be taken for a rest, and removed.
    await rmdir(this.path);
    await syncDirectory(this.#directory);
    await rename(`${whole}.new`, whole);
    await syncDirectory(this.#directory);
    if (this.#made) await syncDirectory(dirname(this.#directory));
  }

  /** Leaves the directory as it was. */
  async discard(): Promise<void> {
    await this.#removeOurs();
    if (this.#made) await rmdir(this.#directory).catch(() => {}); // Somebody has put something else there.
  }
  async #removeOurs(): Promise<void> {
    for (const name of OURS) await rm(join(this.#directory, name), { recursive: true, force: true });
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
    throw new TillstreamError('directory_not_writable', `${directory} cannot be made: ${messageOf(cause)}.`, { cause });
  }
}

/** A directory and all below it. */
async function syncTree(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncTree(join(directory, entry.name));
  }
  await syncDirectory(directory);
}
