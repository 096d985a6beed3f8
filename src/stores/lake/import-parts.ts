// What of an import counts: the parts that its manifest commits, in the directory of a lake.
//
// `imports/<id>/manifest.json` says how many; parts beyond that, and imports without a manifest, are not in any store. A part
// that is committed never changes. What a manifest says beside it is the import's own business.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importDirectory, MANIFEST, partName } from '../../imports/parts.ts';
import { TillstreamError } from '../../model/errors.ts';

const IMPORTS = 'imports';

export interface CommittedImport {
  readonly id: string;
  /** Objects of the lake, by name: the manifest itself. */
  readonly manifest: string;
  /** In order. */
  readonly parts: readonly string[];
  /** All its parts are written, and none changes any more; the stores are getting them. */
  readonly isLoading: boolean;
}

/**
 * Of all imports, in order of id. Memory: names.
 * @param lake the lake's directory, or another that holds its manifests under the same names
 * @throws lake_damaged  a manifest cannot be read
 */
export async function committedImports(lake: string): Promise<CommittedImport[]> {
  const found: CommittedImport[] = [];
  for (const id of await idsIn(join(lake, IMPORTS))) {
    const directory = importDirectory(id);
    const manifest = `${directory}/${MANIFEST}`;
    const file = join(lake, manifest);
    if (!existsSync(file)) continue;
    const { partsCommitted, state } = readManifest(await readFile(file, 'utf8'), manifest);
    const parts = Array.from({ length: partsCommitted }, (_, index) => `${directory}/${partName(index + 1)}`);
    found.push({ id, manifest, parts, isLoading: state === 'loading' });
  }
  return found;
}

/**
 * Whether an object of an import is what it goes on from when it has not ended: the files that it is made from, the invoices that it
 * numbers on, and the parts that are to be loaded.
 */
export function isNeededBy({ isLoading }: CommittedImport, objectName: string): boolean {
  const name = objectName.slice(objectName.lastIndexOf('/') + 1);
  if (/^source-|^continued-\d+\.parquet$/.test(name)) return true;
  return isLoading && /^part-\d+\.parquet$/.test(name);
}

async function idsIn(directory: string): Promise<string[]> {
  if (!existsSync(directory)) return [];
  const entries = await readdir(directory, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

function readManifest(text: string, name: string): { partsCommitted: number; state: unknown } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw lakeDamaged(`${name} is not JSON`, cause);
  }
  const { partsCommitted, state } = (parsed ?? {}) as { partsCommitted?: unknown; state?: unknown };
  if (typeof partsCommitted === 'number' && Number.isInteger(partsCommitted) && partsCommitted >= 0) {
    return { partsCommitted, state };
  }
  throw lakeDamaged(`${name} does not say how many parts are committed`);
}

/** @param what is wrong, as a clause that names the object */
export function lakeDamaged(what: string, cause?: unknown): TillstreamError {
  return new TillstreamError('lake_damaged', `${what}.`, {
    hint: 'Put that file of the lake back from a backup. Nothing is skipped: without it the lines of that import are not known.',
    cause,
  });
}
