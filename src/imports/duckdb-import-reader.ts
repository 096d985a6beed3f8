// What the import thread reads with a DuckDB of its own: what a Parquet file has, the lines of a part.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { TillstreamError } from '../model/errors.ts';
import type { LineColumns } from '../stores/orders/order-store.ts';
import { isInputFailure, storeError } from '../stores/warehouse/duckdb-failure.ts';
import { sqlText } from '../stores/warehouse/duckdb-session.ts';
import { readColumns } from './duckdb-part-columns.ts';
import type { LineTotals } from './worker.ts';

const MEMORY_LIMIT_MB = 96;

/** DuckDB's own, of Parquet. */
const ROW_NUMBER = 'file_row_number';

export class ImportReader {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #spillDirectory: string;

  static async open(spillDirectory: string): Promise<ImportReader> {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: '1',
      memory_limit: `${MEMORY_LIMIT_MB}MiB`,
      temp_directory: spillDirectory,
      errors_as_json: 'true',
      enable_external_file_cache: 'false',
    });
    return new ImportReader(instance, await instance.connect(), spillDirectory);
  }

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, spillDirectory: string) {
    this.#instance = instance;
    this.#connection = connection;
    this.#spillDirectory = spillDirectory;
  }

  /** The lines of a part: some 100 bytes each. @throws unavailable */
  columns(part: string): Promise<LineColumns> {
    return reading(path.basename(part), () => readColumns(this.#connection, `read_parquet(${sqlText(part)})`));
  }

  /** Names of its columns, in order. @param name for messages. @throws not_a_csv, unavailable */
  async parquetColumns(file: string, name: string): Promise<string[]> {
    return reading(name, async () => {
      const described = await this.#connection.runAndReadAll(`DESCRIBE SELECT * FROM read_parquet(${sqlText(file)})`);
      const names = described.getRows().map(([column]) => String(column));
      if (names.includes(ROW_NUMBER)) {
        const message = `${name} has a column ${ROW_NUMBER}, the name under which rows of Parquet are counted.`;
        throw new TillstreamError('not_a_csv', message, { hint: 'Write the file with another name for it.' });
      }
      return names;
    });
  }

  /** @param name for messages. @throws not_a_csv, unavailable */
  async parquetRows(file: string, name: string): Promise<number> {
    return reading(name, async () => {
      const counted = await this.#connection.runAndReadAll(`SELECT count(*) FROM read_parquet(${sqlText(file)})`);
      return Number(counted.getRows()[0]?.[0]);
    });
  }

  /** @throws unavailable */
  async totals(parts: readonly string[], hasAgain: boolean): Promise<LineTotals> {
    return reading('What was loaded', async () => {
      const found = await this.#connection.runAndReadAll(`
        SELECT count(*), count(DISTINCT invoice_no), coalesce(CAST(sum(amount) * 10000 AS HUGEINT), 0)
        FROM (
          SELECT invoice_no, amount FROM read_parquet([${parts.map(sqlText).join()}])
          ${hasAgain ? 'QUALIFY row_number() OVER (PARTITION BY invoice_no, line_id ORDER BY "sequence" DESC) = 1' : ''}
        )`);
      const [lines, invoices, revenueE4] = found.getRows()[0] ?? [];
      return { lines: Number(lines), invoices: Number(invoices), revenueE4: BigInt(String(revenueE4)) };
    });
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
    rmSync(this.#spillDirectory, { recursive: true, force: true });
  }
}

/** @param name of the file, for messages */
async function reading<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!isInputFailure(cause)) throw storeError(cause, `${name} cannot be read`);
    throw new TillstreamError('not_a_csv', `${name} is damaged.`, { cause });
  }
}
