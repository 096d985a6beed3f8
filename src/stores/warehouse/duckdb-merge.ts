// The newest version of every line stands in `sales`, whatever comes twice or late: for batches of the stream, for parts of imports,
// and for what a rebuild reads.
//
// A line that is replaced is deleted and inserted: of texts that UPDATE (or MERGE) has changed, DuckDB 1.5 keeps memory until the file
// is closed, some 70 bytes a row (docs/decisions/005).
import type { DuckDBConnection } from '@duckdb/node-api';

/** Columns of `sales` that follow from invoice_no. */
export const DERIVED = `starts_with(invoice_no, 'C') AS is_cancellation,
    regexp_matches(invoice_no, '^[A-BD-Za-z]') AS is_adjustment,
    coalesce(try_cast(right(regexp_replace(invoice_no, '[^0-9]', '', 'g'), 18) AS BIGINT), 0) AS invoice_digits`;

/**
 * `invoice_digits` is redundant; by it DuckDB skips the row groups (of 122,880 rows) that hold no such invoice. By invoice_no it
 * skips none: every group has cancellations, so every group reaches from '5…' to 'C…'. 300 lines into 5 million: 12 ms, without
 * it 60.
 */
export const SAME_LINE =
  'old.invoice_no = new.invoice_no AND old.line_id = new.line_id AND old.invoice_digits = new.invoice_digits';

/** Compared as compareVersions() does. */
export const NEWER = '(new.received_at, new.sequence, new.position) > (old.received_at, old.sequence, old.position)';

/** Of lines of which one may come twice, each in its newest version. @param lines SQL of a relation */
export function newestOf(lines: string): string {
  return `
    SELECT * FROM (${lines})
    QUALIFY row_number() OVER (
      PARTITION BY invoice_no, line_id ORDER BY received_at DESC, sequence DESC, position DESC) = 1`;
}

/**
 * For within a transaction.
 * @param lines SQL of a relation with the columns of `sales`, every identity once
 */
export async function mergeLines(connection: DuckDBConnection, lines: string): Promise<void> {
  await connection.run(`
    CREATE OR REPLACE TEMP TABLE known AS
    SELECT new.invoice_no, new.line_id, new.invoice_digits, ${NEWER} AS is_newer
    FROM sales AS old JOIN (${lines}) AS new ON ${SAME_LINE}`);
  const counted = await connection.runAndReadAll(
    'SELECT count(*) FILTER (is_newer), count(*) FILTER (NOT is_newer) FROM known',
  );
  const [replaced, staying] = (counted.getRows()[0] ?? []).map(Number);
  if (replaced) {
    await connection.run(
      `DELETE FROM sales AS old USING (SELECT * FROM known WHERE is_newer) AS new WHERE ${SAME_LINE}`,
    );
  }
  const without = staying ? 'ANTI JOIN (SELECT * FROM known WHERE NOT is_newer) USING (invoice_no, line_id)' : '';
  await connection.run(`INSERT INTO sales BY NAME SELECT * FROM (${lines}) ${without}`);
}
