// How much room a disk has, and when it counts as full.
import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * With less than this free a disk counts as full, and LMDB is not asked to write: it survives a write that fails, but
 * lmdb-js 3.5.6 then puts a text of 105 bytes and more into a buffer of 100 (mdb_page_flush, last_error), and sooner or
 * later the process ends.
 */
const DISK_ROOM_BYTES_MIN = 16 * 2 ** 20;

/** A value is written to pages of its own, and the pages that lead to it are written anew. */
const PAGES_A_BYTE = 2;

/**
 * Of the disk that `path` is on, or will be; false where that cannot be seen. Takes 4 µs.
 * @param bytes about to be written
 */
export function isDiskFull(path: string, bytes = 0): boolean {
  try {
    const { bavail, bsize } = statfsSync(existsSync(path) ? path : dirname(path));
    return bavail * bsize < DISK_ROOM_BYTES_MIN + bytes * PAGES_A_BYTE;
  } catch {
    return false;
  }
}
