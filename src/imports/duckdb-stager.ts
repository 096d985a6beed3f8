// Turns slices of a file into parts of the lake: read, cast, numbered and written by a DuckDB of its own, in memory.
//
// Slices come one after the other, in the order of the file. What is carried from one to the next is how many lines every
// invoice has had, so that numbers are right wherever an invoice's lines stand. Memory: a slice, and that table, which spills.
import { rmSync } from 'node:fs';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { lineLimits } from '../model/line.ts';
import { isInputFailure, storeError } from '../stores/warehouse/duckdb-failure.ts';
import { sqlText } from '../stores/warehouse/duckdb-session.ts';
import { linesSql, type RawRows } from './duckdb-line-sql.ts';
import { rawRows } from './duckdb-raw-rows.ts';
import { isNumbered, type Reading } from './import.ts';
import type { Judged, Numbers, PartTarget, ReadSlice, Slice, StagedPart, Stager, UnreadRow } from './stager.ts';

export interface StagerOptions {
  /** For what does not fit into memory; made, and removed by close(). */
  readonly spillDirectory: string;
  readonly memoryLimitMb: number;
  /** Parquet files `invoice_no, lines`: invoices whose numbers go on behind those. */
  readonly continued: readonly string[];
}

const FAILURE = 'The lines of the import cannot be staged';
const NO_NUMBERS: Numbers = new Map();

/** Judged lines, as a table of lines has them. */
const JUDGED_COLUMNS = `{row: 'BIGINT', invoice_no: 'VARCHAR', line_id: 'VARCHAR', stock_code: 'VARCHAR',
  description: 'VARCHAR', quantity: 'INTEGER', invoice_date: 'TIMESTAMP', unit_price: 'DECIMAL(18, 4)',
  customer_id: 'VARCHAR', country: 'VARCHAR', extra: 'VARCHAR'}`;

/** One line of a judged file is at most a record. */
const LINE_BYTES_MAX = 1_000_000;

/**
 * The rows that count in their invoices: lines, and what was rejected of a known invoice, which keeps its number. The invoice of
 * a rejected row that does not say it is taken from the rows around it, where those are of one; at the end of a slice from the row
 * above, because what comes below is not known yet, and at the beginning of the files from the row below.
 * @param before invoice of the last row of the slice before
 */
function countedSql(staged: string, { lines, rejected }: Judged, before: string | null): string {
  const values = rejected.map(({ row, invoiceNo }) => `(${row}, ${invoiceNo === null ? 'NULL' : sqlText(invoiceNo)})`);
  const judged =
    lines === null
      ? ''
      : `UNION ALL BY NAME SELECT *, true AS ok FROM read_json(${sqlText(lines)}, format = 'newline_delimited',
          maximum_object_size = ${LINE_BYTES_MAX}, columns = ${JUDGED_COLUMNS})`;
  const refused =
    values.length === 0
      ? ''
      : `UNION ALL BY NAME SELECT row::BIGINT AS row, invoice_no::VARCHAR AS invoice_no, false AS ok
         FROM (VALUES ${values.join(', ')}) AS refused(row, invoice_no)`;
  return `
    CREATE OR REPLACE TEMP TABLE counted AS
    SELECT * REPLACE (CASE WHEN invoice_no IS NOT NULL OR ok THEN invoice_no
      WHEN coalesce(above, below) = coalesce(below, above) THEN coalesce(above, below) END AS invoice_no)
    FROM (
      SELECT *, coalesce(last_value(invoice_no IGNORE NULLS) OVER (ORDER BY row ROWS UNBOUNDED PRECEDING),
          ${before === null ? 'NULL' : sqlText(before)}) AS above,
        first_value(invoice_no IGNORE NULLS) OVER (ORDER BY row ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS below
      FROM (SELECT rowid AS row, * FROM ${staged} WHERE ok ${judged} ${refused})
    )
    ORDER BY row`;
}

/** Every row of `counted` with its place, that of the run of its invoice, and its number in the invoice. */
function placedSql(counted: Counted): string {
  return `
    SELECT placed.*, place - placed.first + 1 + runs.before AS number
    FROM (
      SELECT *, max(CASE WHEN place = 0 OR above_no IS DISTINCT FROM invoice_no THEN place END)
        OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS first
      FROM (SELECT ${counted.row} AS row, * ${counted.row === 'row' ? 'EXCLUDE (row)' : ''}, rowid AS place,
          lag(invoice_no) OVER () AS above_no FROM ${counted.table})
    ) AS placed
    JOIN runs ON runs.first = placed.first`;
}

/** The table that holds them, and what its rows say of their place in the slice. */
interface Counted {
  readonly table: string;
  readonly row: 'rowid' | 'row';
}

/** Where each run of rows of one invoice starts, how many there are, and how many the invoice had before. */
function runsSql({ table }: Counted): string {
  return `
    CREATE OR REPLACE TEMP TABLE runs AS
    SELECT runs.invoice_no, first, length,
      coalesce(counts.rows, 0) + sum(length) OVER (PARTITION BY runs.invoice_no ORDER BY first) - length AS before
    FROM (
      SELECT invoice_no, first, lead(first, 1, (SELECT count(*) FROM ${table})) OVER (ORDER BY first) - first AS length
      FROM (SELECT invoice_no, rowid AS first, lag(invoice_no) OVER () AS above_no FROM ${table})
      WHERE first = 0 OR above_no IS DISTINCT FROM invoice_no
    ) AS runs
    LEFT JOIN counts ON counts.invoice_no = runs.invoice_no`;
}

const COUNT = `
MERGE INTO counts AS old
USING (SELECT invoice_no, sum(length) AS rows FROM runs WHERE invoice_no IS NOT NULL GROUP BY ALL) AS new
ON old.invoice_no = new.invoice_no
WHEN MATCHED THEN UPDATE SET rows = old.rows + new.rows
WHEN NOT MATCHED THEN INSERT BY NAME`;

const LAST_INVOICE = 'SELECT arg_max(invoice_no, first) FROM runs WHERE invoice_no IS NOT NULL';

const NUMBER_MAX = lineLimits.linesPerInvoiceMax;
/** As the door pads numbers; more than six digits are never needed. */
const NUMBERED = "lpad(CAST(number AS VARCHAR), 6, '0')";

/** Lines of an invoice stand together in a part, by rising lineId, and every identity once. */
function copySql(counted: Counted, hasLineIds: boolean, isTogether: boolean, target: PartTarget): string {
  const { file, receivedAt, sequence, source } = target;
  return `
    COPY (
      SELECT invoice_no, ${hasLineIds ? 'line_id' : `${NUMBERED} AS line_id`}, stock_code, description, quantity,
        CAST(invoice_date AS TIMESTAMP) AS invoice_date, unit_price, customer_id, country,
        CAST(quantity * unit_price AS DECIMAL(18, 4)) AS amount,
        CAST(${receivedAt} AS BIGINT) AS received_at, ${sqlText(sequence)} AS "sequence", row AS "position",
        ${sqlText(source)} AS "source", extra
      FROM (${placedSql(counted)})
      WHERE ok AND number <= ${NUMBER_MAX}
      ${hasLineIds ? 'QUALIFY row_number() OVER (PARTITION BY invoice_no, line_id ORDER BY row DESC) = 1' : ''}
      ${hasLineIds || !isTogether ? 'ORDER BY invoice_no, line_id' : ''}
    ) TO ${sqlText(file)} (FORMAT parquet, COMPRESSION snappy)`;
}

/** One slice is read while the one before is written: each has a table of its own. */
const LANES = 2;

export class DuckDbStager implements Stager {
  readonly #instance: DuckDBInstance;
  readonly #reads: DuckDBConnection;
  readonly #writes: DuckDBConnection;
  readonly #options: StagerOptions;
  #slices = 0;
  /** Rows that are in no part. */
  #hasRejects = false;
  /** Invoice of the last row that was written. */
  #lastInvoiceNo: string | null = null;

  static async open(options: StagerOptions): Promise<DuckDbStager> {
    // One thread for each connection: a slice is read by one, and written by the other.
    const instance = await DuckDBInstance.create(':memory:', {
      threads: '1',
      memory_limit: `${options.memoryLimitMb}MiB`,
      temp_directory: options.spillDirectory,
      errors_as_json: 'true',
      enable_external_file_cache: 'false',
    });
    const stager = new DuckDbStager(instance, await instance.connect(), await instance.connect(), options);
    await stager.#begin();
    return stager;
  }

  private constructor(
    instance: DuckDBInstance,
    reads: DuckDBConnection,
    writes: DuckDBConnection,
    options: StagerOptions,
  ) {
    this.#instance = instance;
    this.#reads = reads;
    this.#writes = writes;
    this.#options = options;
  }

  async #begin(): Promise<void> {
    await this.#writes.run('CREATE TABLE counts (invoice_no VARCHAR, rows BIGINT)');
    const { continued } = this.#options;
    if (continued.length === 0) return;
    const files = `[${continued.map(sqlText).join(', ')}]`;
    await this.#writes.run(
      `INSERT INTO counts SELECT invoice_no, max(lines) FROM read_parquet(${files}) GROUP BY invoice_no`,
    );
  }

  async read(slice: Slice, reading: Reading): Promise<ReadSlice | null> {
    const raw = rawRows(slice, reading);
    const table = `staged_${this.#slices % LANES}`;
    try {
      await this.#reads.run(`CREATE OR REPLACE TABLE ${table} AS ${linesSql(raw, reading)}`);
      const [rows, unread] = await rowOf(this.#reads, `SELECT count(*), count(*) FILTER (NOT ok) FROM ${table}`);
      this.#slices += 1;
      return {
        rows: Number(rows),
        unread: Number(unread),
        unreadRows: () => this.#unreadRows(table, raw),
        write: (judged, target) => this.#write(table, judged, isNumbered(reading), target),
      };
    } catch (error) {
      if (isInputFailure(error)) return null;
      throw storeError(error, FAILURE);
    }
  }

  async *#unreadRows(table: string, { from, columns, whole = columns }: RawRows): AsyncGenerator<UnreadRow[]> {
    try {
      const result = await this.#reads.stream(`
        SELECT row, ${whole.join(', ')}
        FROM (SELECT row_number() OVER () - 1 AS row, * FROM ${from})
        WHERE row IN (SELECT rowid FROM ${table} WHERE NOT ok)`);
      for (;;) {
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) return;
        yield chunk.getRows().map(([row, ...texts]) => ({ row: Number(row), texts: texts as (string | null)[] }));
      }
    } catch (error) {
      throw storeError(error, FAILURE);
    }
  }

  async #write(table: string, judged: Judged | null, hasLineIds: boolean, target: PartTarget): Promise<StagedPart> {
    const connection = this.#writes;
    const counted: Counted = judged === null ? { table, row: 'rowid' } : { table: 'counted', row: 'row' };
    try {
      if (judged !== null) await connection.run(countedSql(table, judged, this.#lastInvoiceNo));
      await connection.run(runsSql(counted));
      const [runs, invoices, longest] = await rowOf(
        connection,
        'SELECT count(*), count(DISTINCT invoice_no), coalesce(max(before + length), 0) FROM runs',
      );
      await connection.run(copySql(counted, hasLineIds, runs === invoices, target));
      const numbers = judged === null ? NO_NUMBERS : await this.#numbers(counted, 'NOT ok AND invoice_no IS NOT NULL');
      const tooMany = longest > NUMBER_MAX ? await this.#numbers(counted, `ok AND number > ${NUMBER_MAX}`) : NO_NUMBERS;
      await connection.run(COUNT);
      const last = await connection.runAndReadAll(LAST_INVOICE);
      this.#lastInvoiceNo = (last.getRows()[0]?.[0] as string | undefined) ?? this.#lastInvoiceNo;
      const [lines, revenueE4] = await rowOf(
        connection,
        `SELECT count(*), coalesce(CAST(sum(amount) * 10000 AS HUGEINT), 0) FROM read_parquet(${sqlText(target.file)})`,
      );
      const [rows, certainDates] = await rowOf(
        connection,
        `SELECT count(*) FILTER (ok), count(*) FILTER (ok AND day(invoice_date) > 12) FROM ${counted.table}`,
      );
      const superseded = Number(rows) - tooMany.size - Number(lines);
      this.#hasRejects ||= tooMany.size > 0 || (judged !== null && judged.rejected.length > 0);
      return { lines: Number(lines), revenueE4, superseded, numbers, tooMany, certainDates: Number(certainDates) };
    } catch (error) {
      throw storeError(error, FAILURE);
    }
  }

  async #numbers(counted: Counted, where: string): Promise<Numbers> {
    const reader = await this.#writes.runAndReadAll(
      `SELECT row, invoice_no, number FROM (${placedSql(counted)}) WHERE ${where}`,
    );
    return new Map(
      reader
        .getRows()
        .map(([row, invoiceNo, number]) => [Number(row), { invoiceNo: String(invoiceNo), number: Number(number) }]),
    );
  }

  async invoices(parts: readonly string[]): Promise<number> {
    if (parts.length === 0) return 0;
    try {
      // What is carried counts those too whose rows were all rejected.
      const from = this.#hasRejects ? `read_parquet([${parts.map(sqlText).join()}])` : 'counts';
      return Number((await rowOf(this.#writes, `SELECT count(DISTINCT invoice_no) FROM ${from}`))[0]);
    } catch (error) {
      throw storeError(error, FAILURE);
    }
  }

  async superseded(parts: readonly string[]): Promise<{ lines: number; revenueE4: bigint }> {
    try {
      const [lines, revenueE4] = await rowOf(
        this.#writes,
        `SELECT coalesce(sum(lines - 1), 0), coalesce(CAST(sum(total - kept) * 10000 AS HUGEINT), 0)
        FROM (
          SELECT count(*) AS lines, sum(amount) AS total, arg_max(amount, "sequence") AS kept
          FROM read_parquet([${parts.map(sqlText).join()}]) GROUP BY invoice_no, line_id HAVING count(*) > 1
        )`,
      );
      return { lines: Number(lines), revenueE4 };
    } catch (error) {
      throw storeError(error, FAILURE);
    }
  }

  close(): void {
    this.#reads.closeSync();
    this.#writes.closeSync();
    this.#instance.closeSync();
    rmSync(this.#options.spillDirectory, { recursive: true, force: true });
  }
}

async function rowOf(connection: DuckDBConnection, sql: string): Promise<[bigint, bigint, bigint]> {
  const reader = await connection.runAndReadAll(sql);
  const [a = 0, b = 0, c = 0] = reader.getRows()[0] ?? [];
  return [BigInt(String(a)), BigInt(String(b)), BigInt(String(c))];
}
