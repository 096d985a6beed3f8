// Keys of purchase histories in LMDB, `customerId NUL invoiceDate NUL invoiceNo`, and cursors into them.
//
// Bytes in order are customers apart, then dates, then invoice numbers. No field holds a NUL (ingest refuses control
// characters), so no customer's keys lie among another's.
import { TillstreamError } from '../../model/errors.ts';
import type { InvoiceHeader } from '../../model/invoice.ts';
import { lineLimits } from '../../model/line.ts';

const NUL = '\u0000';
/** Sorts after every date. */
const LAST = 0xff;
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/;

export function historyKey(customerId: string, invoiceDate: string, invoiceNo: string): Buffer {
  return Buffer.from(customerId + NUL + invoiceDate + NUL + invoiceNo);
}

export function invoiceNoOfKey(key: Uint8Array): string {
  const text = Buffer.from(key).toString('utf8');
  return text.slice(text.lastIndexOf(NUL) + 1);
}

/** Bounds of one customer's keys; null for what cannot be a customer. */
export function historyRange(customerId: string): { readonly first: Buffer; readonly last: Buffer } | null {
  const possible = customerId !== '' && customerId.length <= lineLimits.customerIdBytesMax && !customerId.includes(NUL);
  if (!possible) return null;
  const first = Buffer.from(customerId + NUL);
  return { first, last: Buffer.concat([first, Buffer.of(LAST)]) };
}

/** The place of an invoice in its customer's history. Says nothing of the customer, so it opens nobody else's. */
export function encodeCursor({ invoiceDate, invoiceNo }: InvoiceHeader): string {
  return Buffer.from(invoiceDate + NUL + invoiceNo).toString('base64url');
}

/** The key a cursor stands for. @throws invalid_parameter */
export function decodeCursor(customerId: string, cursor: string): Buffer {
  const place = Buffer.from(cursor, 'base64url');
  const [invoiceDate = '', invoiceNo = '', more] = place.toString('utf8').split(NUL);
  const ours = DATE.test(invoiceDate) && invoiceNo !== '' && more === undefined;
  if (ours && place.length <= CURSOR_BYTES_MAX && place.toString('base64url') === cursor) {
    return historyKey(customerId, invoiceDate, invoiceNo);
  }
  throw new TillstreamError('invalid_parameter', 'The cursor is not one that an earlier page gave as "next".', {
    field: 'cursor',
    value: cursor.slice(0, 200),
    hint: 'Leave it out to start with the newest invoice.',
  });
}

/** Far above a date and an invoice number, far below what a key may have. */
const CURSOR_BYTES_MAX = 256;
