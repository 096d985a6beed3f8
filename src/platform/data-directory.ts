// The data directory of a platform: its layout, its format version, its lock, and where the running platform is found.
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { holdsUnfinished } from '../backup/unfinished.ts';
import { isTillstreamError, messageOf, TillstreamError } from '../model/errors.ts';
import { isDiskFull } from '../stores/disk-room.ts';
import { SAMPLE_FILE, STORE_DIRECTORIES, type StorePaths, VERSION_FILE } from '../stores/layout.ts';
import { LOCK_FILE, takeLock } from './directory-lock.ts';
import { ADMIN_KEY_FILE, RUNNING_FILE, type RunningPlatform } from './running-platform.ts';
import { finishSwaps } from './store-swap.ts';

/** Written into a new directory; a higher one is refused. Goes up when an older version could not read what we write. */
export const FORMAT = 1;

/** The sample that is to be played: lines of two different ones would mix, since each is a year of its own. */
export interface SampleWish {
  readonly lines: number;
  /** Whether somebody asked for that many; otherwise, one that is there already goes on as it is. */
  readonly isNamed: boolean;
}

export interface SampleMarker {
  readonly createdAt?: string;
  /** Not yet in that of version 0.1.0. */
  readonly lines?: number;
}

export interface DataDirectory extends StorePaths {
  readonly path: string;
  /** The sample that it holds; null for a shop's. */
  readonly sample: SampleMarker | null;
  /** The file with the key of the commands on this machine. */
  readonly adminKey: string;
  /** By which the other commands find the running platform. */
  announce(platform: RunningPlatform): void;
  /** Takes the announcement back and gives the lock up. */
  close(): void;
}

/**
 * Makes the directory if need be and takes its lock, which ends with the process, however it ends.
 * @param sample what a new one is marked with; a shop's, and that of another sample, is refused. null: a shop's own
 * @throws directory_locked, directory_not_writable, directory_too_new, directory_foreign, wrong_usage
 */
export async function openDataDirectory(
  path: string,
  { sample }: { readonly sample: SampleWish | null },
): Promise<DataDirectory> {
  const root = resolve(path);
  const at = (name: string): string => join(root, name);
  makeWritable(root);
  checkFormat(root, sample);
  const lock = await takeLock(root);
  try {
    finishSwaps(root);
    for (const name of STORE_DIRECTORIES) mkdirSync(at(name), { recursive: true });
    // The secret that signs tokens is in it; the directory itself may be older than we are.
    chmodSync(at('state'), 0o700);
  } catch (error) {
    lock.closeSync();
    throw error;
  }
  return {
    path: root,
    sample: sampleIn(root),
    stream: at('stream'),
    orders: at('orders'),
    state: at('state'),
    lake: at('lake'),
    warehouse: at('warehouse'),
    adminKey: at(ADMIN_KEY_FILE),
    announce(platform) {
      writeJson(at(RUNNING_FILE), platform);
    },
    close() {
      rmSync(at(RUNNING_FILE), { force: true });
      lock.closeSync();
    },
  };
}

function makeWritable(root: string): void {
  try {
    // Customers' data is in it.
    mkdirSync(root, { recursive: true, mode: 0o700 });
    accessSync(root, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new TillstreamError(
      'directory_not_writable',
      `The data directory ${root} cannot be written: ${messageOf(cause)}.`,
      {
        hint: 'Give this user the right to write there, or choose another directory with --data-dir.',
        cause,
      },
    );
  }
}

/** What may be there before version.json is: of a start that was killed or had no space, or of the file system. */
const OF_A_FIRST_START: ReadonlySet<string> = new Set([
  LOCK_FILE,
  SAMPLE_FILE,
  `${SAMPLE_FILE}.new`,
  `${VERSION_FILE}.new`,
  'lost+found',
]);

function checkFormat(root: string, sample: SampleWish | null): void {
  if (formatOf(root) === null) {
    const createdAt = new Date().toISOString();
    // First the marker: a start that fails, or is killed, must not leave a sample's directory that looks like a shop's.
    if (sample !== null) writeJson(join(root, SAMPLE_FILE), { createdAt, lines: sample.lines });
    else rmSync(join(root, SAMPLE_FILE), { force: true });
    writeJson(join(root, VERSION_FILE), { format: FORMAT, createdAt });
    return;
  }
  if (sample !== null) checkSample(root, sample);
}

export interface DirectoryFormat {
  readonly format: number;
  readonly createdAtMs: number;
}

/**
 * Of the data directory that is there; null for one that has not been used.
 * @throws directory_foreign, directory_too_new
 */
export function formatOf(root: string): DirectoryFormat | null {
  const file = join(root, VERSION_FILE);
  if (!existsSync(file)) {
    if (holdsUnfinished(root)) {
      throw new TillstreamError('directory_foreign', `${root} holds a restore that was not finished.`, {
        hint: 'Run that restore again, on the same directory: it begins anew.',
      });
    }
    if (readdirSync(root).every((name) => OF_A_FIRST_START.has(name))) return null;
    throw new TillstreamError('directory_foreign', `${root} holds files, but is not a data directory of Tillstream.`, {
      hint: 'Choose an empty or new directory with --data-dir.',
    });
  }
  let found: { format?: unknown; createdAt?: unknown };
  try {
    found = JSON.parse(readFileSync(file, 'utf8')) ?? {};
  } catch (cause) {
    throw new TillstreamError('directory_foreign', `${file} cannot be read: ${messageOf(cause)}.`, { cause });
  }
  const { format, createdAt } = found;
  if (typeof format === 'number' && format <= FORMAT) return { format, createdAtMs: Date.parse(String(createdAt)) };
  throw new TillstreamError(
    'directory_too_new',
    `${root} has format ${String(format)}; this version reads up to ${FORMAT}.`,
    {
      hint: 'Run the version of Tillstream that wrote it, or a newer one.',
    },
  );
}

function checkSample(root: string, { lines, isNamed }: SampleWish): void {
  const there = sampleIn(root);
  if (there === null) {
    throw new TillstreamError('wrong_usage', `${root} is not a sample's: sample lines would mix with the shop's own.`, {
      hint: 'Leave --data-dir out, or name a new directory.',
    });
  }
  if (there.lines === undefined) writeJson(join(root, SAMPLE_FILE), { ...there, lines });
  if (!isNamed || there.lines === undefined || lines === there.lines) return;
  const count = (number: number): string => number.toLocaleString('en-GB');
  throw new TillstreamError(
    'wrong_usage',
    `${root} holds the sample of ${count(there.lines)} lines: that of ${count(lines)} is another, and would mix with it.`,
    { hint: 'Leave the number out, name a new directory with --data-dir, or delete this one.' },
  );
}

function sampleIn(root: string): SampleMarker | null {
  const file = join(root, SAMPLE_FILE);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
}

/** Of what is no matter of room, however little of it there is. */
const NOT_FOR_LACK_OF_ROOM: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR']);

/** Why a platform could not start: that the disk is full, where it is, rather than what that led to. */
export function startFailure(error: unknown, path: string): unknown {
  const cause = error instanceof TillstreamError ? error.cause : error;
  const known = isTillstreamError(error) && error.code !== 'unavailable' && error.code !== 'directory_not_writable';
  const otherwise = cause instanceof Error && 'code' in cause && NOT_FOR_LACK_OF_ROOM.has(cause.code);
  if (known || otherwise || !isDiskFull(resolve(path))) return error;
  return new TillstreamError('disk_full', `The disk of the data directory ${resolve(path)} is full.`, {
    hint: 'Make room there, or choose another directory with --data-dir. What was accepted before is not lost.',
    cause: error,
  });
}

function writeJson(file: string, value: unknown): void {
  writeWhole(file, `${JSON.stringify(value, null, 2)}\n`, 0o666);
}

/** For nobody but this user. */
export function writePrivately(file: string, text: string): void {
  writeWhole(file, text, 0o600);
}

/** Whole or not at all. */
function writeWhole(file: string, text: string, mode: number): void {
  rmSync(`${file}.new`, { force: true });
  writeFileSync(`${file}.new`, text, { mode });
  renameSync(`${file}.new`, file);
}
