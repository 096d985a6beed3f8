// `tillstream invoice` and `tillstream customer`: what the shop's own systems ask, for a person.
import type { Command } from 'commander';
import type { CustomerAnswer, HistoryAnswer, InvoiceAnswer, InvoiceSummary } from './answers.ts';
import { ask } from './connection.ts';
import { type Connection, findPlatform } from './find-platform.ts';
import { type CommonOptions, newCommand, whole, withPlatform } from './options.ts';
import { err, out, outJson, palette, screenWidth } from './screen.ts';
import { facts, table } from './table.ts';
import { counted, dateTime, exactMoney, grouped, money, printable } from './text.ts';

export function invoiceCommand(): Command {
  return withPlatform(
    newCommand('invoice', {
      summary: 'shows one invoice with its lines',
      description: 'Shows one invoice with its lines, as soon as they are accepted.',
      again: 'Reads only: run it as often as you like.',
      examples: [
        { command: 'invoice 536365', does: '' },
        { command: 'invoice C536379 --json', does: 'a cancellation, for a program' },
      ],
    }).argument('<no>', 'invoice number'),
  ).action(async (invoiceNo: string, options: CommonOptions) => {
    const invoice = await ask<InvoiceAnswer>(findPlatform(options), '/v1/invoices', {
      query: { invoiceNo },
      has: 'lines',
    });
    if (options.json === true) outJson(invoice);
    else out(invoiceScreen(invoice, screenWidth()));
  });
}

function invoiceScreen(invoice: InvoiceAnswer, width: number): string {
  const { bold, dim } = palette(process.stdout);
  const kind = invoice.cancellation ? 'Cancellation' : 'Invoice';
  const buyer = invoice.customerId === null ? 'guest' : `customer ${invoice.customerId}`;
  const units = invoice.lines.reduce((sum, { quantity }) => sum + quantity, 0);
  const lines = invoice.lines.map((line) => [
    line.stockCode,
    line.description ?? '',
    grouped(line.quantity),
    exactMoney(line.unitPrice),
    exactMoney(line.amount),
  ]);
  const total = ['', counted(invoice.lineCount, 'line'), grouped(units), '', exactMoney(invoice.total)];
  const head = [dateTime(invoice.invoiceDate), buyer, invoice.country].map(printable).join(' · ');
  return `${bold(`${kind} ${printable(invoice.invoiceNo)}`)}  ${head}\n\n${table(
    [
      { title: 'Product' },
      { title: 'Description', flexible: true },
      { title: 'Quantity', right: true },
      { title: 'Price', right: true },
      { title: 'Amount', right: true },
    ],
    [...lines, total],
    {
      width,
      totalsFrom: lines.length,
      paintTitles: dim,
      paintRow: (line, row) => (row === lines.length ? bold(line) : line),
    },
  )}`;
}

const HISTORY_DEFAULT = 10;
/** Largest page that is asked for at once. */
const PAGE = 100;

interface CustomerOptions extends CommonOptions {
  readonly limit: number;
}

export function customerCommand(): Command {
  return withPlatform(
    newCommand('customer', {
      summary: 'shows a customer and the purchase history',
      description: 'Shows what a customer has spent, and the invoices, newest first.',
      again: 'Reads only: run it as often as you like.',
      examples: [
        { command: 'customer 17850', does: '' },
        { command: 'customer 17850 --limit 500', does: 'the whole history' },
      ],
    })
      .argument('<id>', 'customer number')
      .option('--limit <invoices>', 'invoices to show at most', whole(0), HISTORY_DEFAULT),
  ).action(async (customerId: string, options: CustomerOptions) => {
    const connection = findPlatform(options);
    const path = `/v1/customers/${encodeURIComponent(customerId)}`;
    const customer = await ask<CustomerAnswer>(connection, path, { has: 'customerId' });
    const history = await purchases(connection, path, options.limit);
    if (options.json === true) return outJson({ ...customer, history: history.invoices, next: history.next });
    out(customerScreen(customer, history.invoices, screenWidth()));
    const shown = history.invoices.length;
    if (history.next !== null)
      err(`\n  The newest ${grouped(shown)}; more with --limit ${shown * 10 || HISTORY_DEFAULT}.\n`);
  });
}

async function purchases(connection: Connection, path: string, limit: number): Promise<HistoryAnswer> {
  const invoices: InvoiceSummary[] = [];
  let cursor: string | null = null;
  while (invoices.length < limit) {
    const page: HistoryAnswer = await ask<HistoryAnswer>(connection, `${path}/invoices`, {
      has: 'invoices',
      query: { limit: Math.min(PAGE, limit - invoices.length), ...(cursor === null ? {} : { cursor }) },
    });
    invoices.push(...page.invoices);
    cursor = page.next;
    if (cursor === null) break;
  }
  return { invoices, next: cursor };
}

function customerScreen(customer: CustomerAnswer, invoices: readonly InvoiceSummary[], width: number): string {
  const { bold, dim } = palette(process.stdout);
  const head = `${bold(`Customer ${printable(customer.customerId)}`)}  ${printable(customer.country)}\n\n`;
  const about = facts([
    ['Spent', exactMoney(customer.spent)],
    ['Invoices', grouped(customer.invoices)],
    ['Cancellations', grouped(customer.cancellations)],
    ['First purchase', dateTime(customer.firstPurchase)],
    ['Last purchase', dateTime(customer.lastPurchase)],
  ]);
  if (invoices.length === 0) return head + about;
  const rows = invoices.map((invoice) => [
    dateTime(invoice.invoiceDate),
    invoice.invoiceNo,
    grouped(invoice.lineCount),
    money(invoice.total),
    invoice.cancellation ? 'cancellation' : '',
  ]);
  const history = table(
    [
      { title: 'Date' },
      { title: 'Invoice' },
      { title: 'Lines', right: true },
      { title: 'Total', right: true },
      { title: '' },
    ],
    rows,
    { width, paintTitles: dim },
  );
  return `${head}${about}\n${history}`;
}
