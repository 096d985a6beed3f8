// Lines out of columns (order-store.ts), one at a time.
import type { AcceptedLine } from '../../model/line.ts';
import type { LineColumns, TextColumn } from './order-store.ts';
import { dateOfNumber } from './stored-invoice.ts';

export function codeAt({ codes }: TextColumn, index: number): number {
  return codes[index] ?? 0;
}

export function textAt({ codes, values }: TextColumn, index: number): string {
  return values[codes[index] ?? 0] ?? '';
}

export function textOrNullAt({ codes, values }: TextColumn, index: number): string | null {
  return values[codes[index] ?? 0] ?? null;
}

/** A line as ingest would have it, for where one is merged into others. */
export function lineAt(columns: LineColumns, index: number): AcceptedLine {
  return {
    invoiceNo: textAt(columns.invoiceNo, index),
    lineId: textAt(columns.lineId, index),
    stockCode: textAt(columns.stockCode, index),
    description: textOrNullAt(columns.description, index),
    quantity: columns.quantity[index] ?? 0,
    invoiceDate: dateOfNumber(columns.date[index] ?? 0),
    unitPrice: (columns.priceE4[index] ?? 0) / 10_000,
    customerId: textOrNullAt(columns.customerId, index),
    country: textAt(columns.country, index),
    receivedAt: columns.receivedAt[index] ?? 0,
    sequence: textAt(columns.sequence, index),
    position: columns.position[index] ?? 0,
    source: textAt(columns.source, index),
  };
}

export function linesAt(columns: LineColumns, start: number, end: number): AcceptedLine[] {
  return Array.from({ length: end - start }, (_, index) => lineAt(columns, start + index));
}
