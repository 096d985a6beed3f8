// How much memory a warehouse needs that goes on for long.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDuckDbWarehouse } from '../../src/stores/warehouse/duckdb-warehouse.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'tillstream-memory-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const LINES = 150_000;
/** With UPDATE or MERGE, memory was out after six. */
const VERSIONS = 16;

test('lines that are replaced again and again keep no memory', async () => {
  const writer = await (await DuckDBInstance.create(':memory:')).connect();
  const warehouse = await openDuckDbWarehouse({
    directory: path.join(directory, 'warehouse'),
    loadDirectory: path.join(directory, 'load'),
    memoryLimitMb: 128,
    threads: 1,
  });
  const part = path.join(directory, 'part.parquet');
  for (let version = 1; version <= VERSIONS; version += 1) {
    await writer.run(`
      COPY (
        SELECT CAST(line // 20 AS VARCHAR) AS invoice_no, lpad(CAST(line % 20 + 1 AS VARCHAR), 6, '0') AS line_id,
          '85123A' AS stock_code, 'WHITE HANGING HEART T-LIGHT HOLDER' AS description, CAST(${version} AS INTEGER) AS quantity,
          TIMESTAMP '2010-12-13 08:26:00' AS invoice_date, CAST(2.5 AS DECIMAL(18, 4)) AS unit_price,
          '17850' AS customer_id, 'United Kingdom' AS country, CAST(2.5 * ${version} AS DECIMAL(18, 4)) AS amount,
          CAST(${version} AS BIGINT) AS received_at, '000001' AS "sequence", line AS "position",
          'import:20261123-k7m${version}' AS "source", NULL::VARCHAR AS extra
        FROM range(${LINES}) AS lines(line)
      ) TO '${part}' (FORMAT parquet)`);
    await warehouse.loadPart(part);
  }
  const { rows } = await warehouse.select('SELECT count(*), sum(quantity) FROM sales', {
    rowsMax: 1,
    timeoutMs: 10_000,
  });
  expect(rows.map((row) => row.map(Number))).toEqual([[LINES, LINES * VERSIONS]]);
  await warehouse.close();
  writer.closeSync();
});
