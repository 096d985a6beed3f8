// What the routes of invoices and customers take and answer.
import Type, { type Static } from 'typebox';
import { json } from '../docs/operation.ts';
import { LineSchema } from '../model/line-schema.ts';

/** A page of a purchase history: what a screen shows, and what a client may ask for at once. */
const HISTORY_LIMIT = 50;
const HISTORY_LIMIT_MAX = 500;

export const InvoiceParams = Type.Object({ invoiceNo: Type.String({ minLength: 1, examples: ['100001'] }) });
export const CustomerParams = Type.Object({ id: Type.String({ minLength: 1, examples: ['17850'] }) });
export const HistoryQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: HISTORY_LIMIT_MAX, default: HISTORY_LIMIT }),
  cursor: Type.Optional(Type.String({ description: '`next` of the page before; left out: the newest.' })),
});

const invoiceDate = Type.String({ description: "The shop's wall clock, without a zone; of the earliest line." });
const cancellation = Type.Boolean({ description: 'Whether its number starts with C.' });

export const Invoice = Type.Object(
  {
    invoiceNo: Type.String(),
    customerId: Type.Union([Type.String(), Type.Null()], { description: 'null: a guest.' }),
    country: Type.String(),
    invoiceDate,
    cancellation,
    total: Type.Number({ description: 'Sum of the amounts, to four decimals.' }),
    lineCount: Type.Integer(),
    lines: Type.Array(
      Type.Object({ ...LineSchema.properties, amount: Type.Number({ description: 'quantity × unitPrice' }) }),
      { description: 'In order of their line numbers.' },
    ),
  },
  { $id: 'Invoice' },
);

export const Customer = Type.Object(
  {
    customerId: Type.String(),
    country: Type.String({ description: 'Of the newest invoice.' }),
    firstPurchase: Type.String({ description: 'Date of the first invoice that is a sale; of any, if none is.' }),
    lastPurchase: Type.String(),
    invoices: Type.Integer({ description: 'That are neither cancellations nor adjustments.' }),
    cancellations: Type.Integer(),
    spent: Type.Number({ description: 'Over all invoices, net of cancellations.' }),
  },
  { $id: 'Customer' },
);

export const History = Type.Object(
  {
    invoices: Type.Array(
      Type.Object({
        invoiceNo: Type.String(),
        invoiceDate,
        total: Type.Number(),
        lineCount: Type.Integer(),
        cancellation,
      }),
    ),
    next: Type.Union([Type.String(), Type.Null()], { description: 'The cursor of the next page; null at the end.' }),
  },
  { $id: 'PurchaseHistory' },
);

const line = { invoiceNo: '100001', invoiceDate: '2025-12-24T09:00:00', customerId: '17850', country: 'France' };
const invoice: Static<typeof Invoice> = {
  invoiceNo: '100001',
  customerId: '17850',
  country: 'France',
  invoiceDate: '2025-12-24T09:00:00',
  cancellation: false,
  total: 27.8,
  lineCount: 2,
  lines: [
    {
      lineId: '000001',
      stockCode: 'MUG',
      description: 'Blue mug',
      quantity: 6,
      unitPrice: 2.55,
      amount: 15.3,
      ...line,
    },
    {
      lineId: '000002',
      stockCode: 'TRAY',
      description: 'Oak tray',
      quantity: 1,
      unitPrice: 12.5,
      amount: 12.5,
      ...line,
    },
  ],
};
const customer: Static<typeof Customer> = {
  customerId: '17850',
  country: 'France',
  firstPurchase: '2025-12-24T09:00:00',
  lastPurchase: '2025-12-24T09:00:00',
  invoices: 1,
  cancellations: 1,
  spent: 25.25,
};
const history: Static<typeof History> = {
  invoices: [
    { invoiceNo: 'C100002', invoiceDate: '2025-12-27T10:30:00', total: -2.55, lineCount: 1, cancellation: true },
    { invoiceNo: '100001', invoiceDate: '2025-12-24T09:00:00', total: 27.8, lineCount: 2, cancellation: false },
  ],
  next: null,
};

const config = { access: 'customer', problems: ['not_found'] } as const;
const another = 'To the token of another customer it is not there: 404.';
const answer = {
  200: json('The invoice with its lines.', Invoice, { invoice: { summary: 'An invoice', value: invoice } }),
};

export const operations = {
  invoice: {
    config,
    schema: {
      operationId: 'getInvoice',
      summary: 'An invoice, by its number',
      description: `With its lines and its total, within milliseconds of the sale. ${another}`,
      tags: ['Orders'],
      params: InvoiceParams,
      response: answer,
    },
  },
  invoiceByQuery: {
    config,
    schema: {
      operationId: 'findInvoice',
      summary: 'An invoice, by a number that does not fit into a path',
      description: `The same, for numbers with a slash or a dot in them. ${another}`,
      tags: ['Orders'],
      querystring: InvoiceParams,
      response: answer,
    },
  },
  customer: {
    config,
    schema: {
      operationId: 'getCustomer',
      summary: 'A customer',
      description: `What was spent, how often, since when; computed from the invoices. ${another}`,
      tags: ['Orders'],
      params: CustomerParams,
      response: { 200: json('The customer.', Customer, { customer: { summary: 'A customer', value: customer } }) },
    },
  },
  history: {
    config,
    schema: {
      operationId: 'listInvoicesOfCustomer',
      summary: 'The purchase history of a customer',
      description: `Invoices, newest first; of the same moment, the higher number first. ${another}`,
      tags: ['Orders'],
      params: CustomerParams,
      querystring: HistoryQuery,
      response: { 200: json('A page of it.', History, { history: { summary: 'All of it', value: history } }) },
    },
  },
};
