// What the analytics routes take and answer.
import Type, { type Static, type TObject } from 'typebox';
import { type Example, json } from '../docs/operation.ts';

const LIMIT_MAX = 1000;
const PERIODS = ['hour', 'day', 'month', 'year'] as const;

const range = {
  from: Type.Optional(
    Type.String({
      description: 'First moment, inclusive: 2025, 2025-12, 2025-12-01, 2025-12-01T08 or with a time.',
      examples: ['2025-12'],
    }),
  ),
  to: Type.Optional(Type.String({ description: 'End, exclusive.', examples: ['2026'] })),
};
const limit = Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: 10 });

export const SalesQuery = Type.Object({
  by: Type.Enum(PERIODS, { default: 'day' }),
  ...range,
  country: Type.Optional(Type.String({ minLength: 1, examples: ['France'] })),
});
export const ProductsQuery = Type.Object({
  rank: Type.Enum(['units', 'revenue'], { default: 'units' }),
  by: Type.Optional(Type.Enum(PERIODS, { description: 'Left out: the most sold of all; else of every period.' })),
  limit,
  ...range,
});
export const InvoicesQuery = Type.Object({ order: Type.Enum(['highest', 'lowest'], { default: 'highest' }), limit });

const figures = {
  revenue: Type.Number({ description: 'Over all lines, net of cancellations.' }),
  grossRevenue: Type.Number({ description: 'Without cancellations and adjustments.' }),
  cancelled: Type.Number({ description: 'The money of cancellations: zero or less.' }),
  orders: Type.Number({ description: 'Invoices that are neither cancellations nor adjustments.' }),
  lines: Type.Number(),
  units: Type.Number({ description: 'Pieces, net of cancellations.' }),
  customers: Type.Number({ description: 'Distinct ones; guests do not count.' }),
};
const period = Type.String({ description: '2025-12-24T09, 2025-12-24, 2025-12 or 2025.' });
export const Figures = Type.Object(figures, { $id: 'SalesFigures' });
export const Sales = Type.Object({
  by: Type.Enum(PERIODS),
  totals: Figures,
  average: Type.Object(figures, { description: 'Of the periods that have at least one line, to four decimals.' }),
  periods: Type.Array(Type.Object({ period, ...figures }), { description: 'That have at least one line, in order.' }),
});
export const Product = Type.Object(
  {
    stockCode: Type.String(),
    description: Type.Union([Type.String(), Type.Null()]),
    units: Type.Number(),
    revenue: Type.Number(),
    orders: Type.Number(),
  },
  { $id: 'Product' },
);
export const OfAll = Type.Object({ products: Type.Array(Product) });
export const OfEachPeriod = Type.Object({
  periods: Type.Array(Type.Object({ period, products: Type.Array(Product) })),
});
export const Products = Type.Union([OfAll, OfEachPeriod], { description: 'The second with `by`.' });
export const Invoices = Type.Object({
  invoices: Type.Array(
    Type.Object({
      invoiceNo: Type.String(),
      invoiceDate: Type.String(),
      customerId: Type.Union([Type.String(), Type.Null()]),
      country: Type.String(),
      total: Type.Number(),
      lineCount: Type.Integer(),
    }),
  ),
});

const day = { revenue: 27.8, grossRevenue: 27.8, cancelled: 0, orders: 1, lines: 2, units: 7, customers: 1 };
const after = { revenue: -2.55, grossRevenue: 0, cancelled: -2.55, orders: 0, lines: 1, units: -1, customers: 1 };
const sales: Example & { readonly value: Static<typeof Sales> } = {
  summary: 'Two days',
  value: {
    by: 'day',
    totals: { revenue: 25.25, grossRevenue: 27.8, cancelled: -2.55, orders: 1, lines: 3, units: 6, customers: 1 },
    average: {
      revenue: 12.625,
      grossRevenue: 13.9,
      cancelled: -1.275,
      orders: 0.5,
      lines: 1.5,
      units: 3,
      customers: 1,
    },
    periods: [
      { period: '2025-12-24', ...day },
      { period: '2025-12-27', ...after },
    ],
  },
};
const products: Static<typeof OfAll> = {
  products: [
    { stockCode: 'MUG', description: 'Blue mug', units: 5, revenue: 12.75, orders: 1 },
    { stockCode: 'TRAY', description: 'Oak tray', units: 1, revenue: 12.5, orders: 1 },
  ],
};
const invoices: Static<typeof Invoices> = {
  invoices: [
    {
      invoiceNo: '100001',
      invoiceDate: '2025-12-24T09:00:00',
      customerId: '17850',
      country: 'France',
      total: 27.8,
      lineCount: 2,
    },
    {
      invoiceNo: 'C100002',
      invoiceDate: '2025-12-27T10:30:00',
      customerId: '17850',
      country: 'France',
      total: -2.55,
      lineCount: 1,
    },
  ],
};

const config = { access: 'read', problems: ['query_too_long'] } as const;
const words = <T extends TObject>(operationId: string, summary: string, description: string, querystring: T) => ({
  operationId,
  summary,
  description,
  tags: ['Analytics'],
  querystring,
});

export const operations = {
  sales: {
    config,
    schema: {
      ...words('getSales', 'Sales by period', 'Of every hour, day, month or year that has a line.', SalesQuery),
      response: { 200: json('The sales.', Sales, { sales }) },
    },
  },
  products: {
    config,
    schema: {
      ...words(
        'getProducts',
        'Most sold products',
        'By units or by revenue, of all time or of every period.',
        ProductsQuery,
      ),
      response: { 200: json('The products.', Products, { products: { summary: 'Of all', value: products } }) },
    },
  },
  invoices: {
    config,
    schema: {
      ...words(
        'getInvoices',
        'Highest and lowest invoices',
        'By their total; the lowest are cancellations.',
        InvoicesQuery,
      ),
      response: { 200: json('The invoices.', Invoices, { invoices: { summary: 'The highest', value: invoices } }) },
    },
  },
};
