// What a check of the doctor's found, and how it is mended.

export interface Finding {
  /** What was looked at: `Disk space`. */
  readonly check: string;
  readonly result: 'ok' | 'warning' | 'failed';
  /** One line. */
  readonly found: string;
  /** How to mend it; null where nothing need be. */
  readonly remedy: string | null;
}

export function ok(check: string, found: string): Finding {
  return { check, result: 'ok', found, remedy: null };
}

/** It works, and will not always, or not well. */
export function warning(check: string, found: string, remedy: string): Finding {
  return { check, result: 'warning', found, remedy };
}

/** The platform cannot start so, or does not do all that it promises. */
export function failed(check: string, found: string, remedy: string): Finding {
  return { check, result: 'failed', found, remedy };
}

/** Seconds as the doctor says them: `40 s`, `3 min`, `5 h`, `12 days`. */
export function roughly(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_000_000).toLocaleString('en-US')} MB`;
}
