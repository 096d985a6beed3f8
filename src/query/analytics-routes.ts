// What the business wants to know: sales by period, most sold products, highest invoices. From the warehouse.
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { readBound } from '../model/dates.ts';
import { TillstreamError } from '../model/errors.ts';
import type { SqlParameter, SqlValue } from '../stores/warehouse/warehouse.ts';

type Row = Record<string, SqlValue>;

/** The part of the warehouse that answers our own questions: queries/<name>.sql. */
export interface Questions {
  ask(name: string, parameters: readonly SqlParameter[]): Promise<Row[]>;
}

const LIMIT_MAX = 1000;
const PERIODS = ['hour', 'day', 'month', 'year'] as const;

const range = {
  from: Type.Optional(
    Type.String({ description: 'First moment, inclusive: 2010, 2010-12, 2010-12-01, 2010-12-01T08 or with a time.' }),
  ),
  to: Type.Optional(Type.String({ description: 'End, exclusive.' })),
};
const limit = Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: 10 });

const SalesQuery = Type.Object({
  by: Type.Enum(PERIODS, { default: 'day' }),
  ...range,
  country: Type.Optional(Type.String({ minLength: 1 })),
});
const ProductsQuery = Type.Object({
  rank: Type.Enum(['units', 'revenue'], { default: 'units' }),
  by: Type.Optional(Type.Enum(PERIODS)),
  limit,
  ...range,
});
const InvoicesQuery = Type.Object({ order: Type.Enum(['highest', 'lowest'], { default: 'highest' }), limit });

const config = { access: 'read' } as const;

export function analyticsRoutes(server: FastifyInstance, questions: Questions, timeZone: string): void {
  const bound = (name: 'from' | 'to', text: string | undefined): string | null => boundOf(name, text, timeZone);

  server.get<{ Querystring: Static<typeof SalesQuery> }>(
    '/v1/analytics/sales',
    { config, schema: { querystring: SalesQuery } },
    async ({ query }) => {
      const { by, country = null } = query;
      const [from, to] = [bound('from', query.from), bound('to', query.to)];
      const rows = await questions.ask('sales', [by, from, to, country]);
      const totals = sales(rows.at(-1) ?? {});
      const periods = rows.slice(0, -1).map((row) => ({ period: period(row.period, by), ...sales(row) }));
      return { by, totals, average: averageOf(totals, periods), periods };
    },
  );

  server.get<{ Querystring: Static<typeof ProductsQuery> }>(
    '/v1/analytics/products',
    { config, schema: { querystring: ProductsQuery } },
    async ({ query }) => {
      const { rank, by } = query;
      const [from, to] = [bound('from', query.from), bound('to', query.to)];
      if (by === undefined) {
        const rows = await questions.ask('products', [rank, from, to, query.limit]);
        return { products: rows.map(product) };
      }
      const rows = await questions.ask('products_by_period', [by, rank, from, to, query.limit]);
      const periods = new Map<string, Product[]>();
      for (const row of rows) {
        const name = period(row.period, by);
        const members = periods.get(name);
        if (members === undefined) periods.set(name, [product(row)]);
        else members.push(product(row));
      }
      return { periods: [...periods].map(([name, products]) => ({ period: name, products })) };
    },
  );

  server.get<{ Querystring: Static<typeof InvoicesQuery> }>(
    '/v1/analytics/invoices',
    { config, schema: { querystring: InvoicesQuery } },
    async ({ query }) => {
      const rows = await questions.ask('invoices', [query.order, query.limit]);
      return {
        invoices: rows.map((row) => ({
          invoiceNo: row.invoice_no,
          invoiceDate: row.invoice_date,
          customerId: row.customer_id,
          country: row.country,
          total: Number(row.total),
          lineCount: Number(row.line_count),
        })),
      };
    },
  );
}

/** Money adds up exactly in the warehouse; as a JSON number it reads back exactly up to 2^38 pounds. */
function sales(row: Row) {
  return {
    revenue: Number(row.revenue ?? 0),
    grossRevenue: Number(row.gross_revenue ?? 0),
    cancelled: Number(row.cancelled ?? 0),
    orders: Number(row.orders ?? 0),
    lines: Number(row.lines ?? 0),
    units: Number(row.units ?? 0),
    customers: Number(row.customers ?? 0),
  };
}

type Sales = ReturnType<typeof sales>;

/**
 * Of the periods that have at least one line, to four decimals. Orders and customers are counted anew in each: who comes
 * twice is one customer in the totals, and one of each of the two periods.
 */
function averageOf(totals: Sales, periods: readonly Sales[]): Sales {
  const share = (sum: number): number => Math.round((sum / Math.max(1, periods.length)) * 10_000) / 10_000;
  const shareOf = (count: 'orders' | 'customers'): number => share(periods.reduce((sum, each) => sum + each[count], 0));
  return {
    revenue: share(totals.revenue),
    grossRevenue: share(totals.grossRevenue),
    cancelled: share(totals.cancelled),
    orders: shareOf('orders'),
    lines: share(totals.lines),
    units: share(totals.units),
    customers: shareOf('customers'),
  };
}

function product(row: Row) {
  return {
    stockCode: row.stock_code,
    description: row.description,
    units: Number(row.units),
    revenue: Number(row.revenue),
    orders: Number(row.orders),
  };
}

type Product = ReturnType<typeof product>;

const PERIOD_CHARACTERS = { hour: 13, day: 10, month: 7, year: 4 } as const;

/** `2010-12-01T08:00:00` → `2010-12-01T08`, `2010-12-01`, `2010-12` or `2010`. */
function period(start: SqlValue | undefined, by: keyof typeof PERIOD_CHARACTERS): string {
  return String(start).slice(0, PERIOD_CHARACTERS[by]);
}

/** @throws invalid_parameter */
function boundOf(name: 'from' | 'to', text: string | undefined, timeZone: string): string | null {
  if (text === undefined || text === '') return null;
  const wallClock = readBound(name, text, timeZone);
  if (wallClock !== null) return wallClock;
  throw new TillstreamError(
    'invalid_parameter',
    `${name} is "${text.slice(0, 80)}"; expected a date such as 2010, 2010-12, 2010-12-01, 2010-12-01T08 or 2010-12-01T08:00:00.`,
    { field: name, value: text.slice(0, 200) },
  );
}
