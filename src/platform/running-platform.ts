// What a running platform leaves in its data directory, so that the commands on the same machine find it and are let in.
import { readFileSync } from 'node:fs';

/** JSON: a RunningPlatform. Gone when the platform ends as it should. */
export const RUNNING_FILE = 'platform.json';
/** An admin key, for nobody but the user who runs the platform (mode 0600). */
export const ADMIN_KEY_FILE = 'admin-key';

export interface RunningPlatform {
  readonly url: string;
  /** PEM, which may be of anybody's making: who reads this file knows it. null: no TLS. */
  readonly certificate: string | null;
  readonly pid: number;
  /** See startOf(); null where that is not known. */
  readonly pidStart: string | null;
  readonly startedAt: string;
}

/**
 * When the kernel started the process, in its own ticks since the boot; null where it does not say (proc(5), field 22 of
 * stat). The file above outlives a killed process, and another one may get its number: with this it is told apart, and is
 * never sent the key.
 */
export function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name before may hold blanks and brackets; the state, field 3, comes after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[22 - 3] ?? null;
  } catch {
    return null;
  }
}
