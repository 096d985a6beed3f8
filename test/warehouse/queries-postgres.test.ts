// Every question gives the same answer on DuckDB and on PostgreSQL (which stands for Redshift), from the same lines.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PGlite, types } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isAdjustment, isCancellation } from '../../src/model/invoice.ts';
import { amountE4, textFromE4 } from '../../src/model/money.ts';
import { type DuckDbWarehouse, openDuckDbWarehouse } from '../../src/stores/warehouse/duckdb-warehouse.ts';
import type { SqlParameter, SqlValue } from '../../src/stores/warehouse/warehouse.ts';
import { generateLines, recordsOf, type TestLine } from './lines.ts';
import { ASKED, queryNames, queryText } from './queries.ts';

const SEED = 541_909;

describe(`queries (seed ${SEED})`, () => {
  let directory: string;
  let warehouse: DuckDbWarehouse;
  let postgres: PGlite;
  const { all, newest } = generateLines(SEED, 4000);
  const lines = [...newest.values()];

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'tillstream-queries-'));
    warehouse = await openDuckDbWarehouse({ directory, loadDirectory: path.join(directory, 'load') });
    await warehouse.load(recordsOf(all));
    postgres = await PGlite.create();
    await fillPostgres(postgres, lines);
  });

  afterAll(async () => {
    await warehouse.close();
    await postgres.close();
    await rm(directory, { recursive: true, force: true });
  });

  test('every question is asked here', () => {
    expect(Object.keys(ASKED).sort()).toEqual(queryNames().sort());
  });

  test.each(queryNames())('%s: the same answer on DuckDB and PostgreSQL', async (name) => {
    let rows = 0;
    for (const parameters of ASKED[name] ?? []) {
      const expected = await askPostgres(postgres, name, parameters);
      const actual = await warehouse.ask(name, parameters);
      expect(actual, `${name} ${JSON.stringify(parameters)}`).toEqual(expected);
      rows += actual.length;
    }
    expect(rows).toBeGreaterThan(0);
  });

  test('sales and totals are what the lines add up to', async () => {
    const sales = await warehouse.ask('sales', ['day', null, null, null]);
    expect(sales.at(-1)).toEqual({ period: null, ...salesOf(lines) });
    const periods = [...new Set(lines.map(({ invoiceDate }) => invoiceDate.slice(0, 10)))].sort();
    const expected = periods.map((day) => ({
      period: `${day}T00:00:00`,
      ...salesOf(lines.filter(({ invoiceDate }) => invoiceDate.startsWith(day))),
    }));
    expect(sales.slice(0, -1)).toEqual(expected);
  });
});

function salesOf(lines: readonly TestLine[]): Record<string, SqlValue> {
  const money = (of: readonly TestLine[]): string => {
    const [whole = '', fraction = ''] = textFromE4(of.reduce((sum, line) => sum + BigInt(amountE4(line)), 0n)).split(
      '.',
    );
    return `${whole}.${fraction.padEnd(4, '0')}`;
  };
  const orders = lines.filter(({ invoiceNo }) => !isCancellation(invoiceNo) && !isAdjustment(invoiceNo));
  return {
    revenue: money(lines),
    gross_revenue: money(orders),
    cancelled: money(lines.filter(({ invoiceNo }) => isCancellation(invoiceNo))),
    orders: new Set(orders.map(({ invoiceNo }) => invoiceNo)).size,
    lines: lines.length,
    units: lines.reduce((sum, { quantity }) => sum + quantity, 0),
    customers: new Set(lines.flatMap(({ customerId }) => customerId ?? [])).size,
  };
}

async function fillPostgres(postgres: PGlite, lines: readonly TestLine[]): Promise<void> {
  await postgres.exec(`
    CREATE TABLE sales (
      invoice_no VARCHAR(32) NOT NULL, line_id VARCHAR(256) NOT NULL, stock_code VARCHAR(64) COLLATE "C" NOT NULL,
      description VARCHAR(1000) COLLATE "C", quantity INTEGER NOT NULL, invoice_date TIMESTAMP NOT NULL,
      unit_price DECIMAL(18, 4) NOT NULL, customer_id VARCHAR(64), country VARCHAR(64) NOT NULL,
      amount DECIMAL(18, 4) NOT NULL, is_cancellation BOOLEAN NOT NULL, is_adjustment BOOLEAN NOT NULL,
      received_at TIMESTAMP NOT NULL, sequence VARCHAR(64) NOT NULL, position BIGINT NOT NULL, source VARCHAR(64) NOT NULL,
      PRIMARY KEY (invoice_no, line_id))`);
  for (let start = 0; start < lines.length; start += 500) {
    const rows = lines.slice(start, start + 500).map((line) => ({
      invoice_no: line.invoiceNo,
      line_id: line.lineId,
      stock_code: line.stockCode,
      description: line.description,
      quantity: line.quantity,
      invoice_date: line.invoiceDate,
      unit_price: line.unitPrice,
      customer_id: line.customerId,
      country: line.country,
      amount: textFromE4(amountE4(line)),
      is_cancellation: isCancellation(line.invoiceNo),
      is_adjustment: isAdjustment(line.invoiceNo),
      received_at: new Date(line.receivedAt / 1000).toISOString().slice(0, -1),
      sequence: line.sequence,
      position: line.position,
      source: line.source,
    }));
    await postgres.query('INSERT INTO sales SELECT * FROM json_populate_recordset(NULL::sales, $1::json)', [rows]);
  }
  // It takes a question over thousands of periods for one over a handful.
  await postgres.exec('ANALYZE; SET enable_nestloop = off');
}

/** Values as the port writes them. */
async function askPostgres(
  postgres: PGlite,
  name: string,
  parameters: readonly SqlParameter[],
): Promise<Record<string, unknown>[]> {
  const answer = await postgres.query<Record<string, unknown>>(queryText(name), [...parameters], {
    parsers: {
      [types.TIMESTAMP]: (text: string) => text.replace(' ', 'T'),
      [types.NUMERIC]: (text: string) => text,
      [types.INT8]: Number,
    },
  });
  return answer.rows;
}
