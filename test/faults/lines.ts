// Simple lines for tests of faults, and what the stores should say about them.
import type { Platform } from '../support/platform.ts';

/** Line `number` of an invoice: one piece at 1.25. */
export function line(invoiceNo: string, number: number, more: object = {}): object {
  return {
    InvoiceNo: invoiceNo,
    LineNo: number,
    StockCode: 'MUG',
    Description: `line ${number}`,
    Quantity: 1,
    InvoiceDate: '2011-12-24T09:00:00',
    UnitPrice: 1.25,
    CustomerID: '17850',
    Country: 'France',
    ...more,
  };
}

export function lines(invoiceNo: string, count: number, first = 1): object[] {
  return Array.from({ length: count }, (_, index) => line(invoiceNo, first + index));
}

/** Sends lines and sees to it that all are accepted. */
export async function accept(platform: Platform, sent: readonly object[]): Promise<void> {
  const { status, body } = await platform.send(sent);
  if (status !== 202 || body.accepted !== sent.length) throw new Error(`${status}: ${JSON.stringify(body)}`);
}

/** What verify says when every store holds `count` of them. */
export function agreeing(count: number): object {
  const store = { lines: count, revenue: String(count * 1.25), agrees: true, quarantined: 0, discarded: 0 };
  return { agrees: true, stores: [store, store, store] };
}
