// The figures of the real data set, through the questions and views that answer them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { totalsOf } from '../../src/model/digest.ts';
import { textFromE4 } from '../../src/model/money.ts';
import { recordLine } from '../../src/model/record.ts';
import { createServer } from '../../src/platform/server.ts';
import { analyticsRoutes } from '../../src/query/analytics-routes.ts';
import { type DuckDbWarehouse, openDuckDbWarehouse } from '../../src/stores/warehouse/duckdb-warehouse.ts';
import type { LoadRecord, SqlValue } from '../../src/stores/warehouse/warehouse.ts';
import { dataset } from '../support/dataset.ts';
import { readDataset } from '../support/read-dataset.ts';

const RECORD_LINES = 500;
const BATCH_RECORDS = 20;

describe.runIf(dataset !== null)('the real data set in the warehouse', () => {
  let directory: string;
  let warehouse: DuckDbWarehouse;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'tillstream-dataset-'));
    warehouse = await openDuckDbWarehouse({ directory, loadDirectory: path.join(directory, 'load') });
    let batch: LoadRecord[] = [];
    let texts: string[] = [];
    let records = 0;
    const endRecord = async (last: boolean): Promise<void> => {
      records += 1;
      batch.push({ sequence: String(records).padStart(16, '0'), data: Buffer.from(texts.join('')) });
      texts = [];
      if (batch.length < BATCH_RECORDS && !last) return;
      await warehouse.load(batch);
      batch = [];
    };
    for await (const line of readDataset()) {
      texts.push(recordLine(line, 1_700_000_000_000_000 + records, texts.length, 'replay', undefined));
      if (texts.length === RECORD_LINES) await endRecord(false);
    }
    await endRecord(true);
  });

  afterAll(async () => {
    await warehouse.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function value(sql: string): Promise<SqlValue | undefined> {
    const { rows } = await warehouse.select(sql, { rowsMax: 1, timeoutMs: 30_000 });
    return rows[0]?.[0];
  }

  test('lines, orders, customers and money of the whole', async () => {
    const totals = (await warehouse.ask('sales', ['year', null, null, null])).at(-1);
    expect(totals).toMatchObject({ revenue: '9747747.9340', lines: 541_909, customers: 4372, orders: 22_061 });
    expect(textFromE4(totalsOf((await warehouse.digest()).days).amountE4)).toBe('9747747.934');
  });

  test('305 trading days, 31,959.83 a day', async () => {
    const days = (await warehouse.ask('sales', ['day', null, null, null])).filter(({ period }) => period !== null);
    expect(days).toHaveLength(305);
    const revenue = days.reduce((sum, day) => sum + Number(day.revenue), 0);
    expect((revenue / days.length).toFixed(2)).toBe('31959.83');
    for (const day of days) expect(Number(day.cancelled)).toBeLessThanOrEqual(0);
  });

  test('customers a day on average: those of each day, not those of the year shared out', async () => {
    const server = createServer({ onError: () => {} });
    analyticsRoutes(server, warehouse, 'Europe/London');
    const answer = await server.inject({ url: '/v1/analytics/sales', headers: { host: 'localhost' } });
    await server.close();
    const customers = `SELECT round(sum(customers) / 305, 4) FROM sales_by_day`;
    expect(answer.json().average.customers).toBe(Number(await value(customers)));
    expect(answer.json().average.customers).toBeGreaterThan(4372 / 305);
    expect(answer.json().average.orders).toBeCloseTo(22_061 / 305, 4);
  });

  test('the highest invoice, and the lowest, its cancellation', async () => {
    expect(await warehouse.ask('invoices', ['highest', 1])).toEqual([
      {
        invoice_no: '581483',
        invoice_date: '2011-12-09T09:15:00',
        customer_id: '16446',
        country: 'United Kingdom',
        total: '168469.6000',
        line_count: 1,
      },
    ]);
    expect(await warehouse.ask('invoices', ['lowest', 1])).toMatchObject([
      { invoice_no: 'C581484', total: '-168469.6000' },
    ]);
  });

  test('most sold products, one by units and one by revenue', async () => {
    const [byUnits] = await warehouse.ask('products', ['units', null, null, 5]);
    expect(byUnits).toMatchObject({
      stock_code: '22197',
      description: 'POPCORN HOLDER',
      units: 56_450,
    });
    const [byRevenue] = await warehouse.ask('products', ['revenue', null, null, 5]);
    expect(byRevenue).toMatchObject({ stock_code: 'DOT', description: 'DOTCOM POSTAGE' });
    expect(await warehouse.ask('products_by_period', ['month', 'units', null, null, 2])).toHaveLength(26);
  });

  test('the figures of the views', async () => {
    expect(await value('SELECT count(*) FROM invoices')).toBe(25_900);
    expect(await value('SELECT count(*) FROM invoices WHERE is_cancellation')).toBe(3836);
    expect(await value('SELECT count(*) FROM invoices WHERE is_adjustment')).toBe(3);
    expect(await value('SELECT count(*) FROM customers')).toBe(4372);
    expect(await value('SELECT count(*) FROM products')).toBe(4070);
    expect(await value('SELECT count(DISTINCT country) FROM sales')).toBe(38);
    expect(await value('SELECT count(*) FROM sales WHERE customer_id IS NULL')).toBe(135_080);
    expect(await value('SELECT count(*) FROM sales WHERE description IS NULL')).toBe(1454);
    expect(await value('SELECT count(*) FROM sales WHERE is_cancellation')).toBe(9288);
    expect(await value('SELECT count(*) FROM sales WHERE quantity < 0')).toBe(10_624);
    expect(await value('SELECT count(*) FROM sales WHERE unit_price <= 0')).toBe(2517);
    expect(await value('SELECT max(line_count) FROM invoices')).toBe(1114);
    expect(await value("SELECT total FROM invoices WHERE invoice_no = '536365'")).toBe('139.1200');
    expect(await value('SELECT sum(orders) FROM sales_by_month')).toBeTruthy();
    expect(await value('SELECT count(*) FROM customer_segments')).toBeGreaterThan(4000);
    expect(await value('SELECT count(DISTINCT segment) FROM customer_segments')).toBe(8);
    expect(await value('SELECT count(*) FROM top_products_by_hour')).toBeGreaterThan(2000);
  });
});
