// Who works in a data directory keeps others out, until the process ends, however it ends.
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { messageOf, TillstreamError } from '../model/errors.ts';

/** Held by the process that works in the directory. */
export const LOCK_FILE = 'lock';

/**
 * A lock of the operating system on a file, by way of DuckDB: Node itself has none, and a file that only says "locked"
 * outlives a killed process.
 * @throws directory_locked, directory_not_writable
 */
export async function takeLock(
  root: string,
  access: 'READ_WRITE' | 'READ_ONLY' = 'READ_WRITE',
): Promise<DuckDBInstance> {
  try {
    return await DuckDBInstance.create(join(root, LOCK_FILE), {
      threads: '1',
      memory_limit: '16MB',
      access_mode: access,
    });
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

/**
 * Keeps platforms out of a data directory that nobody uses, without writing to it; others may look at the same time.
 * @throws directory_locked  a platform runs on it; directory_not_writable  the lock is damaged
 */
export async function keepOut(path: string): Promise<{ release(): void }> {
  const root = resolve(path);
  const file = join(root, LOCK_FILE);
  // Empty: of a start that was killed before it had the lock.
  if (!existsSync(file) || statSync(file).size === 0) return { release: () => {} };
  const lock = await takeLock(root, 'READ_ONLY');
  return { release: () => lock.closeSync() };
}
