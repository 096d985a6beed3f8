// Fills the file of a new warehouse from lines that DuckDB reads by itself, outside of the running one: a rebuild.
//
// The same as a load: of every identity the newest version stands, in whatever order lines come. Nothing shows
// before the file takes its place.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { Checkpoint } from '../../model/checkpoint.ts';
import { textFromE4 } from '../../model/money.ts';
import { storeError } from './duckdb-failure.ts';
import { DERIVED, mergeLines } from './duckdb-merge.ts';
import { upgradeSchema, WAREHOUSE_FILE } from './duckdb-session.ts';

export interface FilledWarehouse {
  /** Its own: it may read any file. */
  readonly connection: DuckDBConnection;
  /** @param lines a SELECT, in the columns of `sales`, received_at in µs; every identity once */
  add(lines: string): Promise<void>;
  setCheckpoint(checkpoint: Checkpoint): Promise<void>;
  totals(): Promise<{ lines: number; invoices: number; revenue: string }>;
}

export interface FillOptions {
  /** Holds the file, made if need be. */
  readonly directory: string;
  readonly memoryLimitMb: number;
  readonly threads: number;
}

/** Resolves with the file closed, and all of it on disk. @throws unavailable */
export async function fillingWarehouse<T>(
  { directory, memoryLimitMb, threads }: FillOptions,
  work: (warehouse: FilledWarehouse) => Promise<T>,
): Promise<T> {
  try {
    mkdirSync(directory, { recursive: true });
    const instance = await DuckDBInstance.create(path.join(directory, WAREHOUSE_FILE), {
      threads: String(threads),
      memory_limit: `${memoryLimitMb}MiB`,
      temp_directory: path.join(directory, 'spill'),
      errors_as_json: 'true',
      preserve_insertion_order: 'false',
      enable_external_file_cache: 'false',
    });
    const connection = await instance.connect();
    try {
      await upgradeSchema(connection);
      await connection.run("SET schema = 'public'");
      const result = await work(fillOf(connection));
      await connection.run('CHECKPOINT');
      return result;
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  } catch (error) {
    throw storeError(error, 'The new warehouse cannot be written');
  }
}

function fillOf(connection: DuckDBConnection): FilledWarehouse {
  return {
    connection,
    async add(lines) {
      await connection.run(`
        CREATE OR REPLACE TEMP TABLE slice AS
        SELECT * REPLACE (make_timestamp(received_at) AS received_at), ${DERIVED} FROM (${lines})`);
      await mergeLines(connection, 'FROM slice');
    },
    async setCheckpoint({ streamId, sequence }) {
      await connection.run('UPDATE tillstream.checkpoint SET stream_id = $1, sequence = $2', [streamId, sequence]);
    },
    async totals() {
      const reader = await connection.runAndReadAll(`
        SELECT count(*), count(DISTINCT invoice_no),
          coalesce(sum(CAST(CAST(amount AS DECIMAL(38, 4)) * 10000 AS HUGEINT)), 0)
        FROM sales`);
      const [lines, invoices, amountE4] = reader.getRows()[0] ?? [];
      return { lines: Number(lines), invoices: Number(invoices), revenue: textFromE4(BigInt(String(amountE4))) };
    },
  };
}
