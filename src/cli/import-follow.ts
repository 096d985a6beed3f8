// Looks at an import until it ends: progress on the way, and its questions.
import { setTimeout as pause } from 'node:timers/promises';
import { ENDED, type ImportReport } from '../imports/import.ts';
import { isTillstreamError } from '../model/errors.ts';
import { ask } from './connection.ts';
import type { Connection } from './find-platform.ts';
import { foundScreen, progressText } from './import-screen.ts';
import { err, type Progress, progress, screenWidth } from './screen.ts';
import { duration } from './text.ts';

const LOOK_MS = 250;
/** A platform that is restarted goes on with the import; one that is away for longer, somebody has to see to. */
const AWAY_SECONDS_MAX = 120;

export interface Following {
  /** Find it again: a platform may come back at another address. */
  readonly find: () => Connection;
  readonly id: string;
  readonly signal: AbortSignal;
  /** Whether it was said how the files are read. */
  hasFound: boolean;
}

/**
 * The import once it has ended, or asks; as it is then, when the signal is aborted.
 * @throws unreachable, and what the platform answers
 */
export async function follow(following: Following): Promise<ImportReport | null> {
  const { find, id, signal } = following;
  const line = progress();
  let awaySinceMs: number | null = null;
  try {
    while (!signal.aborted) {
      try {
        const report = await importOf(find(), id);
        awaySinceMs = null;
        showFound(following, report, line);
        if (ENDED.has(report.state) || report.state === 'needs_answer') return report;
        line.show(progressText(report, process.stderr.columns));
      } catch (error) {
        if (!isPassing(error)) throw error;
        awaySinceMs ??= Date.now();
        const seconds = (Date.now() - awaySinceMs) / 1000;
        if (seconds > AWAY_SECONDS_MAX) throw error;
        line.show(`  the platform does not answer, for ${duration(seconds)}`);
      }
      await pause(LOOK_MS, undefined, { signal }).catch(() => {});
    }
    return null;
  } finally {
    line.end('');
  }
}

export function importOf(connection: Connection, id: string): Promise<ImportReport> {
  return ask<ImportReport>(connection, importPath(id), { has: 'files' });
}

export function importPath(id: string): string {
  return `/v1/imports/${encodeURIComponent(id)}`;
}

/** Once, before the load. */
function showFound(following: Following, report: ImportReport, line: Progress): void {
  if (following.hasFound || report.readings.length === 0) return;
  following.hasFound = true;
  line.end('');
  err(`${foundScreen(report, screenWidth())}\n`);
}

const PASSING = ['unreachable', 'unavailable', 'shutting_down', 'overloaded', 'rate_limited'] as const;

function isPassing(error: unknown): boolean {
  return PASSING.some((code) => isTillstreamError(error, code));
}
