// Invoices, customers and purchase histories: by key, from the order store.
import type { FastifyInstance, FastifyReply } from 'fastify';
import Type, { type Static } from 'typebox';
import { TillstreamError } from '../model/errors.ts';
import type { InvoiceHeader } from '../model/invoice.ts';
import { poundsFromE4 } from '../model/money.ts';
import type { OrderStore } from '../stores/orders/order-store.ts';
import { endOfTurn } from './end-of-turn.ts';

/** A page of a purchase history: what a screen shows, and what a client may ask for at once. */
const HISTORY_LIMIT = 50;
const HISTORY_LIMIT_MAX = 500;

const InvoiceParams = Type.Object({ invoiceNo: Type.String({ minLength: 1 }) });
const CustomerParams = Type.Object({ id: Type.String({ minLength: 1 }) });
const HistoryQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: HISTORY_LIMIT_MAX, default: HISTORY_LIMIT }),
  cursor: Type.Optional(Type.String()),
});

export function ordersRoutes(server: FastifyInstance, orders: OrderStore): void {
  const invoice = async (reply: FastifyReply, invoiceNo: string): Promise<FastifyReply> => {
    await endOfTurn();
    const document = await orders.invoice(invoiceNo);
    if (document === null) throw new TillstreamError('not_found', `There is no invoice ${invoiceNo}.`);
    return reply.type('application/json; charset=utf-8').send(document.json);
  };

  server.get<{ Params: Static<typeof InvoiceParams> }>(
    '/v1/invoices/:invoiceNo',
    { schema: { params: InvoiceParams } },
    (request, reply) => invoice(reply, request.params.invoiceNo),
  );

  // For invoice numbers with a slash or a dot, which a path does not carry well.
  server.get<{ Querystring: Static<typeof InvoiceParams> }>(
    '/v1/invoices',
    { schema: { querystring: InvoiceParams } },
    (request, reply) => invoice(reply, request.query.invoiceNo),
  );

  server.get<{ Params: Static<typeof CustomerParams> }>(
    '/v1/customers/:id',
    { schema: { params: CustomerParams } },
    async (request) => {
      const profile = await orders.customer(request.params.id);
      if (profile === null) throw noCustomer(request.params.id);
      const { spentE4, ...others } = profile;
      return { ...others, spent: poundsFromE4(spentE4) };
    },
  );

  server.get<{ Params: Static<typeof CustomerParams>; Querystring: Static<typeof HistoryQuery> }>(
    '/v1/customers/:id/invoices',
    { schema: { params: CustomerParams, querystring: HistoryQuery } },
    async (request) => {
      const { limit, cursor = null } = request.query;
      const { invoices, next } = await orders.history(request.params.id, { limit, cursor });
      if (invoices.length === 0 && cursor === null) throw noCustomer(request.params.id);
      return { invoices: invoices.map(historyEntry), next };
    },
  );
}

function historyEntry({ invoiceNo, invoiceDate, totalE4, lineCount, cancellation }: InvoiceHeader) {
  return { invoiceNo, invoiceDate, total: poundsFromE4(totalE4), lineCount, cancellation };
}

function noCustomer(id: string): TillstreamError {
  return new TillstreamError('not_found', `There is no customer ${id}.`);
}
