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
import { DuckDBInstance } from '@duckdb/node-api';
import { UNFINISHED } from '../backup/unfinished.ts';
import { isTillstreamError, messageOf, TillstreamError } from '../model/errors.ts';
import { isDiskFull } from '../stores/disk-room.ts';
import { ADMIN_KEY_FILE, RUNNING_FILE, type RunningPlatform } from './running-platform.ts';

/** Written into a new directory; a higher one is refused. Goes up when an older version could not read what we write. */
export const FORMAT = 1;
/** Held by the process that works in the directory. */
export const LOCK_FILE = 'lock';
/** What makes a directory a data directory. */
export const VERSION_FILE = 'version.json';

export interface DataDirectory {
  readonly path: string;
  readonly stream: string;
  readonly orders: string;
  readonly state: string;
  readonly lake: string;
  readonly warehouse: string;
  /** The file with the key of the commands on this machine. */
  readonly adminKey: string;
  /** By which the other commands find the running platform. */
  announce(platform: RunningPlatform): void;
  /** Takes the announcement back and gives the lock up. */
  close(): void;
}

/**
 * Makes the directory if need be and takes its lock, which ends with the process, however it ends.
 * @param sample whether it is to hold a sample: a new one is marked so, a shop's is refused
 * @throws directory_locked, directory_not_writable, directory_too_new, directory_foreign, wrong_usage
 */
export async function openDataDirectory(
  path: string,
  { sample }: { readonly sample: boolean },
): Promise<DataDirectory> {
  const root = resolve(path);
  const at = (name: string): string => join(root, name);
  makeWritable(root);
  checkFormat(root, sample);
  const lock = await takeLock(root);
  for (const name of ['stream', 'orders', 'state', 'lake', 'warehouse']) mkdirSync(at(name), { recursive: true });
  // The secret that signs tokens is in it; the directory itself may be older than we are.
  chmodSync(at('state'), 0o700);
  return {
    path: root,
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

/** In a data directory that began as a sample's: lines of a shop and of a sample never mix. */
const SAMPLE_MARKER = 'sample.json';

/** What may be there before version.json is: of a start that was killed or had no space, or of the file system. */
const OF_A_FIRST_START: ReadonlySet<string> = new Set([
  LOCK_FILE,
  SAMPLE_MARKER,
  `${SAMPLE_MARKER}.new`,
  `${VERSION_FILE}.new`,
  'lost+found',
]);

function checkFormat(root: string, sample: boolean): void {
  const file = join(root, VERSION_FILE);
  if (!existsSync(file)) {
    if (existsSync(join(root, UNFINISHED))) {
      throw new TillstreamError('directory_foreign', `${root} holds a restore that was not finished.`, {
        hint: 'Run that restore again, on the same directory: it begins anew.',
      });
    }
    if (readdirSync(root).some((name) => !OF_A_FIRST_START.has(name))) {
      throw new TillstreamError(
        'directory_foreign',
        `${root} holds files, but is not a data directory of Tillstream.`,
        {
          hint: 'Choose an empty or new directory with --data-dir.',
        },
      );
    }
    const createdAt = new Date().toISOString();
    // First the marker: a start that fails, or is killed, must not leave a sample's directory that looks like a shop's.
    if (sample) writeJson(join(root, SAMPLE_MARKER), { createdAt });
    else rmSync(join(root, SAMPLE_MARKER), { force: true });
    writeJson(file, { format: FORMAT, createdAt });
    return;
  }
  if (sample && !existsSync(join(root, SAMPLE_MARKER))) {
    throw new TillstreamError('wrong_usage', `${root} is not a sample's: sample lines would mix with the shop's own.`, {
      hint: 'Leave --data-dir out, or name a new directory.',
    });
  }
  let format: unknown;
  try {
    format = JSON.parse(readFileSync(file, 'utf8')).format;
  } catch (cause) {
    throw new TillstreamError('directory_foreign', `${file} cannot be read: ${messageOf(cause)}.`, { cause });
  }
  if (typeof format === 'number' && format <= FORMAT) return;
  throw new TillstreamError(
    'directory_too_new',
    `${root} has format ${String(format)}; this version reads up to ${FORMAT}.`,
    {
      hint: 'Run the version of Tillstream that wrote it, or a newer one.',
    },
  );
}

/**
 * A lock of the operating system on a file, by way of DuckDB: Node itself has none, and a file that only says "locked"
 * outlives a killed process.
 * @throws directory_locked, directory_not_writable
 */
export async function takeLock(root: string): Promise<DuckDBInstance> {
  try {
    return await DuckDBInstance.create(join(root, LOCK_FILE), { threads: '1', memory_limit: '16MB' });
  } catch (cause) {
    const message = messageOf(cause);
    const pid = /PID (\d+)/.exec(message)?.[1];
    if (pid === undefined && !/could not set lock|conflicting lock/i.test(message)) {
      throw new TillstreamError('directory_not_writable', `The data directory ${root} cannot be used: ${message}.`, {
        cause,
      });
    }
    throw new TillstreamError(
      'directory_locked',
      `${root} is in use by another platform${pid === undefined ? '' : ` (process ${pid})`}.`,
      {
        hint: 'End that one first (Ctrl-C), or choose another directory with --data-dir.',
        cause,
      },
    );
  }
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
