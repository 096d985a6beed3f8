// GET /v1/analytics/… over HTTP, on a warehouse that knows a handful of lines, or very many.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createServer } from '../../src/platform/server.ts';
import { analyticsRoutes } from '../../src/query/analytics-routes.ts';
import { type DuckDbWarehouse, openDuckDbWarehouse } from '../../src/stores/warehouse/duckdb-warehouse.ts';
import { recordsOf, type TestLine } from './lines.ts';

const LINE: TestLine = {
  invoiceNo: '1',
  lineId: '000001',
  stockCode: '85123A',
  description: 'HEART',
  quantity: 1,
  invoiceDate: '2010-12-01T08:26:00',
  unitPrice: 2,
  customerId: 'a',
  country: 'France',
  receivedAt: 1_700_000_000_000_000,
  sequence: '0000000000000001',
  position: 0,
  source: 'api',
};

describe('analytics', () => {
  let directory: string;
  let warehouse: DuckDbWarehouse;
  let server: FastifyInstance;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'tillstream-analytics-'));
    warehouse = await openDuckDbWarehouse({ directory, loadDirectory: path.join(directory, 'load') });
    server = createServer({ onError: () => {} });
    analyticsRoutes(server, warehouse, 'Europe/London');
    await warehouse.load(
      recordsOf([
        LINE,
        { ...LINE, invoiceNo: '2', invoiceDate: '2010-12-01T09:00:00', customerId: 'b', position: 1 },
        // The same customer on another day, and the same invoice.
        { ...LINE, invoiceNo: '2', lineId: '000002', invoiceDate: '2010-12-02T09:00:00', position: 2 },
        { ...LINE, invoiceNo: '3', invoiceDate: '2099-12-31T23:59:59', customerId: null, position: 3 },
      ]),
    );
  });

  afterAll(async () => {
    await server.close();
    await warehouse.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function get(url: string) {
    const answer = await server.inject({ url: `/v1/analytics/${url}`, headers: { host: 'localhost' } });
    return answer.json();
  }

  test('what is counted anew in every period is averaged over the periods’ own counts', async () => {
    const { totals, average } = await get('sales?by=day&to=2011');
    expect(totals).toMatchObject({ revenue: 6, lines: 3, orders: 2, customers: 2 });
    expect(average).toMatchObject({ revenue: 3, lines: 1.5, orders: 1.5, customers: 1.5 });
    expect((await get('sales?from=2050&to=2051')).average).toMatchObject({ revenue: 0, orders: 0, customers: 0 });
  });

  test.each(['hour', 'day', 'month', 'year'])('the name of a period is taken for a bound, by %s', async (by) => {
    const { periods } = await get(`sales?by=${by}&to=2011`);
    const first = periods[0].period;
    const later = periods[1]?.period;
    const range = `from=${first}${later === undefined ? '' : `&to=${later}`}`;
    expect((await get(`sales?by=${by}&${range}`)).periods[0]).toEqual(periods[0]);
    if (later !== undefined) expect((await get(`sales?by=${by}&${range}`)).periods).toHaveLength(1);
  });

  test('an hour alone is its beginning', async () => {
    expect((await get('sales?from=2010-12-01T09&to=2010-12-02T09')).totals).toMatchObject({ lines: 1 });
  });

  test.each(['2100', '2100-01', '2100-01-01'])('the end of all years can be said: to=%s', async (to) => {
    expect((await get(`sales?from=2099&to=${to}`)).totals).toMatchObject({ lines: 1 });
    expect(await get(`sales?from=${to}`)).toMatchObject({ code: 'invalid_parameter', field: 'from' });
  });

  test.each(['2101', '2100-01-02', '2010-13', '2010-12-01T24', '2010-12-01T8', 'x'])('no bound: to=%s', async (to) => {
    expect(await get(`sales?to=${to}`)).toMatchObject({ code: 'invalid_parameter', field: 'to', value: to });
  });

  test('an answer too large to hold is refused with the way out, and the next question answered', async () => {
    const many: TestLine[] = [];
    for (let day = 0; day < 101; day++) {
      const invoiceDate = new Date(Date.UTC(2020, 0, 1 + day)).toISOString().slice(0, 19);
      const sequence = String(day + 2).padStart(16, '0');
      for (let product = 0; product < 1000; product++) {
        const lineId = String(product).padStart(6, '0');
        many.push({
          ...LINE,
          invoiceNo: `D${day}`,
          lineId,
          stockCode: lineId,
          invoiceDate,
          sequence,
          position: product,
        });
      }
    }
    await warehouse.load(recordsOf(many));
    expect(await get('products?by=day&limit=1000')).toMatchObject({
      code: 'invalid_parameter',
      detail: expect.stringContaining('ask for a shorter range or fewer products'),
    });
    const most = await get('products?by=day&limit=1000&from=2020-01-02&to=2021');
    expect(most.periods).toHaveLength(100);
    const one = await get('products?by=day&limit=1');
    expect(one.periods).toHaveLength(104);
  });
});
