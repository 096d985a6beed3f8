// The manifest of an import, `imports/<id>/manifest.json` in the lake: what it is, how far it has come, and which parts count.
//
// Written whole, and synced before anybody relies on it. A directory without one is of an upload that never ended.
import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { messageOf, TillstreamError } from '../model/errors.ts';
import type { ImportedFile, ImportReport } from './import.ts';
import { MANIFEST } from './parts.ts';
import type { Staged } from './stage.ts';

/** As it is kept: the report but for what is of the moment, and what the platform needs to go on. */
export interface ImportManifest extends Omit<ImportReport, 'progress' | 'seconds' | 'files'> {
  readonly format: 1;
  readonly files: readonly ImportedFile[];
  /** Version of its lines, µs since 1970; null until they are staged. */
  readonly receivedAt: number | null;
  /** What was staged; null while it is not, or not whole. */
  readonly staged: StagedTotals | null;
  /** Parts that are in every store: these, and no others, count. */
  readonly partsCommitted: number;
  /** Files with the invoices that are numbered on, `continued-N.parquet`; 0: none. */
  readonly continued: number;
  /** Rejects are in the quarantine. */
  readonly rejectsKept: boolean;
  readonly cancelling: boolean;
  /** Its owner has said that the rejects are all right. */
  readonly replaced: number;
}

/** BigInt as text. */
export interface StagedTotals extends Omit<Staged, 'revenueE4'> {
  readonly revenueE4: string;
}

export function readManifest(directory: string): ImportManifest {
  return JSON.parse(readFileSync(path.join(directory, MANIFEST), 'utf8'));
}

/** On disk on return. @throws unavailable  the one before stands */
export function writeManifest(directory: string, manifest: ImportManifest): void {
  try {
    writeWhole(directory, manifest);
  } catch (cause) {
    throw new TillstreamError('unavailable', `The import cannot be noted in the lake: ${messageOf(cause)}.`, { cause });
  }
}

function writeWhole(directory: string, manifest: ImportManifest): void {
  const file = path.join(directory, MANIFEST);
  const descriptor = openSync(`${file}.new`, 'w');
  try {
    writeSync(descriptor, `${JSON.stringify(manifest, null, 1)}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(`${file}.new`, file);
  syncPath(directory);
}

/** A file, or the names in a directory, on disk on return. */
export function syncPath(file: string): void {
  const descriptor = openSync(file, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** All but the manifest. */
export function removeFiles(directory: string, isToGo: (name: string) => boolean = () => true): void {
  for (const name of readdirSync(directory)) {
    if (name !== MANIFEST && isToGo(name)) rmSync(path.join(directory, name), { recursive: true, force: true });
  }
}
