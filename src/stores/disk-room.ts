// How much room a disk has, and when it counts as full.
import { existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { TillstreamError } from '../model/errors.ts';

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
    return freeBytes(path) < DISK_ROOM_BYTES_MIN + bytes * PAGES_A_BYTE;
  } catch {
    return false;
  }
}

/** Whether a text says so: an error may come from another thread or process, from LMDB or DuckDB, each with its own. */
export function saysDiskFull(text: string): boolean {
  return /ENOSPC|EDQUOT|no space left/i.test(text);
}

/**
 * That the disk of the data directory has room for what the platform itself is about to write, whoever has asked for it: a path of
 * its machine says nothing to them.
 * @param path there
 * @param reserveBytes to be left on it
 * @param wanted how much is known to be needed, and what for, as the subject of a sentence
 * @throws disk_full
 */
export function assertOwnRoom(path: string, reserveBytes: number, wanted?: { bytes: number; what: string }): void {
  const leftBytes = Math.max(DISK_ROOM_BYTES_MIN, reserveBytes);
  const free = freeBytes(path);
  if (free >= leftBytes + (wanted?.bytes ?? 0)) return;
  const needs = wanted === undefined ? '' : `, and ${wanted.what} needs ${megabytes(wanted.bytes)} MB`;
  const message = `The disk of the platform has ${megabytes(free)} MB: ${megabytes(leftBytes)} MB are to stay free${needs}.`;
  throw new TillstreamError('disk_full', message, { hint: 'Make room on the disk of the data directory.' });
}

/**
 * That a copy of many bytes will fit in a place that somebody has named, and leave what the disk needs.
 * @param reserve to be left on the disk of `path`, should it be the same
 * @throws disk_full
 */
export function assertRoomFor(bytes: number, place: string, reserve?: { path: string; bytes: number }): void {
  const shared = reserve !== undefined && statSync(existing(place)).dev === statSync(reserve.path).dev;
  const leftBytes = Math.max(DISK_ROOM_BYTES_MIN, shared ? reserve.bytes : 0);
  const free = freeBytes(place);
  if (free >= bytes + leftBytes) return;
  const message = `${place} needs ${megabytes(bytes)} MB, and ${megabytes(leftBytes)} MB are to stay free; its disk has ${megabytes(free)} MB.`;
  throw new TillstreamError('disk_full', message, { hint: 'Make room there, or name a place on another disk.' });
}

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(existing(path));
  return bavail * bsize;
}

function existing(path: string): string {
  return existsSync(path) ? path : dirname(path);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
