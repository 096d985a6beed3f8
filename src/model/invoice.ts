// What an invoice is, computed from its lines: never added to, always recomputed.
import type { AcceptedLine, Line } from './line.ts';
import { compareVersions } from './line.ts';
import { amountE4 } from './money.ts';

/** An invoice whose number starts with `C`: its lines have negative quantities. */
export function isCancellation(invoiceNo: string): boolean {
  return invoiceNo.startsWith('C');
}

/** An invoice whose number starts with a letter other than `C`, for example `A563185`, bad debt. */
export function isAdjustment(invoiceNo: string): boolean {
  return /^[A-BD-Za-z]/.test(invoiceNo);
}

export interface InvoiceHeader {
  readonly invoiceNo: string;
  /** Of the newest line that names a customer; null for a guest. */
  readonly customerId: string | null;
  /** Of the newest line. */
  readonly country: string;
  /** Of the earliest line. */
  readonly invoiceDate: string;
  readonly cancellation: boolean;
  /** Sum of the amounts, in ten-thousandths. Exact: 10,000 lines of 10^15 need a BigInt only beyond 2^53. */
  readonly totalE4: bigint;
  readonly lineCount: number;
}

/** @throws RangeError for an invoice without lines */
export function headerOf(lines: readonly AcceptedLine[]): InvoiceHeader {
  const first = lines[0];
  if (first === undefined) throw new RangeError('An invoice has at least one line');
  let newest = first;
  let named: AcceptedLine | null = null;
  let invoiceDate = first.invoiceDate;
  let totalE4 = 0n;
  for (const line of lines) {
    if (compareVersions(line, newest) > 0) newest = line;
    if (line.customerId !== null && (named === null || compareVersions(line, named) > 0)) named = line;
    if (line.invoiceDate < invoiceDate) invoiceDate = line.invoiceDate;
    totalE4 += BigInt(amountE4(line));
  }
  return {
    invoiceNo: first.invoiceNo,
    customerId: named?.customerId ?? null,
    country: newest.country,
    invoiceDate,
    cancellation: isCancellation(first.invoiceNo),
    totalE4,
    lineCount: lines.length,
  };
}

/** Order of the lines within an invoice: numbered ones by number, then the others by id. Zero-padding makes both text order. */
export function compareLineIds(a: Pick<Line, 'lineId'>, b: Pick<Line, 'lineId'>): number {
  return a.lineId < b.lineId ? -1 : a.lineId > b.lineId ? 1 : 0;
}
