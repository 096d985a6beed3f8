// The lines of a lake as SQL, typed as in `sales`, from both forms that it has them in: raw objects (gzipped NDJSON), and parts
// of imports (Parquet). And a DuckDB to read them with, which keeps nothing and spills what goes beyond its memory.
//
// A raw line that cannot be read counts for nothing: no store can have taken it. A part that cannot be read is damaged: its
// import has committed it.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { messageOf } from '../../model/errors.ts';
import { storeError } from '../warehouse/duckdb-failure.ts';
import { readLinesSql, typedNumbersSql, usableNumbersSql } from '../warehouse/duckdb-lines.ts';
import { sqlText } from '../warehouse/duckdb-session.ts';
import { endedBy } from '../warehouse/duckdb-time-limit.ts';
import { committedImports, lakeDamaged } from './import-parts.ts';

export interface LakeFiles {
  /** Raw objects: paths, or patterns of DuckDB's. */
  readonly raw: readonly string[];
  /** Parts of imports, as paths. */
  readonly parts: readonly string[];
}

/** Which records of raw objects count; left out: all do. Parts are not asked. */
export interface RawSelection {
  /** A table of the connection with a column `sequence`: these do not. */
  readonly excluded?: string;
  /** The last one that does. */
  readonly upTo?: string;
}

const TYPED = typedNumbersSql('quantity', 'unitPrice');

/** What a part has under the same names. */
const PART_COLUMNS = `invoice_no, line_id, stock_code, description, quantity, invoice_date, unit_price, customer_id, country,
  amount, received_at, sequence, position, source`;

/** Raw lines that have all that a line must have. */
const RAW_LINES = `
  SELECT invoiceNo AS invoice_no, lineId AS line_id, stockCode AS stock_code, description,
    ${TYPED.quantity} AS quantity, invoiceDate AS invoice_date, ${TYPED.unitPrice} AS unit_price,
    customerId AS customer_id, country, CAST(${TYPED.quantity} * ${TYPED.unitPrice} AS DECIMAL(18, 4)) AS amount,
    receivedAt AS received_at, sequence, position, source
  FROM records
  WHERE invoiceNo IS NOT NULL AND lineId IS NOT NULL AND stockCode IS NOT NULL AND invoiceDate IS NOT NULL
    AND country IS NOT NULL AND receivedAt IS NOT NULL AND sequence IS NOT NULL AND position IS NOT NULL
    AND source IS NOT NULL AND ${usableNumbersSql('quantity', 'unitPrice')}`;

/** Every version of every line, in PART_COLUMNS; a SELECT. At least one file is needed. */
export function lakeLinesSql({ raw, parts }: LakeFiles, { excluded, upTo }: RawSelection = {}): string {
  const selects: string[] = [];
  if (raw.length > 0) {
    const conditions = [
      ...(excluded === undefined ? [] : [`sequence NOT IN (SELECT sequence FROM ${excluded})`]),
      ...(upTo === undefined ? [] : [`sequence <= ${sqlText(upTo)}`]),
    ];
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    selects.push(`
      WITH records AS (SELECT * FROM ${readLinesSql(listSql(raw), { strict: false })} ${where}) ${RAW_LINES}`);
  }
  if (parts.length > 0) selects.push(`SELECT ${PART_COLUMNS} FROM read_parquet(${listSql(parts.map(asPattern))})`);
  return selects.map((select) => `(${select})`).join(' UNION ALL ');
}

/** At the end of a SELECT over lines: of every identity its newest version. */
export const NEWEST_ONLY = `QUALIFY row_number() OVER (
    PARTITION BY invoice_no, line_id ORDER BY received_at DESC, sequence DESC, position DESC) = 1`;

/**
 * All parts that count.
 * @param manifests where the manifests are, when not in the lake itself
 * @throws lake_damaged  one is missing
 */
export async function committedParts(lake: string, manifests = lake): Promise<string[]> {
  const files: string[] = [];
  for (const { parts } of await committedImports(manifests)) {
    for (const part of parts) {
      const file = path.join(lake, part);
      if (!existsSync(file)) throw lakeDamaged(`${part} of the lake is missing`);
      files.push(file);
    }
  }
  return files;
}

export interface LakeReading {
  /** A name for the directory that is spilled to, and what else is put there. */
  readonly name: string;
  /** Where to make it; it is removed at the end. Of one process at a time. */
  readonly temporaryDirectory: string;
  readonly memoryLimitMb?: number | undefined;
  readonly threads?: number | undefined;
  /** Aborted when nobody wants it any more: it fails soon after. */
  readonly signal?: AbortSignal | undefined;
}

const MEMORY_LIMIT_MB = 256;

/** @throws unavailable  the lake cannot be read now; and what `work` throws */
export async function readingLake<T>(
  { name, temporaryDirectory, memoryLimitMb = MEMORY_LIMIT_MB, threads = 1, signal }: LakeReading,
  work: (connection: DuckDBConnection, spillDirectory: string) => Promise<T>,
): Promise<T> {
  const spillDirectory = await makeSpillDirectory(name, temporaryDirectory);
  try {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(threads),
      memory_limit: `${memoryLimitMb}MiB`,
      temp_directory: spillDirectory,
      errors_as_json: 'true',
      preserve_insertion_order: 'false',
      enable_external_file_cache: 'false',
    });
    const connection = await instance.connect();
    try {
      return await endedBy(signal, connection, () => work(connection, spillDirectory));
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
async function makeSpillDirectory(name: string, temporaryDirectory: string): Promise<string> {
  await mkdir(temporaryDirectory, { recursive: true });
  const own = `${name}-${process.pid}-`;
  for (const found of await readdir(temporaryDirectory)) {
    if (!found.startsWith(`${name}-`) || found.startsWith(own)) continue;
    await rm(path.join(temporaryDirectory, found), { recursive: true, force: true });
  }
  return mkdtemp(path.join(temporaryDirectory, own));
}

/**
 * What a reading of parts failed with, or that one of them is damaged, and which: DuckDB does not always say it. Reads them
 * anew, one by one.
 */
export async function partFailure(
  connection: DuckDBConnection,
  error: unknown,
  parts: readonly string[],
): Promise<unknown> {
  const known = storeError(error, '');
  if ('code' in known) return error; // the machine's, not the file's
  for (const part of parts) {
    try {
      await connection.run(
        `SELECT max(hash(COLUMNS(*))) FROM (SELECT ${PART_COLUMNS} FROM read_parquet(${sqlText(asPattern(part))}))`,
      );
    } catch (cause) {
      const name = part.split(path.sep).slice(-3).join('/');
      return lakeDamaged(`${name} of the lake cannot be read`, new Error(`${part}: ${messageOf(cause)}`, { cause }));
    }
  }
  return error;
}

/** A path that means itself where DuckDB takes patterns. */
export function asPattern(file: string): string {
  return file.replace(/[[*?]/g, '[$&]');
}

function listSql(files: readonly string[]): string {
  return `[${files.map(sqlText).join()}]`;
}
