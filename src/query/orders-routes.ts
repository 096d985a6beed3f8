// Invoices, customers and purchase histories: by key, from the order store.
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Static } from 'typebox';
import { type Caller, mayRead } from '../access/caller.ts';
import { TillstreamError } from '../model/errors.ts';
import type { InvoiceHeader } from '../model/invoice.ts';
import { poundsFromE4 } from '../model/money.ts';
import type { OrderStore, View } from '../stores/orders/order-store.ts';
import { endOfTurn } from './end-of-turn.ts';
import {
  type Customer,
  type CustomerParams,
  type History,
  type HistoryQuery,
  type InvoiceParams,
  operations,
} from './orders-schema.ts';

/** What is another customer's is not there, for a customer: neither an invoice nor a line in theirs. */
export function ordersRoutes(server: FastifyInstance, orders: OrderStore): void {
  const invoice = async (caller: Caller | null, reply: FastifyReply, invoiceNo: string): Promise<FastifyReply> => {
    await endOfTurn();
    const document = await orders.invoice(invoiceNo, viewOf(caller));
    if (document === null || !mayRead(caller, document.customerId))
      throw new TillstreamError('not_found', `There is no invoice ${invoiceNo}.`);
    return reply.type('application/json; charset=utf-8').send(document.json);
  };

  server.get<{ Params: Static<typeof InvoiceParams> }>(
    '/v1/invoices/:invoiceNo',
    operations.invoice,
    (request, reply) => invoice(request.caller, reply, request.params.invoiceNo),
  );

  // For invoice numbers with a slash or a dot, which a path does not carry well.
  server.get<{ Querystring: Static<typeof InvoiceParams> }>(
    '/v1/invoices',
    operations.invoiceByQuery,
    (request, reply) => invoice(request.caller, reply, request.query.invoiceNo),
  );

  server.get<{ Params: Static<typeof CustomerParams>; Reply: Static<typeof Customer> }>(
    '/v1/customers/:id',
    operations.customer,
    async ({ caller, params }) => {
      const profile = mayRead(caller, params.id) ? await orders.customer(params.id, viewOf(caller)) : null;
      if (profile === null) throw noCustomer(params.id);
      const { spentE4, ...others } = profile;
      return { ...others, spent: poundsFromE4(spentE4) };
    },
  );

  server.get<{
    Params: Static<typeof CustomerParams>;
    Querystring: Static<typeof HistoryQuery>;
    Reply: Static<typeof History>;
  }>('/v1/customers/:id/invoices', operations.history, async ({ caller, params, query }) => {
    const { limit, cursor = null } = query;
    if (!mayRead(caller, params.id)) throw noCustomer(params.id);
    const { invoices, next } = await orders.history(params.id, { limit, cursor }, viewOf(caller));
    if (invoices.length === 0 && cursor === null) throw noCustomer(params.id);
    return { invoices: invoices.map(historyEntry), next };
  });
}

function viewOf(caller: Caller | null): View {
  return caller?.kind === 'key' ? 'all' : 'own';
}

function historyEntry({ invoiceNo, invoiceDate, totalE4, lineCount, cancellation }: InvoiceHeader) {
  return { invoiceNo, invoiceDate, total: poundsFromE4(totalE4), lineCount, cancellation };
}

function noCustomer(id: string): TillstreamError {
  return new TillstreamError('not_found', `There is no customer ${id}.`);
}
