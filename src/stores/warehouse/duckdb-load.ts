// From records of the stream to rows of `sales`: a file, a staging table, and from there the newest versions.
//
// load() resolves once rows and checkpoint are on disk, in one transaction; until then nothing shows. JavaScript moves
// bytes and DuckDB reads them: parsing here and appending row by row takes ten times as long.
import { unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Checkpoint } from '../../model/checkpoint.ts';
import { TillstreamError } from '../../model/errors.ts';
import { loadError } from './duckdb-failure.ts';
import { addSequencedLines, readLinesSql, typedNumbersSql, usableNumbersSql } from './duckdb-lines.ts';
import { DERIVED, mergeLines, newestOf } from './duckdb-merge.ts';
import { sqlText } from './duckdb-session.ts';
import type { LoadRecord } from './warehouse.ts';

const TYPED = typedNumbersSql('quantity', 'unit_price');

// Numbers are staged as they were read, so that 1.5 pieces are refused and not rounded.
const CREATE_STAGING = `
CREATE TEMP TABLE IF NOT EXISTS staging (
  sequence VARCHAR NOT NULL, invoice_no VARCHAR NOT NULL, line_id VARCHAR NOT NULL, stock_code VARCHAR NOT NULL,
  description VARCHAR, quantity DOUBLE NOT NULL, invoice_date TIMESTAMP NOT NULL,
  unit_price DOUBLE NOT NULL, customer_id VARCHAR, country VARCHAR NOT NULL, received_at BIGINT NOT NULL,
  position BIGINT NOT NULL, source VARCHAR NOT NULL,
  CHECK (${usableNumbersSql('quantity', 'unit_price')})
)`;

const STAGED = newestOf(`
  SELECT invoice_no, line_id, stock_code, description, ${TYPED.quantity} AS quantity, invoice_date,
    ${TYPED.unitPrice} AS unit_price, customer_id, country,
    CAST(${TYPED.quantity} * ${TYPED.unitPrice} AS DECIMAL(18, 4)) AS amount,
    make_timestamp(received_at) AS received_at, sequence, position, source, ${DERIVED}
  FROM staging`);

/**
 * @throws unusable_record  a record is not what ingest writes; nothing is stored
 * @throws unavailable  nothing is stored
 */
export async function loadRecords(
  connection: DuckDBConnection,
  file: string,
  records: readonly LoadRecord[],
  checkpoint: Checkpoint | undefined,
): Promise<void> {
  const batch = records.length === 0 ? null : batchOf(records);
  let begun = false;
  try {
    // Synchronously: this thread has nothing else to do, and DuckDB may hold all of libuv's.
    if (batch !== null) writeFileSync(file, batch.data);
    await connection.run('BEGIN TRANSACTION');
    begun = true;
    if (batch !== null) await mergeFile(connection, file, batch.lines);
    if (checkpoint !== undefined) {
      await connection.run('UPDATE tillstream.checkpoint SET stream_id = $1, sequence = $2', [
        checkpoint.streamId,
        checkpoint.sequence,
      ]);
    }
    await connection.run('COMMIT');
  } catch (error) {
    if (begun) await connection.run('ROLLBACK').catch(() => {}); // A commit that failed has ended it already.
    throw loadError(error, nameOf(records));
  } finally {
    if (batch !== null) removeIfThere(file);
  }
}

async function mergeFile(connection: DuckDBConnection, file: string, lines: number): Promise<void> {
  await connection.run(CREATE_STAGING);
  await connection.run('TRUNCATE staging');
  const staged = await connection.run(`
    INSERT INTO staging
    SELECT sequence, invoiceNo, lineId, stockCode, description, quantity, invoiceDate, unitPrice, customerId, country,
      receivedAt, position, source
    FROM ${readLinesSql(sqlText(file), { strict: true })}`);
  if (staged.rowsChanged !== lines) {
    throw new TillstreamError('unusable_record', `${lines} lines were written, ${staged.rowsChanged} could be read`);
  }
  await mergeLines(connection, STAGED);
}

/** All records as one NDJSON. */
function batchOf(records: readonly LoadRecord[]): { readonly data: Buffer; readonly lines: number } {
  const parts: Buffer[] = [];
  let lines = 0;
  for (const record of records) {
    const added = addSequencedLines(record, parts);
    if (added <= 0) {
      const what = added === 0 ? 'is empty' : 'is not NDJSON: a line does not start with "{"';
      throw new TillstreamError('unusable_record', `Record ${record.sequence} ${what}`);
    }
    lines += added;
  }
  return { data: Buffer.concat(parts), lines };
}

function nameOf(records: readonly LoadRecord[]): string {
  const first = records[0]?.sequence;
  if (first === undefined) return 'The checkpoint cannot be stored';
  const last = records[records.length - 1]?.sequence;
  return first === last ? `Record ${first}` : `Records ${first} to ${last}`;
}

function removeIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // Never written. One that stays is removed on opening.
  }
}

export function batchPath(loadDirectory: string, number: number): string {
  return path.join(loadDirectory, `${number}.ndjson`);
}
