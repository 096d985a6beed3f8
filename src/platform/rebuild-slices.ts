// The files of a lake in slices of bounded size, as a rebuild reads them: what imports have committed, then raw objects.
import { join } from 'node:path';
import { sequencesIn } from '../pipelines/archive-raw.ts';
import type { LakeFiles } from '../stores/lake/duckdb-lake-lines.ts';
import { committedParts } from '../stores/lake/duckdb-lake-lines.ts';
import type { ObjectInfo, ObjectStore } from '../stores/lake/object-store.ts';

/** Of raw objects: those with records after `from` (null: from the first) and not after `upTo` (null: none). */
export interface Range {
  readonly from: string | null;
  readonly upTo: string | null;
}

export interface Slice extends LakeFiles {
  readonly bytes: number;
}

/** Compressed: 200,000 to 400,000 lines, which are sorted within the memory that a rebuild has. */
const SLICE_BYTES_MAX = 4 * 2 ** 20;
/** Small ones: what a quiet shop sells in five seconds. */
const SLICE_FILES_MAX = 500;

export async function* slicesOf(lake: string, objects: ObjectStore, range: Range): AsyncGenerator<Slice> {
  for await (const { bytes, files } of batches(partsIn(lake, objects, range))) yield { raw: [], parts: files, bytes };
  for await (const { bytes, files } of batches(rawIn(lake, objects, range))) yield { raw: files, parts: [], bytes };
}

interface FoundFile {
  readonly file: string;
  readonly bytes: number;
}

/** With the first records: imports stand still for the whole of a rebuild. */
async function* partsIn(lake: string, objects: ObjectStore, { from }: Range): AsyncGenerator<FoundFile> {
  if (from !== null) return;
  const committed = new Set(await committedParts(lake));
  if (committed.size === 0) return;
  for await (const { file, bytes } of filesOf(lake, objects.list('imports/'))) {
    if (committed.has(file)) yield { file, bytes };
  }
}

async function* rawIn(lake: string, objects: ObjectStore, { from, upTo }: Range): AsyncGenerator<FoundFile> {
  for await (const { name, file, bytes } of filesOf(lake, objects.list('raw/'))) {
    const sequences = sequencesIn(name);
    if (sequences !== null && sequences.last > (from ?? '') && sequences.first <= (upTo ?? '')) yield { file, bytes };
  }
}

async function* filesOf(lake: string, objects: AsyncIterable<ObjectInfo>) {
  for await (const { name, bytes } of objects) yield { name, file: join(lake, name), bytes };
}

async function* batches(found: AsyncIterable<FoundFile>): AsyncGenerator<{ files: string[]; bytes: number }> {
  let files: string[] = [];
  let sum = 0;
  for await (const { file, bytes } of found) {
    if (files.length > 0 && (sum + bytes > SLICE_BYTES_MAX || files.length === SLICE_FILES_MAX)) {
      yield { files, bytes: sum };
      files = [];
      sum = 0;
    }
    files.push(file);
    sum += bytes;
  }
  if (files.length > 0) yield { files, bytes: sum };
}
