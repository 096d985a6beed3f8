// Lines for tests of load(): the same that apply() takes, in columns.
import { type AcceptedLine, compareVersions } from '../../src/model/line.ts';
import { toE4 } from '../../src/model/money.ts';
import type { LineColumns, TextColumn } from '../../src/stores/orders/order-store.ts';
import { numberOfDate } from '../../src/stores/orders/stored-invoice.ts';

/** As a part has them: by invoice, then by line, in order of UTF-8 bytes; of every identity the newest. */
export function newestOf(lines: readonly AcceptedLine[]): AcceptedLine[] {
  const newest = new Map<string, AcceptedLine>();
  for (const line of lines) {
    const identity = `${line.invoiceNo}\u0000${line.lineId}`;
    const standing = newest.get(identity);
    if (standing === undefined || compareVersions(line, standing) > 0) newest.set(identity, line);
  }
  return [...newest]
    .map(([identity, line]) => ({ key: Buffer.from(identity), line }))
    .sort((a, b) => a.key.compare(b.key))
    .map(({ line }) => line);
}

/** In the order given. */
export function columnsOf(lines: readonly AcceptedLine[]): LineColumns {
  const texts = (of: (line: AcceptedLine) => string | null) => textColumn(lines.map(of));
  const numbers = (of: (line: AcceptedLine) => number) => Float64Array.from(lines, of);
  return {
    count: lines.length,
    invoiceNo: texts((line) => line.invoiceNo),
    lineId: texts((line) => line.lineId),
    stockCode: texts((line) => line.stockCode),
    description: texts((line) => line.description),
    customerId: texts((line) => line.customerId),
    country: texts((line) => line.country),
    sequence: texts((line) => line.sequence),
    source: texts((line) => line.source),
    quantity: numbers((line) => line.quantity),
    date: numbers((line) => numberOfDate(line.invoiceDate)),
    priceE4: numbers((line) => toE4(line.unitPrice)),
    receivedAt: numbers((line) => line.receivedAt),
    position: numbers((line) => line.position),
  };
}

function textColumn(texts: readonly (string | null)[]): TextColumn {
  const values = [null, ...new Set(texts.filter((text) => text !== null))];
  const codes = new Map(values.map((text, code) => [text, code]));
  return { values, codes: Uint32Array.from(texts, (text) => codes.get(text) ?? 0) };
}
