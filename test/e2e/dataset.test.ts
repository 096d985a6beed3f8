// The real data set through the whole platform: replayed, interrupted and resumed, replayed again; and every figure of it
// that the API can answer. The tests of this file go by one platform, in order.
import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  CustomerAnswer,
  HistoryAnswer,
  InvoiceAnswer,
  InvoiceSummary,
  ProductsAnswer,
  SalesAnswer,
} from '../../src/cli/answers.ts';
import type { ReplaySummary } from '../../src/client/replay-options.ts';
import { cliEnvironment, cliPath } from '../support/cli.ts';
import { dataset } from '../support/dataset.ts';
import { endPlatforms, freshDirectory, type Platform, remember, startPlatform } from '../support/platform.ts';
import { FIGURES, LINES, REVENUE } from './dataset-figures.ts';

const STORE = { lines: LINES, invoices: 25_900, revenue: '9747747.934', agrees: true, quarantined: 0, discarded: 0 };
/** So many lines of it each as a request of its own; in the long run all. The rest of them by 500. */
const ONE_BY_ONE = process.env.TILLSTREAM_TEST_LONG === '1' ? LINES : 40_000;
/** Rows come to the connections by invoice: this far behind the newest answer may be the last row before which all are answered. */
const READ_AHEAD = 50_000;
/** As slow as the machine is. */
const REPLAY_TIMEOUT_MS = 900_000;

describe.runIf(dataset !== null)('the real data set', () => {
  let platform: Platform;
  let cwd: string;

  beforeAll(async () => {
    cwd = await freshDirectory('dataset');
    platform = await startPlatform(`${cwd}/data`);
  });
  afterAll(endPlatforms);

  interface Replay {
    readonly code: number | null;
    readonly summary: ReplaySummary;
  }

  /** @param interruptAt lines accepted by the platform after which Ctrl-C is pressed */
  async function replay(options: readonly string[], interruptAt = Number.POSITIVE_INFINITY): Promise<Replay> {
    const words = ['replay', dataset ?? '', '--url', platform.url, '--json', ...options];
    const child = spawn(process.execPath, [cliPath, ...words], {
      cwd, // where it keeps how far it has come
      env: cliEnvironment(),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    remember(child);
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    const exited = new Promise<number | null>((resolve) => child.on('close', resolve));
    if (Number.isFinite(interruptAt)) {
      await platform.statusWhen(({ accepted }) => accepted.lines >= interruptAt, REPLAY_TIMEOUT_MS);
      child.kill('SIGINT');
    }
    const code = await exited;
    return { code, summary: JSON.parse(stdout) as ReplaySummary };
  }

  async function expectWhole(): Promise<void> {
    const report = await platform.verify();
    expect(report).toMatchObject({ agrees: true, replaced: 0 });
    expect(report.stores).toMatchObject([STORE, STORE, STORE]);
    const { quarantine, replaced, consumers } = await platform.status();
    expect({ quarantine, replaced }).toEqual({ quarantine: { waiting: 0, redriven: 0, discarded: 0 }, replaced: 0 });
    expect(consumers.map(({ lagRecords }) => lagRecords)).toEqual([0, 0, 0]);
  }

  const one = async (sql: string): Promise<unknown> => (await platform.select(sql))[0]?.[0];
  const get = async <T>(path: string): Promise<T> => {
    const { status, body } = await platform.get(path);
    expect(status, path).toBe(200);
    return body as T;
  };

  it('replayed one line a request, interrupted by Ctrl-C, and resumed', { timeout: REPLAY_TIMEOUT_MS }, async () => {
    const limit = ['--limit', String(ONE_BY_ONE)];
    const first = await replay(limit, ONE_BY_ONE / 2);
    expect(first.code).toBe(130);
    expect(first.summary).toMatchObject({ interrupted: true, rejected: 0 });
    expect(first.summary.lastRow).toBeGreaterThan(ONE_BY_ONE / 2 - READ_AHEAD);
    expect(first.summary.lastRow).toBeLessThan(ONE_BY_ONE);
    const second = await replay(['--resume', ...limit]);
    expect(second.code).toBe(0);
    const { accepted, rejected, resumedAfterRow } = second.summary;
    expect({ resumedAfterRow, rejected }).toEqual({ resumedAfterRow: first.summary.lastRow, rejected: 0 });
    expect(resumedAfterRow + accepted).toBe(ONE_BY_ONE);
    expect(await platform.verify()).toMatchObject({ agrees: true, replaced: 0 });
  });

  it('replayed in full: 541,909 accepted, 0 rejected, nothing has changed of what was there, all stores agree', {
    timeout: REPLAY_TIMEOUT_MS,
  }, async () => {
    const { code, summary } = await replay(['--batch', '500']);
    expect(code).toBe(0);
    expect(summary).toMatchObject({ accepted: LINES, rejected: 0, interrupted: false, resumedAfterRow: 0 });
    await expectWhole();
  });

  it.each(FIGURES)('%s', async (_name, sql, expected) => {
    expect(Number(await one(sql))).toBe(expected);
  });

  it('the largest invoice by lines, invoice 536365, and the one whose lines are not together', async () => {
    const [largest] = await platform.select('SELECT invoice_no, line_count FROM invoices ORDER BY 2 DESC LIMIT 1');
    expect(largest?.map(String)).toEqual(['573585', '1114']);
    const shown = await get<InvoiceAnswer>('/v1/invoices/573585');
    expect(shown.lineCount).toBe(1114);
    expect(shown.lines.map(({ lineId }) => Number(lineId))).toEqual(Array.from({ length: 1114 }, (_, at) => at + 1));
    expect(await get('/v1/invoices/536365')).toMatchObject({
      lineCount: 7,
      total: 139.12,
      customerId: '17850',
      country: 'United Kingdom',
      invoiceDate: '2010-12-01T08:26:00',
      cancellation: false,
    });
    const apart = await get<InvoiceAnswer>('/v1/invoices/542806');
    expect(apart.lineCount).toBe(Number(await one("SELECT count(*) FROM sales WHERE invoice_no = '542806'")));
    expect(new Set(apart.lines.map(({ lineId }) => lineId)).size).toBe(apart.lineCount);
  });

  it('the highest invoice and its cancellation', async () => {
    const highest = await get('/v1/analytics/invoices?order=highest&limit=1');
    expect(highest).toMatchObject({ invoices: [{ invoiceNo: '581483', total: 168_469.6, customerId: '16446' }] });
    const lowest = await get('/v1/analytics/invoices?order=lowest&limit=1');
    expect(lowest).toMatchObject({ invoices: [{ invoiceNo: 'C581484', total: -168_469.6 }] });
    expect(await get('/v1/invoices/581483')).toMatchObject({ total: 168_469.6, cancellation: false });
    expect(await get('/v1/invoices/C581484')).toMatchObject({ total: -168_469.6, cancellation: true });
  });

  it('average revenue a trading day: 31,959.83 over 305 days', async () => {
    const sales = await get<SalesAnswer>('/v1/analytics/sales?by=day');
    expect(sales.periods).toHaveLength(305);
    expect(sales.average.revenue.toFixed(2)).toBe('31959.83');
    expect(sales.totals).toMatchObject({ revenue: REVENUE, lines: LINES, customers: 4372, orders: 25_900 - 3836 - 3 });
  });

  it.each([
    ['hour', '', 13],
    ['day', '', 10],
    ['month', '', 7],
    ['year', '', 4],
    ['day', '&country=Germany', 10],
    ['hour', '&from=2011-11&to=2011-12', 13],
    ['month', '&from=2011-02-15T12:00:00&to=2011-06&country=France', 7],
  ])('sales by %s%s are what plain SQL says', async (by, filter, characters) => {
    const { periods, totals } = await get<SalesAnswer>(`/v1/analytics/sales?by=${by}${filter}`);
    const asked = new URLSearchParams(filter);
    const conditions = [
      asked.has('country') ? `country = '${asked.get('country')}'` : '',
      asked.has('from') ? `invoice_date >= '${moment(asked.get('from'))}'` : '',
      asked.has('to') ? `invoice_date < '${moment(asked.get('to'))}'` : '',
    ].filter((condition) => condition !== '');
    const figures = `
      sum(quantity * unit_price), coalesce(sum(amount) FILTER (regexp_matches(invoice_no, '^[0-9]')), 0),
      coalesce(sum(amount) FILTER (starts_with(invoice_no, 'C')), 0),
      count(DISTINCT invoice_no) FILTER (regexp_matches(invoice_no, '^[0-9]')), count(*), sum(quantity),
      count(DISTINCT customer_id) FROM sales ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}`;
    const start = `substr(strftime(invoice_date, '%Y-%m-%dT%H'), 1, ${characters})`;
    const rows = await platform.select(`SELECT ${start}, ${figures} GROUP BY 1 ORDER BY 1`);
    const flat = (of: SalesAnswer['totals']): number[] => [
      of.revenue,
      of.grossRevenue,
      of.cancelled,
      of.orders,
      of.lines,
      of.units,
      of.customers,
    ];
    expect(periods.map((each) => [each.period, ...flat(each)])).toEqual(
      rows.map(([period, ...others]) => [period, ...others.map(Number)]),
    );
    const [total] = await platform.select(`SELECT ${figures}`);
    expect(flat(totals)).toEqual(total?.map(Number));
  });

  it.each(['units', 'revenue'])('the most sold products by %s are what plain SQL says', async (rank) => {
    const measure = rank === 'units' ? 'sum(quantity)' : 'sum(amount)';
    const top = await get<ProductsAnswer>(`/v1/analytics/products?rank=${rank}&limit=20`);
    const rows = await platform.select(
      `SELECT stock_code, sum(quantity), sum(amount), count(DISTINCT invoice_no) FILTER (NOT is_cancellation AND NOT
         is_adjustment) FROM sales GROUP BY 1 ORDER BY ${measure} DESC, 1 LIMIT 20`,
    );
    expect(top.products?.map((each) => [each.stockCode, each.units, each.revenue, each.orders])).toEqual(
      rows.map(([code, ...others]) => [code, ...others.map(Number)]),
    );
    const byMonth = await get<ProductsAnswer>(`/v1/analytics/products?rank=${rank}&by=month&limit=1`);
    const winners = await platform.select(
      `SELECT month, stock_code FROM (
         SELECT strftime(invoice_date, '%Y-%m') AS month, stock_code,
           row_number() OVER (PARTITION BY strftime(invoice_date, '%Y-%m') ORDER BY ${measure} DESC, stock_code) AS place
         FROM sales GROUP BY 1, 2) AS ranked WHERE place = 1 ORDER BY 1`,
    );
    expect(byMonth.periods?.map(({ period, products }) => [period, products[0]?.stockCode])).toEqual(winners);
  });

  it('the purchase history of customer 17850: newest first, page by page, and sums to what was spent', async () => {
    const history = await wholeHistory('17850', 7);
    const keys = history.map(({ invoiceDate, invoiceNo }) => `${invoiceDate} ${invoiceNo}`);
    expect(keys).toEqual([...new Set(keys)].sort().reverse());
    const profile = await get<CustomerAnswer>('/v1/customers/17850');
    const spent = history.reduce((sum, { total }) => sum + Math.round(total * 10_000), 0);
    expect(spent).toBe(Math.round(profile.spent * 10_000));
    const rows = await platform.select("SELECT sum(amount) FROM sales WHERE customer_id = '17850'");
    expect(profile.spent).toBe(Number(rows[0]?.[0]));
    expect(history.filter(({ cancellation }) => cancellation)).toHaveLength(profile.cancellations);
    expect(profile).toMatchObject({
      customerId: '17850',
      country: 'United Kingdom',
      firstPurchase: '2010-12-01T08:26:00',
    });
    expect(await wholeHistory('17850', 500)).toEqual(history);
  });

  it('every customer has spent in the order store what the warehouse says', async () => {
    const rows = await platform.select(
      `SELECT customer_id, sum(amount), count(DISTINCT invoice_no) FILTER (NOT is_cancellation AND NOT is_adjustment)
       FROM sales WHERE customer_id IS NOT NULL GROUP BY 1`,
    );
    expect(rows).toHaveLength(4372);
    const left = rows.values();
    const compare = async (): Promise<void> => {
      for (const [customerId, spent, invoices] of left) {
        const profile = await get<CustomerAnswer>(`/v1/customers/${customerId}`);
        expect([profile.spent, profile.invoices], String(customerId)).toEqual([Number(spent), Number(invoices)]);
      }
    };
    await Promise.all(Array.from({ length: 8 }, compare));
  });

  it('guests have no history: their invoices are found by number alone', async () => {
    const [row] = await platform.select(
      'SELECT invoice_no, line_count FROM invoices WHERE customer_id IS NULL ORDER BY line_count DESC LIMIT 1',
    );
    const invoice = await get<InvoiceAnswer>(`/v1/invoices/${row?.[0]}`);
    expect(invoice).toMatchObject({ customerId: null, lineCount: Number(row?.[1]) });
    for (const nobody of ['null', 'guest', '0', 'undefined']) {
      expect((await platform.get(`/v1/customers/${nobody}`)).status).toBe(404);
      expect((await platform.get(`/v1/customers/${nobody}/invoices`)).status).toBe(404);
    }
  });

  it('every view for analysts answers, and keeps the whole revenue', async () => {
    const views = await platform.select(
      "SELECT table_name FROM information_schema.views WHERE table_schema = 'public' ORDER BY 1",
    );
    expect(views.flat()).toEqual([
      'customer_segments',
      'customers',
      'invoices',
      'products',
      'sales_by_day',
      'sales_by_hour',
      'sales_by_month',
      'sales_by_year',
      'top_products_by_day',
      'top_products_by_hour',
      'top_products_by_month',
      'top_products_by_year',
    ]);
    for (const [view] of views)
      expect(Number(await one(`SELECT count(*) FROM ${view}`)), String(view)).toBeGreaterThan(0);
    for (const [view, column] of [
      ['sales_by_hour', 'revenue'],
      ['sales_by_day', 'revenue'],
      ['sales_by_month', 'revenue'],
      ['sales_by_year', 'revenue'],
      ['products', 'revenue'],
      ['invoices', 'total'],
    ]) {
      expect(Number(await one(`SELECT sum(${column}) FROM ${view}`)), view).toBe(REVENUE);
    }
  });

  it('it is all there after the next start', async () => {
    expect(await platform.stop()).toBe(0);
    platform = await startPlatform(platform.directory);
    await expectWhole();
  });

  async function wholeHistory(customerId: string, limit: number): Promise<InvoiceSummary[]> {
    const invoices: InvoiceSummary[] = [];
    for (let cursor = ''; ; ) {
      const page = await get<HistoryAnswer>(`/v1/customers/${customerId}/invoices?limit=${limit}${cursor}`);
      invoices.push(...page.invoices);
      if (page.next === null) return invoices;
      expect(page.invoices).toHaveLength(limit);
      cursor = `&cursor=${encodeURIComponent(page.next)}`;
    }
  }
});

/** `2011-11` → its first moment. */
function moment(text: string | null): string {
  return (text ?? '').length === 7 ? `${text}-01` : (text ?? '').replace('T', ' ');
}
