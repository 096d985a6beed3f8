// What the lake holds, as the other stores should hold it: the newest version of every line, digested by day.
//
// Reads every raw object, and every part that an import has committed, with a DuckDB of its own (duckdb-lake-lines.ts).
import { appendFile } from 'node:fs/promises';
import path from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { type DayDigest, totalsOf } from '../../model/digest.ts';
import { DIGEST_COLUMNS, sumDigests } from '../warehouse/duckdb-digest.ts';
import { addSequencedLines } from '../warehouse/duckdb-lines.ts';
import { sqlText } from '../warehouse/duckdb-session.ts';
import {
  asPattern,
  committedParts,
  lakeLinesSql,
  NEWEST_ONLY,
  partFailure,
  type RawSelection,
  readingLake,
} from './duckdb-lake-lines.ts';

export interface LakeDigestOptions {
  /** The lake's own directory; objects are in `raw/` and `imports/` of it. */
  readonly directory: string;
  /** Has the manifests of imports under the same names; left out: the lake itself. */
  readonly manifests?: string;
  /** Where to spill: a directory is made in it and removed. Of one process at a time. */
  readonly temporaryDirectory: string;
  /** Records to leave out, by sequence. */
  readonly excluded?: readonly string[];
  /** The last record that counts; left out: all do. Of imports, all that is committed counts. */
  readonly upTo?: string;
  /** Records that are not in the lake, NDJSON; one at a time is held in memory. */
  readonly added?: Iterable<AddedRecord> | AsyncIterable<AddedRecord>;
  readonly memoryLimitMb?: number;
  readonly threads?: number;
  /** Aborted when nobody wants it any more: it fails soon after. */
  readonly signal?: AbortSignal;
}

export interface AddedRecord {
  readonly sequence: string;
  readonly data: Uint8Array;
}

export interface LakeDigest {
  readonly days: readonly DayDigest[];
  /** Distinct lines. */
  readonly lines: number;
  /** Distinct invoices. */
  readonly invoices: number;
}

/**
 * @throws unavailable  the lake cannot be read now
 * @throws lake_damaged  a part that an import has committed is missing or cannot be read
 */
export function digestLake(options: LakeDigestOptions): Promise<LakeDigest> {
  const { temporaryDirectory, memoryLimitMb, threads, signal } = options;
  return readingLake({ name: 'lake-digest', temporaryDirectory, memoryLimitMb, threads, signal }, (connection, spill) =>
    digest(connection, options, spill),
  );
}

async function digest(connection: DuckDBConnection, options: LakeDigestOptions, spill: string): Promise<LakeDigest> {
  const { directory, manifests, excluded = [], upTo } = options;
  const raw = [path.join(asPattern(path.join(directory, 'raw')), '**', '*.ndjson.gz')];
  const matched = await connection.runAndReadAll(`SELECT 1 FROM glob(${sqlText(raw[0] ?? '')}) LIMIT 1`);
  if (matched.currentRowCount === 0) raw.pop();
  const added = await writeAdded(options, spill);
  if (added !== null) raw.push(asPattern(added));
  const parts = await committedParts(directory, manifests);
  if (raw.length + parts.length === 0) return { days: [], lines: 0, invoices: 0 };

  await connection.run(
    `CREATE TABLE excluded AS SELECT unnest([${excluded.map(sqlText).join()}]::VARCHAR[]) AS sequence`,
  );
  const selection: RawSelection = { excluded: 'excluded', ...(upTo === undefined ? {} : { upTo }) };
  try {
    // The hash is taken first, so that what is sorted by version, and spilled, is narrow.
    await connection.run(`
      CREATE TABLE newest AS
      SELECT invoice_no, day, amount, line_hash
      FROM (
        SELECT invoice_no, line_id, received_at, sequence, position, ${DIGEST_COLUMNS}
        FROM (${lakeLinesSql({ raw, parts }, selection)})
      )
      ${NEWEST_ONLY}`);
  } catch (error) {
    throw await partFailure(connection, error, parts);
  }
  const days = await sumDigests(connection, 'newest');
  const invoices = await connection.runAndReadAll('SELECT count(DISTINCT invoice_no) FROM newest');
  return { days, lines: totalsOf(days).lines, invoices: Number(invoices.getRows()[0]?.[0]) };
}

/** null when there is nothing to add. */
async function writeAdded({ added = [] }: LakeDigestOptions, spill: string): Promise<string | null> {
  const file = path.join(spill, 'added.ndjson');
  let some = false;
  for await (const { sequence, data } of added) {
    const parts: Buffer[] = [];
    addSequencedLines({ sequence, data: Buffer.from(data) }, parts);
    await appendFile(file, Buffer.concat(parts));
    some ||= parts.length > 0;
  }
  return some ? file : null;
}
