// What a running platform leaves in its data directory, so that the commands on the same machine find it and are let in.

/** JSON: a RunningPlatform. Gone when the platform ends as it should. */
export const RUNNING_FILE = 'platform.json';
/** An admin key, for nobody but the user who runs the platform (mode 0600). */
export const ADMIN_KEY_FILE = 'admin-key';

export interface RunningPlatform {
  readonly url: string;
  /** PEM, which may be of anybody's making: who reads this file knows it. null: no TLS. */
  readonly certificate: string | null;
  readonly pid: number;
  readonly startedAt: string;
}
