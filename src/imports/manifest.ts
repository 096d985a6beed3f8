// The manifest of an import, `imports/<id>/manifest.json` in the lake: what it is, how far it has come, and which parts count.
//
// Written whole, and synced before anybody relies on it. A directory without one is of an upload that never ended.
import { readFileSync } from 'node:fs';
import { open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, TillstreamError } from '../model/errors.ts';
import type { ImportedFile, ImportProgress, ImportReport } from './import.ts';
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
  /** Lines of the stores that its parts have replaced so far, by ones that differ. */
  readonly replaced: number;
}

/** BigInt as text. */
export interface StagedTotals extends Omit<Staged, 'revenueE4'> {
  readonly revenueE4: string;
}

/** What is answered of it. */
export function reportOf(manifest: ImportManifest, progress: ImportProgress | null): ImportReport {
  const { id, state, origin, files, options, readings, question, error, counts, firstRejects, sameAs } = manifest;
  const { createdAt, startedAt, endedAt } = manifest;
  const seconds = startedAt === null || endedAt === null ? null : (Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
  return {
    ...{ id, state, origin, files, options, readings, question, error },
    ...{ createdAt, startedAt, endedAt, seconds, progress, counts, firstRejects, sameAs },
  };
}

export function readManifest(directory: string): ImportManifest {
  return JSON.parse(readFileSync(path.join(directory, MANIFEST), 'utf8'));
}

/** Writes of one manifest come one after the other. */
const writes = new Map<string, Promise<void>>();

/** Resolves when it is on disk. @throws unavailable  the one before stands */
export async function writeManifest(directory: string, manifest: ImportManifest): Promise<void> {
  const before = writes.get(directory) ?? Promise.resolve();
  const written = before.catch(() => {}).then(() => writeWhole(directory, manifest));
  writes.set(directory, written);
  try {
    await written;
  } catch (cause) {
    throw new TillstreamError('unavailable', `The import cannot be noted in the lake: ${messageOf(cause)}.`, { cause });
  } finally {
    if (writes.get(directory) === written) writes.delete(directory);
  }
}

async function writeWhole(directory: string, manifest: ImportManifest): Promise<void> {
  const file = path.join(directory, MANIFEST);
  await writeFile(`${file}.new`, `${JSON.stringify(manifest, null, 1)}\n`, { flush: true });
  await rename(`${file}.new`, file);
  await syncPath(directory);
}

/** A file, or the names in a directory, is on disk when it resolves. */
export async function syncPath(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** All but the manifest. */
export async function removeFiles(directory: string, isToGo: (name: string) => boolean = () => true): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name !== MANIFEST && isToGo(name)) await rm(path.join(directory, name), { recursive: true, force: true });
  }
}
