// How far an import is, and how long it still takes.
import type { ImportProgress, ImportState } from './import.ts';
import type { ImportManifest } from './manifest.ts';
import type { StageProgress } from './stage.ts';

/** What is seen of an import under way. */
export interface Watched {
  state: ImportState;
  /** When it came into that state, as performance.now() has it. */
  sinceMs: number;
  /** Parts that were loaded already then. */
  partsBefore: number;
  staging: StageProgress | null;
}

export function progressOf(manifest: ImportManifest, watched: Watched, nowMs = performance.now()): ImportProgress {
  const bytesTotal = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
  const seconds = Math.max(0.001, (nowMs - watched.sinceMs) / 1000);
  const { staged, partsCommitted } = manifest;
  if (manifest.state === 'loading' && staged !== null) {
    const share = staged.parts === 0 ? 1 : partsCommitted / staged.parts;
    const done = staged.parts === 0 ? 0 : (partsCommitted - watched.partsBefore) / staged.parts;
    return {
      bytes: bytesTotal,
      bytesTotal,
      lines: Math.round(staged.lines * share),
      linesTotal: staged.lines,
      linesPerSecond: Math.round((staged.lines * done) / seconds),
      secondsLeft: done === 0 ? null : Math.ceil((seconds / done) * (1 - share)),
    };
  }
  if (manifest.state === 'checking' && staged !== null) {
    const { lines } = staged;
    return { bytes: bytesTotal, bytesTotal, lines, linesTotal: lines, linesPerSecond: 0, secondsLeft: null };
  }
  const { bytes = 0, lines = 0 } = watched.staging ?? {};
  return {
    bytes,
    bytesTotal,
    lines,
    linesTotal: null,
    linesPerSecond: Math.round(lines / seconds),
    secondsLeft: bytes === 0 ? null : Math.ceil(seconds * (bytesTotal / bytes - 1)),
  };
}
