// What the LMDB order store knows of one customer: their profile and the pages of their purchase history.
//
// Both yield every few milliseconds: a customer may have a hundred thousand invoices, an invoice ten thousand lines. All of an
// answer is as of one moment, which the transaction keeps: an invoice that changed its date meanwhile would be counted
// twice, or not at all.
import { type InvoiceHeader, isAdjustment } from '../../model/invoice.ts';
import { peek, readLatest, type Transaction } from '../lmdb-environment.ts';
import { type OrdersDatabases, pauses } from './lmdb-orders-digest.ts';
import type { CustomerProfile, HistoryPage, PageWish, View } from './order-store.ts';
import { headerIn } from './own-view.ts';
import { decodeCursor, encodeCursor, historyKey, historyRange, invoiceNoOfKey } from './purchase-history.ts';
import { StoredInvoice } from './stored-invoice.ts';

export async function profileOf(
  databases: OrdersDatabases,
  customerId: string,
  view: View,
): Promise<CustomerProfile | null> {
  const { environment, history } = databases;
  const range = historyRange(customerId);
  if (range === null) return null;
  readLatest(environment);
  const transaction = environment.useReadTransaction();
  const pause = pauses();
  let earliest: string | null = null;
  let latest = '';
  let country = '';
  let firstPurchase: string | null = null;
  let lastPurchase = '';
  let purchases = 0;
  let cancellations = 0;
  let spentE4 = 0n;
  try {
    for (const key of history.getKeys({ start: range.first, end: range.last, transaction })) {
      const header = headerAt(databases, key, view, transaction);
      const { invoiceDate } = header;
      // Not always as they come: an invoice that is shown in part may have a later date than its place.
      if (earliest === null || invoiceDate < earliest) earliest = invoiceDate;
      if (invoiceDate >= latest) {
        latest = invoiceDate;
        country = header.country;
      }
      spentE4 += header.totalE4;
      if (pause.due()) await pause.turn();
      if (header.cancellation) cancellations += 1;
      if (header.cancellation || isAdjustment(header.invoiceNo)) continue;
      purchases += 1;
      if (firstPurchase === null || invoiceDate < firstPurchase) firstPurchase = invoiceDate;
      if (invoiceDate > lastPurchase) lastPurchase = invoiceDate;
    }
  } finally {
    transaction.done();
  }
  if (earliest === null) return null;
  return {
    customerId,
    country,
    firstPurchase: firstPurchase ?? earliest,
    lastPurchase: firstPurchase === null ? latest : lastPurchase,
    invoices: purchases,
    cancellations,
    spentE4,
  };
}

export async function pageOf(
  databases: OrdersDatabases,
  customerId: string,
  { limit, cursor }: PageWish,
  view: View,
): Promise<HistoryPage> {
  const shown = cursor === null ? null : decodeCursor(customerId, cursor);
  const { environment, history } = databases;
  const range = historyRange(customerId);
  if (range === null) return { invoices: [], next: null };
  readLatest(environment);
  const transaction = environment.useReadTransaction();
  const pause = pauses();
  const page: InvoiceHeader[] = [];
  try {
    const after = shown === null ? null : placeShownAs(databases, customerId, shown, transaction);
    for (const key of history.getKeys({ start: after ?? range.last, end: range.first, reverse: true, transaction })) {
      if (after?.equals(key)) continue;
      const last = page.at(-1);
      if (last !== undefined && page.length === limit) return { invoices: page, next: encodeCursor(last) };
      page.push(headerAt(databases, key, view, transaction));
      if (pause.due()) await pause.turn();
    }
  } finally {
    transaction.done();
  }
  return { invoices: page, next: null };
}

/**
 * The key in the history of an invoice that an earlier page has shown as `shown`. Of an invoice that is shown in part, the date
 * may be another than that of its place: a cursor with that one would tell of the other customer's line.
 */
function placeShownAs(databases: OrdersDatabases, customerId: string, shown: Buffer, transaction: Transaction): Buffer {
  const invoiceNo = invoiceNoOfKey(shown);
  const bytes = peek(databases, databases.invoices, Buffer.from(invoiceNo), transaction);
  const stored = bytes === undefined ? null : new StoredInvoice(bytes);
  if (stored?.customerId !== customerId) return shown;
  const { invoiceDate } = headerIn(stored, 'own');
  return historyKey(customerId, invoiceDate, invoiceNo).equals(shown)
    ? historyKey(customerId, stored.invoiceDate, invoiceNo)
    : shown;
}

/** Read in the same moment as the key. */
function headerAt(databases: OrdersDatabases, key: Uint8Array, view: View, transaction: Transaction): InvoiceHeader {
  const invoiceNo = invoiceNoOfKey(key);
  const bytes = peek(databases, databases.invoices, Buffer.from(invoiceNo), transaction);
  if (bytes === undefined) throw new Error(`Invoice ${invoiceNo} stands in a history, but is not there`);
  return headerIn(new StoredInvoice(bytes), view);
}
