// What the lake holds, as the other stores should hold it: the newest version of every line, digested by day.
//
// Reads every raw object with a DuckDB of its own, which keeps nothing and spills to disk what goes beyond its memory.
// A line that cannot be read counts for nothing: no store can have taken it.
import { appendFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { type DayDigest, totalsOf } from '../../model/digest.ts';
import { DIGEST_COLUMNS, sumDigests } from '../warehouse/duckdb-digest.ts';
import { storeError } from '../warehouse/duckdb-failure.ts';
import { addSequencedLines, readLinesSql, typedNumbersSql, usableNumbersSql } from '../warehouse/duckdb-lines.ts';
import { sqlText } from '../warehouse/duckdb-session.ts';

export interface LakeDigestOptions {
  /** The lake's own directory; objects are in `raw/` of it. */
  readonly directory: string;
  /** Where to spill: a directory is made in it and removed. Of one process at a time. */
  readonly temporaryDirectory: string;
  /** Records to leave out, by sequence. */
  readonly excluded?: readonly string[];
  /** The last record that counts; left out: all do. */
  readonly upTo?: string;
  /** Records that are not in the lake, NDJSON; one at a time is held in memory. */
  readonly added?: Iterable<AddedRecord> | AsyncIterable<AddedRecord>;
  readonly memoryLimitMb?: number;
  readonly threads?: number;
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

const MEMORY_LIMIT_MB = 256;

/** @throws unavailable  the lake cannot be read now */
export async function digestLake(options: LakeDigestOptions): Promise<LakeDigest> {
  const spillDirectory = await makeSpillDirectory(options.temporaryDirectory);
  try {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(options.threads ?? 1),
      memory_limit: `${options.memoryLimitMb ?? MEMORY_LIMIT_MB}MiB`,
      temp_directory: spillDirectory,
      errors_as_json: 'true',
      preserve_insertion_order: 'false',
      enable_external_file_cache: 'false',
    });
    const connection = await instance.connect();
    try {
      return await digest(connection, options, spillDirectory);
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  } catch (error) {
    throw storeError(error, 'The lake cannot be read');
  } finally {
    await rm(spillDirectory, { recursive: true, force: true });
  }
}

/** Also removes what a process that was killed has left: one process works in a data directory. */
async function makeSpillDirectory(temporaryDirectory: string): Promise<string> {
  await mkdir(temporaryDirectory, { recursive: true });
  const own = `lake-digest-${process.pid}-`;
  for (const name of await readdir(temporaryDirectory)) {
    if (!name.startsWith('lake-digest-') || name.startsWith(own)) continue;
    await rm(path.join(temporaryDirectory, name), { recursive: true, force: true });
  }
  return mkdtemp(path.join(temporaryDirectory, own));
}

const TYPED = typedNumbersSql('quantity', 'unitPrice');

/** Lines that have all that a line must have, typed as in `sales`. */
const LINES = `
  SELECT invoiceNo AS invoice_no, lineId AS line_id, stockCode AS stock_code, description,
    ${TYPED.quantity} AS quantity, invoiceDate AS invoice_date, ${TYPED.unitPrice} AS unit_price,
    customerId AS customer_id, country, ${TYPED.quantity} * ${TYPED.unitPrice} AS amount,
    receivedAt AS received_at, sequence, position
  FROM records
  WHERE invoiceNo IS NOT NULL AND lineId IS NOT NULL AND stockCode IS NOT NULL AND invoiceDate IS NOT NULL
    AND country IS NOT NULL AND receivedAt IS NOT NULL AND sequence IS NOT NULL AND position IS NOT NULL
    AND source IS NOT NULL AND ${usableNumbersSql('quantity', 'unitPrice')}`;

// The hash is taken first, so that what is sorted by version, and spilled, is narrow.
const NEWEST = `
  SELECT invoice_no, day, amount, line_hash
  FROM (SELECT invoice_no, line_id, received_at, sequence, position, ${DIGEST_COLUMNS} FROM lines)
  QUALIFY row_number() OVER (
    PARTITION BY invoice_no, line_id ORDER BY received_at DESC, sequence DESC, position DESC) = 1`;

async function digest(connection: DuckDBConnection, options: LakeDigestOptions, spill: string): Promise<LakeDigest> {
  const { directory, excluded = [], upTo } = options;
  const files = [path.join(asPattern(path.join(directory, 'raw')), '**', '*.ndjson.gz')];
  const matched = await connection.runAndReadAll(`SELECT 1 FROM glob(${sqlText(files[0] ?? '')}) LIMIT 1`);
  if (matched.currentRowCount === 0) files.pop();
  const added = await writeAdded(options, spill);
  if (added !== null) files.push(asPattern(added));
  if (files.length === 0) return { days: [], lines: 0, invoices: 0 };

  await connection.run(
    `CREATE TABLE excluded AS SELECT unnest([${excluded.map(sqlText).join()}]::VARCHAR[]) AS sequence`,
  );
  await connection.run(`
    CREATE TABLE newest AS
    WITH records AS (
      SELECT * FROM ${readLinesSql(`[${files.map(sqlText).join()}]`, { strict: false })}
      WHERE sequence NOT IN (SELECT sequence FROM excluded)${upTo === undefined ? '' : ` AND sequence <= ${sqlText(upTo)}`}
    ), lines AS (${LINES})
    ${NEWEST}`);
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

/** A path that means itself where DuckDB takes patterns. */
function asPattern(file: string): string {
  return file.replace(/[[*?]/g, '[$&]');
}
