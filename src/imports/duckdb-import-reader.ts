// What the import thread reads with a DuckDB of its own: what a Parquet file has, what a zstd file holds, the lines of a part.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { TillstreamError } from '../model/errors.ts';
import type { LineColumns } from '../stores/orders/order-store.ts';
import { isInputFailure, storeError } from '../stores/warehouse/duckdb-failure.ts';
import { sqlText } from '../stores/warehouse/duckdb-session.ts';
import { readColumns } from './duckdb-part-columns.ts';
import { isWholeZstd } from './zstd-frames.ts';

const MEMORY_LIMIT_MB = 96;
/** A row longer than this is none; DuckDB takes twice as much for its buffer. */
const LINE_BYTES_MAX = 2 ** 22;

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
    return reading(part, () => readColumns(this.#connection, `read_parquet(${sqlText(part)})`));
  }

  /** Names of its columns, in order. @throws not_a_csv, unavailable */
  async parquetColumns(file: string): Promise<string[]> {
    return reading(file, async () => {
      const described = await this.#connection.runAndReadAll(`DESCRIBE SELECT * FROM read_parquet(${sqlText(file)})`);
      const names = described.getRows().map(([name]) => String(name));
      if (names.includes(ROW_NUMBER)) {
        const message = `${path.basename(file)} has a column ${ROW_NUMBER}, the name under which rows of Parquet are counted.`;
        throw new TillstreamError('not_a_csv', message, { hint: 'Write the file with another name for it.' });
      }
      return names;
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
    if (!isWholeZstd(file)) {
      throw new TillstreamError('not_a_csv', `${path.basename(file)} is damaged: it ends in the middle.`);
    }
    const unpack = `
      COPY (
        SELECT line FROM read_csv(${sqlText(file)}, compression = 'zstd', auto_detect = false, header = false, quote = '',
          escape = '', delim = '\x01', max_line_size = ${LINE_BYTES_MAX}, buffer_size = ${2 * LINE_BYTES_MAX}, parallel = false,
          strict_mode = false, columns = {line: 'VARCHAR'})
      ) TO ${sqlText(to)} (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')`;
    await reading(file, () => this.#connection.run(unpack), true);
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
    rmSync(this.#spillDirectory, { recursive: true, force: true });
  }
}

async function reading<T>(file: string, work: () => Promise<T>, isText = false): Promise<T> {
  const name = path.basename(file);
  try {
    return await work();
  } catch (cause) {
    if (!isInputFailure(cause)) throw storeError(cause, `${name} cannot be read`);
    if (!isText) throw new TillstreamError('not_a_csv', `${name} is damaged.`, { cause });
    throw new TillstreamError('not_a_csv', `${name} is damaged, or what it holds is not UTF-8.`, {
      cause,
      hint: 'Unpack it with zstd -d, and import what comes out.',
    });
  }
}
