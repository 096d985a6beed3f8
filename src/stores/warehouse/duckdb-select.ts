// One SELECT from outside, on a connection of its own: read-only, interrupted when its time is up, never held whole.
//
// A connection serves one query: a second one on it would end the first one's stream with what looks like its end.
import type { DuckDBConnection, DuckDBResult } from '@duckdb/node-api';
import { TillstreamError } from '../../model/errors.ts';
import { endsInstance, placeIn, readFailure, storeError } from './duckdb-failure.ts';
import { prepareSelect } from './duckdb-guard.ts';
import { withTimeLimit } from './duckdb-time-limit.ts';
import { sqlValueFrom } from './duckdb-values.ts';
import type { QueryAnswer, SelectLimits, SqlValue } from './warehouse.ts';

/** What an answer may take in memory, counted roughly, whatever `rowsMax` would allow. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

/**
 * Runs the SELECT and closes the connection.
 * @throws invalid_sql  with DuckDB's own words and position
 * @throws query_too_long
 * @throws unavailable  the warehouse failed, not the query
 */
export async function runSelect(connection: DuckDBConnection, sql: string, limits: SelectLimits): Promise<QueryAnswer> {
  try {
    return await withTimeLimit(
      connection,
      limits.timeoutMs,
      () => tooLong(limits),
      async (isLate) => {
        await connection.run('BEGIN TRANSACTION READ ONLY');
        const statement = await prepareSelect(connection, sql);
        try {
          return await readAnswer(connection, await statement.stream(), limits.rowsMax, isLate);
        } finally {
          statement.destroySync();
        }
      },
    );
  } catch (error) {
    throw selectError(error, sql);
  } finally {
    connection.closeSync();
  }
}

/** The first rows of a result, as many as an answer may have. */
export async function readAnswer(
  connection: DuckDBConnection,
  result: DuckDBResult,
  rowsMax: number,
  isLate: () => boolean,
): Promise<QueryAnswer> {
  const types = result.columnTypes();
  const columns = result.columnNames().map((name, index) => ({ name, type: String(types[index]) }));
  const rows: SqlValue[][] = [];
  let bytes = 0;
  let truncated = false;
  let ended = false;
  while (!truncated && !ended && !isLate()) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) ended = true;
    else {
      for (let row = 0; row < chunk.rowCount && !truncated; row++) {
        const values = chunk.convertRowValues(row, sqlValueFrom);
        bytes += sizeOf(values);
        if (rows.length === rowsMax || bytes > ANSWER_BYTES_MAX) truncated = true;
        else rows.push(values);
      }
    }
  }
  // A stream that is left before its end keeps the whole instance open until it is collected as garbage.
  if (!ended) {
    connection.interrupt();
    await result.fetchChunk().catch(() => null);
  }
  return { columns, rows, truncated };
}

/** Roughly, in bytes. */
function sizeOf(value: SqlValue): number {
  if (typeof value === 'string') return 24 + 2 * value.length;
  if (typeof value !== 'object' || value === null) return 16;
  let bytes = 32;
  for (const entry of Object.values(value)) bytes += sizeOf(entry);
  return bytes;
}

function tooLong(limits: SelectLimits): TillstreamError {
  return new TillstreamError('query_too_long', `The query did not end within ${limits.timeoutMs / 1000} s`, {
    hint: 'Narrow it by invoice_date, or ask one of the views.',
  });
}

/** Failures of the warehouse; all others are the query's own. */
const WAREHOUSE_FAILURES = new Set(['IO', 'FATAL', 'INTERNAL', 'INTERRUPT', 'Connection', 'unknown']);

function selectError(error: unknown, sql: string): Error {
  if (error instanceof TillstreamError) return error;
  const { kind, message, position } = readFailure(error);
  if (WAREHOUSE_FAILURES.has(kind) || endsInstance(error)) return storeError(error, 'The query cannot be run now');
  if (kind === 'Out of Memory') {
    return new TillstreamError('invalid_sql', 'The query needs more memory than a query may take', { cause: error });
  }
  const place = position === null ? '' : ` (${placeIn(sql, position)})`;
  return new TillstreamError('invalid_sql', `${kind} Error: ${message}${place}`, { cause: error });
}
