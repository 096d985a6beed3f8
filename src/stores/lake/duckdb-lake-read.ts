// Lines of a lake as JavaScript has them, in batches: for a store that DuckDB cannot write.
import type { DuckDBConnection } from '@duckdb/node-api';
import type { AcceptedLine } from '../../model/line.ts';
import { NEWEST_ONLY } from './duckdb-lake-lines.ts';

/**
 * Of every identity the newest version, in order of invoice and line.
 * @param lines a SELECT of lakeLinesSql()
 * @param linesMax of a batch, more or less: DuckDB gives 2,048 at a time
 */
export async function* newestLines(
  connection: DuckDBConnection,
  lines: string,
  linesMax: number,
): AsyncGenerator<AcceptedLine[]> {
  const result = await connection.stream(`
    SELECT invoice_no, line_id, stock_code, description, quantity,
      strftime(invoice_date, '%Y-%m-%dT%H:%M:%S'), CAST(unit_price AS DOUBLE), customer_id, country,
      CAST(received_at AS DOUBLE), sequence, CAST(position AS DOUBLE), source
    FROM (SELECT * FROM (${lines}) ${NEWEST_ONLY})
    ORDER BY invoice_no, line_id`);
  let batch: AcceptedLine[] = [];
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    for (const row of chunk.getRows()) batch.push(lineOf(row));
    if (batch.length < linesMax) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function lineOf(row: readonly unknown[]): AcceptedLine {
  const text = (index: number): string => String(row[index]);
  const textOrNull = (index: number): string | null => (row[index] === null ? null : text(index));
  return {
    invoiceNo: text(0),
    lineId: text(1),
    stockCode: text(2),
    description: textOrNull(3),
    quantity: Number(row[4]),
    invoiceDate: text(5),
    unitPrice: Number(row[6]),
    customerId: textOrNull(7),
    country: text(8),
    receivedAt: Number(row[9]),
    sequence: text(10),
    position: Number(row[11]),
    source: text(12),
  };
}
