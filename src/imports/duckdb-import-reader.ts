// What the import thread reads with a DuckDB of its own: what a Parquet file has, what a zstd file holds, and the lines of a part in
// columns, for the order store: numbers as they are, texts by codes of the part's own dictionaries.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { type DuckDBConnection, DuckDBInstance, type DuckDBVector } from '@duckdb/node-api';
import { TillstreamError } from '../model/errors.ts';
import type { LineColumns, TextColumn } from '../stores/orders/order-store.ts';
import { isInputFailure, storeError } from '../stores/warehouse/duckdb-failure.ts';
import { sqlText } from '../stores/warehouse/duckdb-session.ts';

const TEXTS = [
  ['invoiceNo', 'invoice_no'],
  ['lineId', 'line_id'],
  ['stockCode', 'stock_code'],
  ['description', 'description'],
  ['customerId', 'customer_id'],
  ['country', 'country'],
  ['sequence', '"sequence"'],
  ['source', '"source"'],
] as const;

const NUMBERS = [
  ['quantity', 'CAST(quantity AS DOUBLE)'],
  ['date', "CAST(strftime(invoice_date, '%Y%m%d%H%M%S') AS DOUBLE)"],
  ['priceE4', 'CAST(unit_price * 10000 AS DOUBLE)'],
  ['receivedAt', 'CAST(received_at AS DOUBLE)'],
  ['position', 'CAST("position" AS DOUBLE)'],
] as const;

const MEMORY_LIMIT_MB = 96;
const LINE_BYTES_MAX = 2 ** 24;

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
    return reading(part, () => readColumns(this.#connection, `read_parquet(${sqlText(part)})`));
  }

  /** Names of its columns, in order. @throws not_a_csv, unavailable */
  async parquetColumns(file: string): Promise<string[]> {
    return reading(file, async () => {
      const described = await this.#connection.runAndReadAll(`DESCRIBE SELECT * FROM read_parquet(${sqlText(file)})`);
      return described.getRows().map(([name]) => String(name));
    });
  }

  /** @throws not_a_csv, unavailable */
  async parquetRows(file: string): Promise<number> {
    return reading(file, async () => {
      const counted = await this.#connection.runAndReadAll(`SELECT count(*) FROM read_parquet(${sqlText(file)})`);
      return Number(counted.getRows()[0]?.[0]);
    });
  }

  /** As text, line by line; Node 20 has no zstd. @throws not_a_csv, unavailable */
  async unpackZstd(file: string, to: string): Promise<void> {
    await reading(file, () =>
      this.#connection.run(`
        COPY (
          SELECT line FROM read_csv(${sqlText(file)}, compression = 'zstd', auto_detect = false, header = false, quote = '',
            escape = '', delim = '\x01', max_line_size = ${LINE_BYTES_MAX}, strict_mode = false, columns = {line: 'VARCHAR'})
        ) TO ${sqlText(to)} (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')`),
    );
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
    rmSync(this.#spillDirectory, { recursive: true, force: true });
  }
}

async function reading<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isInputFailure(error)) throw storeError(error, `${path.basename(file)} cannot be read`);
    throw new TillstreamError('not_a_csv', `${path.basename(file)} is damaged.`, { cause: error });
  }
}

async function readColumns(connection: DuckDBConnection, from: string): Promise<LineColumns> {
  const counted = await connection.runAndReadAll(`SELECT count(*) FROM ${from}`);
  const count = Number(counted.getRows()[0]?.[0]);
  const dictionaries: (string | null)[][] = [];
  for (const [name, column] of TEXTS) {
    await connection.run(`DROP TYPE IF EXISTS ${name}_texts`);
    await connection.run(
      `CREATE TEMP TYPE ${name}_texts AS ENUM (SELECT DISTINCT ${column} FROM ${from} WHERE ${column} IS NOT NULL)`,
    );
    const values = await connection.runAndReadAll(`SELECT unnest(enum_range(NULL::${name}_texts))::VARCHAR`);
    dictionaries.push([null, ...values.getRows().map(([value]) => String(value))]);
  }
  // Code 0 stands for none; those of DuckDB begin with 0.
  const codes = TEXTS.map(() => new Uint32Array(count));
  const numbers = NUMBERS.map(() => new Float64Array(count));
  const result = await connection.stream(`
    SELECT ${TEXTS.map(([name, column]) => `CAST(coalesce(enum_code(CAST(${column} AS ${name}_texts)) + 1, 0) AS UINTEGER)`).join()},
      ${NUMBERS.map(([, expression]) => expression).join()}
    FROM ${from}`);
  for (let at = 0; ; ) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    for (const [index, column] of [...codes, ...numbers].entries()) {
      copyItems(chunk.getColumnVector(index), column, at);
    }
    at += chunk.rowCount;
  }
  const texts = TEXTS.map(([name], index): [string, TextColumn] => [
    name,
    { codes: codes[index] ?? new Uint32Array(), values: dictionaries[index] ?? [] },
  ]);
  const columns = [...texts, ...NUMBERS.map(([name], index) => [name, numbers[index]] as const)];
  return { count, ...Object.fromEntries(columns) } as LineColumns;
}

/** The vector's memory is the column: no item becomes an object. */
function copyItems(vector: DuckDBVector, column: Uint32Array | Float64Array, at: number): void {
  const { items } = vector as DuckDBVector & { readonly items: Uint32Array & Float64Array };
  column.set(items, at);
}
