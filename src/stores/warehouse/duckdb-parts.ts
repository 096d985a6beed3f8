// Parts of imports (Parquet, as duckdb-stager.ts writes them) on their way into `sales`.
//
// A part comes in as a link in the load directory: no other place can be read from here. Its rows and nothing else are one
// transaction. Identities are unique within a part.
import { copyFileSync, linkSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { lineLimits } from '../../model/line.ts';
import { storeError } from './duckdb-failure.ts';
import { DERIVED, mergeLines, NEWER, SAME_LINE } from './duckdb-merge.ts';
import { sqlText } from './duckdb-session.ts';
import type { PartConflicts } from './warehouse.ts';

function linesSql(file: string): string {
  return `
    SELECT invoice_no, line_id, stock_code, description, quantity, invoice_date, unit_price, customer_id, country, amount,
      make_timestamp(received_at) AS received_at, "sequence", "position", "source", ${DERIVED}
    FROM read_parquet(${sqlText(file)})`;
}

/** Resolves when the rows are on disk. Loaded again, nothing changes. @throws unavailable */
export async function loadPart(connection: DuckDBConnection, part: string, loadDirectory: string): Promise<void> {
  await withLink(part, loadDirectory, async (file) => {
    await connection.run('BEGIN TRANSACTION');
    try {
      await mergeLines(connection, linesSql(file));
      await connection.run('COMMIT');
    } catch (error) {
      await connection.run('ROLLBACK').catch(() => {}); // A commit that failed has ended it already.
      throw error;
    }
  });
}

/** What a line says of its fields, as people call them. */
const FIELDS = [
  ['StockCode', 'stock_code'],
  ['Description', 'description'],
  ['Quantity', 'quantity'],
  ['InvoiceDate', 'invoice_date'],
  ['UnitPrice', 'unit_price'],
  ['CustomerID', 'customer_id'],
  ['Country', 'country'],
] as const;

const DIFFERS = FIELDS.map(([, column]) => `old.${column} IS DISTINCT FROM new.${column}`).join(' OR ');

/** A price without the noughts that its type adds. */
function textOf(column: string): string {
  const text = `CAST(${column} AS VARCHAR)`;
  return column.endsWith('unit_price') ? `rtrim(rtrim(${text}, '0'), '.')` : text;
}

/** Of the fields that differ, what one side says. */
function differing(side: 'old' | 'new'): string {
  const texts = FIELDS.map(
    ([name, column]) =>
      `CASE WHEN old.${column} IS DISTINCT FROM new.${column}
        THEN concat('${name} ', coalesce(${textOf(`${side}.${column}`)}, 'none')) END`,
  );
  return `concat_ws(', ', ${texts.join(', ')})`;
}

/**
 * Lines of other sources that the part would change, as `sales` is now.
 * @param continuedTo Parquet that is made there: the invoices of those lines, and the highest number of any of their lines
 */
export async function findConflicts(
  connection: DuckDBConnection,
  part: string,
  { examplesMax, continuedTo, loadDirectory }: { examplesMax: number; continuedTo: string; loadDirectory: string },
): Promise<PartConflicts> {
  return withLink(part, loadDirectory, async (file) => {
    await connection.run(`
      CREATE OR REPLACE TEMP TABLE conflicts AS
      SELECT new.invoice_no, new.line_id, old.source, ${differing('old')} AS now, ${differing('new')} AS "then"
      FROM sales AS old JOIN (${linesSql(file)}) AS new ON ${SAME_LINE}
      WHERE old.source <> new.source AND ${NEWER} AND (${DIFFERS})`);
    const tooLarge = await tooLargeInvoice(connection, file);
    const counts = await connection.runAndReadAll('SELECT count(*), count(DISTINCT invoice_no) FROM conflicts');
    const [lines, invoices] = (counts.getRows()[0] ?? []).map(Number);
    if (!lines) return { lines: 0, invoices: 0, tooLarge, examples: [] };
    const examples = await connection.runAndReadAll(
      `SELECT invoice_no, line_id, source, now, "then" FROM conflicts ORDER BY invoice_no, line_id LIMIT ${examplesMax}`,
    );
    const continued = path.join(loadDirectory, 'continued.parquet');
    await connection.run(`
      COPY (
        SELECT invoice_no, max(try_cast(line_id AS BIGINT)) AS lines
        FROM sales WHERE invoice_no IN (SELECT invoice_no FROM conflicts) GROUP BY invoice_no
      ) TO ${sqlText(continued)} (FORMAT parquet)`);
    move(continued, continuedTo);
    await connection.run('DROP TABLE conflicts');
    return {
      lines,
      invoices: invoices ?? 0,
      tooLarge,
      examples: examples.getRows().map((row) => {
        const [invoiceNo = '', lineId = '', source = '', now = '', then = ''] = row.map(String);
        return { invoiceNo, lineId, source, now, then };
      }),
    };
  });
}

/** Of lines that are there and lines that come, each counted once. */
async function tooLargeInvoice(connection: DuckDBConnection, file: string): Promise<string | null> {
  const found = await connection.runAndReadAll(`
    WITH new AS (${linesSql(file)}),
    large AS (
      SELECT new.invoice_no
      FROM (SELECT invoice_no, invoice_digits, count(*) AS lines FROM new GROUP BY ALL) AS new
      JOIN sales AS old ON old.invoice_no = new.invoice_no AND old.invoice_digits = new.invoice_digits
      GROUP BY new.invoice_no, new.lines
      HAVING count(*) + new.lines > ${lineLimits.linesPerInvoiceMax}
    )
    SELECT invoice_no
    FROM (
      SELECT invoice_no, line_id FROM sales WHERE invoice_no IN (SELECT invoice_no FROM large)
      UNION
      SELECT invoice_no, line_id FROM new WHERE invoice_no IN (SELECT invoice_no FROM large)
    )
    GROUP BY invoice_no
    HAVING count(*) > ${lineLimits.linesPerInvoiceMax}
    LIMIT 1`);
  const [row] = found.getRows();
  return row === undefined ? null : String(row[0]);
}

async function withLink<T>(part: string, loadDirectory: string, work: (file: string) => Promise<T>): Promise<T> {
  const file = path.join(loadDirectory, 'part.parquet');
  try {
    rmSync(file, { force: true });
    linkOrCopy(part, file);
    return await work(file);
  } catch (error) {
    throw storeError(error, 'The warehouse cannot take in a part of the import');
  } finally {
    rmSync(file, { force: true });
  }
}

/** On a file system of its own the lake is copied from; it is small beside what becomes of it. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    copyFileSync(from, to);
    rmSync(from);
  }
}
