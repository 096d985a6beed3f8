// What lines change in the LMDB order store: of each invoice the value, and its place in a purchase history.
import type { AcceptedLine } from '../../model/line.ts';
import { peek } from '../lmdb-environment.ts';
import type { Composed } from './compose-invoice.ts';
import type { OrdersDatabases } from './lmdb-orders-digest.ts';
import { mergeInvoice } from './merge-invoice.ts';
import { historyKey } from './purchase-history.ts';
import { assertLineCount, assertStorable } from './storable.ts';
import { StoredInvoice } from './stored-invoice.ts';

export interface Change {
  readonly replaced: number;
  readonly invoiceKey: Buffer;
  readonly value: Buffer;
  /** Key of the history that the invoice is no longer at. */
  readonly left: Buffer | null;
  /** Key of the history that it is at from now on. */
  readonly entered: Buffer | null;
}

/** @throws invoice_too_large, unusable_record */
export function changesOf(databases: OrdersDatabases, lines: readonly AcceptedLine[]): Change[] {
  const byInvoice = new Map<string, AcceptedLine[]>();
  for (const line of lines) {
    assertStorable(line);
    const group = byInvoice.get(line.invoiceNo);
    if (group === undefined) byInvoice.set(line.invoiceNo, [line]);
    else group.push(line);
  }
  const changes: Change[] = [];
  for (const [invoiceNo, group] of byInvoice) {
    const change = mergedChange(invoiceNo, storedAt(databases, Buffer.from(invoiceNo)), group);
    if (change !== null) changes.push(change);
  }
  return changes;
}

/** Gone with the next read of this thread. */
export function storedAt(databases: OrdersDatabases, invoiceKey: Buffer): StoredInvoice | null {
  const bytes = peek(databases, databases.invoices, invoiceKey);
  return bytes === undefined ? null : new StoredInvoice(bytes);
}

/**
 * @param lines of that invoice, all of them storable
 * @returns null when nothing of it is newer than what is stored
 * @throws invoice_too_large
 */
export function mergedChange(
  invoiceNo: string,
  stored: StoredInvoice | null,
  lines: readonly AcceptedLine[],
): Change | null {
  const merged = mergeInvoice(stored, lines);
  if (merged === null) return null;
  const { header, value, replaced } = merged;
  assertLineCount(invoiceNo, header.lineCount);
  const was = stored === null ? null : placeOf(invoiceNo, stored.customerId, stored.invoiceDate);
  const is = placeOf(invoiceNo, header.customerId, header.invoiceDate);
  const stays = was !== null && is !== null && was.equals(is);
  const invoiceKey = Buffer.from(invoiceNo);
  return { replaced, invoiceKey, value, left: stays ? null : was, entered: stays ? null : is };
}

/** Of an invoice that is not in the store. */
export function newChange({ invoiceNo, customerId, invoiceDate, value }: Composed): Change {
  const entered = placeOf(invoiceNo, customerId, invoiceDate);
  return { replaced: 0, invoiceKey: Buffer.from(invoiceNo), value, left: null, entered };
}

function placeOf(invoiceNo: string, customerId: string | null, invoiceDate: string): Buffer | null {
  return customerId === null ? null : historyKey(customerId, invoiceDate, invoiceNo);
}
