// What the import thread reads with a DuckDB of its own: what a Parquet file has, what a zstd file holds, the lines of a part.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { TillstreamError } from '../model/errors.ts';
import type { LineColumns } from '../stores/orders/order-store.ts';
import { isInputFailure, storeError } from '../stores/warehouse/duckdb-failure.ts';
import { sqlText } from '../stores/warehouse/duckdb-session.ts';
import { readColumns } from './duckdb-part-columns.ts';

const MEMORY_LIMIT_MB = 96;
/** A row longer than this is none; DuckDB takes twice as much for its buffer. */
const LINE_BYTES_MAX = 2 ** 22;

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
            escape = '', delim = '\x01', max_line_size = ${LINE_BYTES_MAX}, buffer_size = ${2 * LINE_BYTES_MAX}, parallel = false,
            strict_mode = false, columns = {line: 'VARCHAR'})
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
