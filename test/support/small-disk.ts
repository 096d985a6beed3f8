// A disk of a given size: a tmpfs, where this user may mount one. Tests that need it say `runIf(canMount())`.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  readonly directory: string;
  /** Mounts it again, as options of `mount -o` say: `size=256m`, `ro`. */
  remount(options: string): void;
  /** Also while somebody still has files open there. */
  unmount(): void;
}

/** @param options of `mount -o`: `size=64m` */
export function mountSmallDisk(options: string): SmallDisk {
  const directory = mkdtempSync(join(tmpdir(), 'tillstream-disk-'));
  const mounted = run(['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', directory]);
  if (mounted !== null) {
    rmdirSync(directory);
    throw new Error(mounted);
  }
  return {
    directory,
    remount(changed) {
      const failure = run(['mount', '-o', `remount,${changed}`, directory]);
      if (failure !== null) throw new Error(failure);
    },
    unmount() {
      const failure = run(['umount', '--lazy', directory]);
      if (failure !== null) throw new Error(failure);
      rmdirSync(directory);
    },
  };
}

const PAGE_BYTES = 4096;

/** Somebody else's file, which leaves this much of the disk, or a little less: others write meanwhile. */
export function fillBut(directory: string, leftBytes: number): string {
  const file = join(directory, 'somebody-else');
  const descriptor = openSync(file, 'a');
  const piece = Buffer.alloc(2 ** 20);
  try {
    for (;;) {
      const { bavail, bsize } = statfsSync(directory);
      const pages = Math.floor((bavail * bsize - leftBytes) / PAGE_BYTES);
      if (pages <= 0) return file;
      try {
        writeSync(descriptor, piece, 0, Math.min(piece.length, pages * PAGE_BYTES));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error; // others took the last of it: look again
      }
    }
  } finally {
    closeSync(descriptor);
  }
}

let mountable: boolean | undefined;

/** Whether this user may mount: root, and not in a container that forbids it. */
export function canMount(): boolean {
  if (mountable === undefined) {
    try {
      mountSmallDisk('size=64k').unmount();
      mountable = true;
    } catch {
      mountable = false;
    }
  }
  return mountable;
}

/** null: done; else what it said. */
function run([command = '', ...options]: readonly string[]): string | null {
  const { status, error, stderr } = spawnSync(command, options, { encoding: 'utf8' });
  return status === 0 ? null : `${command} failed: ${error?.message ?? stderr.trim()}`;
}
