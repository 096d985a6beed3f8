// One LMDB environment with our settings: what a commit means, and what becomes of LMDB's errors, is the same everywhere.
//
// A write resolves once LMDB has synced it (`overlappingSync: false`: the commit is the flush; waiting for `db.flushed`
// as well would mean waiting for the next transaction too). Any number of threads may open one environment; LMDB lets
// one of them write at a time.
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Database, open, type RootDatabase, type Transaction } from 'lmdb';
import { isTillstreamError, messageOf, TillstreamError } from '../model/errors.ts';
import { isDiskFull } from './disk-room.ts';

/** Keys and values are bytes: no encoding of LMDB's own comes between us and the disk. */
export type BinaryDatabase = Database<Buffer, Uint8Array>;
export type Environment = RootDatabase<Buffer, Uint8Array>;
export type { Transaction };

/** As getBinary() has it; lmdb-js does not declare it here. */
interface FastReads {
  getBinaryFast(key: Uint8Array, options: { readonly transaction: Transaction } | undefined): Buffer | undefined;
}

const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;

/**
 * How long a commit may take. LMDB never settles a write once its environment has failed for good (a write of its meta
 * page failed); and a disk that takes longer is away.
 */
export const COMMIT_WAIT_MS_MAX = 60_000;

/** What a commit that takes longer fails with. */
export function tooLate(): Error {
  return new Error(`no answer within ${COMMIT_WAIT_MS_MAX / 1000} seconds`);
}

/** As LMDB gives it, and as Node does. */
const NOT_WRITABLE: ReadonlySet<unknown> = new Set([13, 30, 'EACCES', 'EROFS']);

/**
 * Opens the environment in `directory`, making it if need be. All openings in a process share one map, with the settings
 * of the first, so nobody opens it read-only: that would lock the writer out.
 * @throws directory_not_writable, unavailable
 */
export function openEnvironment(directory: string): Environment {
  if (!existsSync(join(directory, 'data.mdb'))) assertRoom(directory, 0);
  try {
    return open<Buffer, Uint8Array>(directory, {
      ...binary,
      // A directory with a dot in its name would be taken for a file.
      noSubdir: false,
      overlappingSync: false,
      // With it, a commit that fails also rejects a promise that nobody can reach, and Node ends.
      eventTurnBatching: false,
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && NOT_WRITABLE.has(error.code)) {
      throw new TillstreamError('directory_not_writable', `${directory} is not writable.`, { cause: error });
    }
    throw unavailable(directory, error);
  }
}

/**
 * Copies the environment in one directory into another, which is empty, as it is at one moment; writers go on meanwhile, but
 * reuse no page. Page by page: a compacting copy stops at pages that LMDB has lost, which a killed process may leave.
 * @throws unavailable
 */
export async function copyEnvironment(from: string, to: string): Promise<void> {
  const environment = openEnvironment(from);
  try {
    await environment.backup(to, false);
  } catch (error) {
    throw unavailable(from, error);
  } finally {
    await environment.close();
  }
}

const LOCK_FILE = 'lock.mdb';
/** More than the places for 126 readers take. */
const LOCK_FILE_BYTES = 64 * 1024;

/** Before a copy is opened: made here, it fails in words; LMDB that finds no room for it ends the process. */
export function makeLockFile(directory: string): Promise<void> {
  return writeFile(join(directory, LOCK_FILE), Buffer.alloc(LOCK_FILE_BYTES));
}

/** Of a copy, once it is closed. */
export function removeLockFile(directory: string): Promise<void> {
  return rm(join(directory, LOCK_FILE), { force: true });
}

/** A database within the environment, made if need be. @throws unavailable */
export function openDatabase(environment: Environment, name: string): BinaryDatabase {
  try {
    return environment.openDB<Buffer, Uint8Array>(name, binary);
  } catch (error) {
    throw unavailable(pathOf(environment), error);
  }
}

/**
 * Does the puts and removes of `action` in one transaction, which is on disk on return. This thread waits for the disk: that
 * takes half the processor time of a promise of LMDB's, and none of libuv's four threads. For a thread that has nothing else
 * to do meanwhile.
 * @param bytes how much it writes, where that can be much
 * @throws unavailable  nothing of it is stored, or (when the disk failed while it was committed) it may be
 */
export function durablyNow(environment: Environment, action: () => void, bytes = 0): void {
  assertRoom(pathOf(environment), bytes);
  try {
    environment.transactionSync(() => {
      action(); // and nothing of what it returns: for a put's promise, LMDB would commit later
    });
  } catch (error) {
    throw unavailable(pathOf(environment), error);
  }
}

/**
 * The same for a thread that goes on meanwhile. `action` runs within the transaction: it reads what nobody can change before
 * it writes. All writers of the environment wait for it, so this is for what happens seldom. It throws, if at all, before
 * it writes.
 * @throws unavailable  nothing of it is stored, or (after a minute without an answer) it may be; and what `action` throws
 */
export async function transact<T>(environment: Environment, action: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLate()), COMMIT_WAIT_MS_MAX);
  });
  try {
    assertRoom(pathOf(environment), 0);
    // Its reason is listened to also when the commit fails after all are tired of waiting.
    const committed = environment.transaction(action).catch(async (error: unknown) => {
      throw await commitErrorOf(error);
    });
    return await Promise.race([committed, timedOut]);
  } catch (error) {
    if (isTillstreamError(error)) throw error;
    throw unavailable(pathOf(environment), error);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The value under a key, where LMDB has put it: gone with the next read of this thread. For who copies what is needed at
 * once; getBinary() copies all of it, which takes three times as long as finding it.
 * @param transaction to read as of its moment, rather than of this turn
 * @throws unavailable
 */
export function peek(
  { environment }: { readonly environment: Environment },
  database: BinaryDatabase,
  key: Uint8Array,
  transaction?: Transaction,
): Buffer | undefined {
  const found = tried(environment, () =>
    (database as FastReads).getBinaryFast(key, transaction === undefined ? undefined : { transaction }),
  );
  // Of larger memory, with a `length` that is set; a plain Uint8Array when the value is large.
  return found === undefined ? undefined : Buffer.from(found.buffer, found.byteOffset, found.length);
}

/**
 * Reads what is committed by now.
 * @throws unavailable  LMDB cannot read now: more readers than it has places for, a disk that is away
 */
export function reading<T>(environment: Environment, read: () => T): T {
  return tried(environment, () => {
    readLatest(environment);
    return read();
  });
}

function tried<T>(environment: Environment, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw unavailable(pathOf(environment), error, 'read');
  }
}

/** Makes the next reads of this thread see what is committed by now: LMDB keeps a snapshot for a turn of the event loop. */
export function readLatest(environment: Environment): void {
  environment.resetReadTxn();
}

/**
 * lmdb-js rejects a failed write with "Commit failed" and its reason as another promise, which it rejects too: unless
 * somebody listens to that one, Node ends. It is rejected in the same turn.
 */
async function commitErrorOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (reason) {
    return reason;
  }
}

/** By the name of the directory: users of the API see no path of this machine. */
const NAMES: Readonly<Record<string, string>> = {
  stream: 'The stream',
  orders: 'The order store',
  state: 'The state of the platform',
};

function unavailable(directory: string, cause: unknown, doing: 'written' | 'read' = 'written'): TillstreamError {
  const name = NAMES[basename(directory)] ?? 'The store';
  // LMDB reports a page that was written in part as an input/output error.
  const why = isDiskFull(directory) ? 'the disk is full' : messageOf(cause).replaceAll(directory, '…');
  return new TillstreamError('unavailable', `${name} cannot be ${doing}: ${why}`, {
    cause: new Error(`${directory}: ${messageOf(cause)}`, { cause }),
  });
}

/** See disk-room.ts: LMDB must not even try. @throws unavailable */
function assertRoom(directory: string, bytes: number): void {
  if (isDiskFull(directory, bytes)) throw unavailable(directory, new Error('the disk is full'));
}

/** lmdb-js keeps the path but does not declare it. */
function pathOf(environment: Environment): string {
  return (environment as Environment & { readonly path?: string }).path ?? 'The store';
}
