// The disk of the data directory: what kind it is, how much room it has, how long it takes to sync, and its clock.
import { closeSync, fsyncSync, openSync, statfsSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../model/errors.ts';
import { existingAbove } from './directory.ts';
import { type Finding, failed, megabytes, ok, warning } from './finding.ts';

export interface DiskState {
  readonly findings: readonly Finding[];
  /** How far the disk's clock is ahead of this machine's, in seconds; null where nothing could be written. */
  readonly clockAheadSeconds: number | null;
}

/** As statfs(2) names them. */
const KINDS: Readonly<Record<number, { name: string; remedy: string } | undefined>> = {
  26985: { name: 'NFS', remedy: 'Use a disk of this machine: LMDB and locks are not safe over a network.' },
  4283649346: { name: 'SMB', remedy: 'Use a disk of this machine: LMDB and locks are not safe over a network.' },
  4266872130: { name: 'SMB', remedy: 'Use a disk of this machine: LMDB and locks are not safe over a network.' },
  16914836: { name: 'tmpfs, in memory', remedy: 'Use a real disk: all of it is gone with the power.' },
  2035054128: { name: 'overlay, of a container', remedy: 'Mount a volume there: all of it goes with the container.' },
};

export function checkDisk(dataDirectory: string, reserveBytes: number): DiskState {
  const directory = existingAbove(dataDirectory);
  const { type, bavail, bsize } = statfsSync(directory);
  const sync = checkSync(directory);
  return {
    findings: [checkKind(type), checkRoom(bavail * bsize, reserveBytes), sync.finding],
    clockAheadSeconds: sync.clockAheadSeconds,
  };
}

function checkKind(type: number): Finding {
  const kind = KINDS[type];
  return kind === undefined ? ok('Disk', 'of this machine') : warning('Disk', kind.name, kind.remedy);
}

function checkRoom(freeBytes: number, reserveBytes: number): Finding {
  const found = `${megabytes(freeBytes)} free; below ${megabytes(reserveBytes)} nothing is accepted`;
  const remedy = 'Make room on that disk, or use a larger one.';
  if (freeBytes < reserveBytes) return failed('Disk space', found, remedy);
  return freeBytes < 2 * reserveBytes ? warning('Disk space', found, remedy) : ok('Disk space', found);
}

const SYNCS = 9;
const SYNCED_BYTES = 4096;
/** A POST waits for one sync, two under load: 25 ms is what 99 of 100 are to stay under. */
const SYNC_MS_MAX = 12;

/** Writes and syncs a file that has no name by then: nothing is left behind, however this ends. */
function checkSync(directory: string): { finding: Finding; clockAheadSeconds: number | null } {
  try {
    const file = join(directory, `.tillstream-doctor-${process.pid}`);
    const descriptor = openSync(file, 'wx', 0o600);
    const { mtimeMs } = statSync(file);
    unlinkSync(file);
    const clockAheadSeconds = (mtimeMs - Date.now()) / 1000;
    const times: number[] = [];
    try {
      for (let round = 0; round < SYNCS; round += 1) {
        const startedMs = performance.now();
        writeSync(descriptor, Buffer.alloc(SYNCED_BYTES, round), 0, SYNCED_BYTES, round * SYNCED_BYTES);
        fsyncSync(descriptor);
        times.push(performance.now() - startedMs);
      }
    } finally {
      closeSync(descriptor);
    }
    return { finding: judgeSync(times), clockAheadSeconds };
  } catch (error) {
    const remedy = 'Mend the disk, or give this user the right to write there.';
    return { finding: failed('Disk sync', `cannot be written: ${messageOf(error)}`, remedy), clockAheadSeconds: null };
  }
}

/** @param times of single syncs, in ms */
export function judgeSync(times: readonly number[]): Finding {
  const sorted = [...times].sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1] ?? 0;
  const worst = sorted.at(-1) ?? 0;
  const found = `${median.toFixed(1)} ms, ${worst.toFixed(1)} ms at worst, of ${times.length}`;
  if (median <= SYNC_MS_MAX) return ok('Disk sync', found);
  return warning(
    'Disk sync',
    `${found}: slow, and every POST waits for it`,
    'Use an SSD, or a disk that nothing else writes to. Many lines in a request wait once.',
  );
}
