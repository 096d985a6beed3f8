// An invoice of the LMDB order store in a view (order-store.ts): whole, or what its customer may see of it.
//
// Whole and in place wherever all lines that name a customer name the same. Only where they name several are lines parsed,
// and header and document made of those that are left.
import { headerOf, type InvoiceHeader } from '../../model/invoice.ts';
import { openDocument } from './invoice-draft.ts';
import type { View } from './order-store.ts';
import { SEPARATOR, type StoredInvoice, type StoredLine } from './stored-invoice.ts';

/** A part of the value, or made anew: to be copied before it is kept. */
export function documentIn(stored: StoredInvoice, view: View): Buffer {
  if (isWhole(stored, view)) return stored.document;
  const json = ownLines(stored).map((line) => line.json);
  return Buffer.from(`${openDocument(ownHeader(stored))}${json.join(SEPARATOR)}]}`);
}

export function headerIn(stored: StoredInvoice, view: View): InvoiceHeader {
  return isWhole(stored, view) ? stored.header : ownHeader(stored);
}

function isWhole(stored: StoredInvoice, view: View): boolean {
  return view === 'all' || !stored.namesSeveral;
}

/** There is one at least: the invoice has its customer from it. */
function ownHeader(stored: StoredInvoice): InvoiceHeader {
  return headerOf(ownLines(stored).map((line) => line.toLine()));
}

function ownLines(stored: StoredInvoice): StoredLine[] {
  const { customerId } = stored;
  return [...stored.lines()].filter((line) => !line.named || line.customerId === customerId);
}
