// Puts values of the LMDB order store (stored-invoice.ts) together from columns: invoices that the store does not have yet.
//
// The same bytes that merge-invoice.ts would write (a test holds that), without an object or a buffer for each line.
import { type InvoiceHeader, isCancellation } from '../../model/invoice.ts';
import { compareVersions } from '../../model/line.ts';
import { jsonString } from '../../model/record.ts';
import { openDocument } from './invoice-draft.ts';
import { lineAt, textAt, textOrNullAt } from './line-columns.ts';
import type { LineColumns, TextColumn } from './order-store.ts';
import { CUSTOMERS, dateOfNumber, ENTRY, GUEST, HEAD, LAYOUT, SEPARATOR } from './stored-invoice.ts';

export interface Composed {
  readonly invoiceNo: string;
  readonly customerId: string | null;
  readonly invoiceDate: string;
  readonly value: Buffer;
}

/** Of one set of columns: texts that come again are put into JSON once. */
export class InvoiceComposer {
  readonly #columns: LineColumns;
  readonly #stockCode: readonly string[];
  readonly #description: readonly string[];
  readonly #lineId: readonly string[];
  readonly #customer: readonly string[];
  readonly #country: readonly string[];
  readonly #invoiceNo: readonly string[];

  constructor(columns: LineColumns) {
    this.#columns = columns;
    this.#invoiceNo = pieces(columns.invoiceNo, (json) => `{"invoiceNo":${json},"lineId":`);
    this.#lineId = pieces(columns.lineId, (json) => `${json},"stockCode":`);
    this.#stockCode = pieces(columns.stockCode, (json) => `${json},"description":`);
    this.#description = pieces(columns.description, (json) => `${json},"quantity":`);
    this.#customer = pieces(columns.customerId, (json) => `,"customerId":${json},"country":`);
    this.#country = pieces(columns.country, (json) => `${json},"amount":`);
  }

  /** Lines `start` to before `end`, all of one invoice. */
  compose(start: number, end: number): Composed {
    const columns = this.#columns;
    const header = this.#header(start, end);
    const { customerId } = header;
    const texts: string[] = [];
    for (let index = start; index < end; index += 1) texts.push(this.#lineJson(index));
    const opening = Buffer.from(openDocument(header));
    const customer = Buffer.from(customerId ?? '');
    const linesText = texts.join(SEPARATOR);
    const linesBytes = Buffer.byteLength(linesText);
    const linesStart = HEAD.bytes + customer.length + opening.length;
    const documentEnd = linesStart + linesBytes + 2;
    let entriesBytes = 0;
    for (let index = start; index < end; index += 1) entriesBytes += this.#entryBytes(index);

    const value = Buffer.allocUnsafe(documentEnd + entriesBytes); // every byte of it is written below
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    customer.copy(value, HEAD.bytes);
    opening.copy(value, HEAD.bytes + customer.length);
    value.write(linesText, linesStart);
    value.write(']}', documentEnd - 2, 'latin1');
    const isPlain = linesBytes === linesText.length;
    let at = documentEnd;
    let last = at;
    let several = false;
    for (let index = start; index < end; index += 1) {
      const text = texts[index - start] ?? '';
      last = at;
      at = this.#writeEntry(value, view, at, index, isPlain ? text.length : Buffer.byteLength(text));
      const named = textOrNullAt(columns.customerId, index);
      if (named !== null && named !== customerId) several = true;
    }
    view.setUint8(HEAD.layout, LAYOUT);
    view.setUint8(HEAD.customerBytes, customerId === null ? GUEST : customer.length);
    view.setUint16(HEAD.customers, several ? CUSTOMERS.several : CUSTOMERS.oneAtMost, true);
    view.setUint32(HEAD.linesStart, linesStart, true);
    view.setUint32(HEAD.documentEnd, documentEnd, true);
    view.setUint32(HEAD.lineCount, header.lineCount, true);
    view.setUint32(HEAD.lastEntry, last, true);
    view.setFloat64(HEAD.date, this.#earliest(start, end), true);
    return { invoiceNo: header.invoiceNo, customerId, invoiceDate: header.invoiceDate, value };
  }

  /** As lineJson() in merge-invoice.ts. */
  #lineJson(index: number): string {
    const { invoiceNo, lineId, stockCode, description, customerId, country, quantity, date, priceE4 } = this.#columns;
    return (
      `${this.#invoiceNo[code(invoiceNo, index)]}${this.#lineId[code(lineId, index)]}` +
      `${this.#stockCode[code(stockCode, index)]}${this.#description[code(description, index)]}${quantity[index]}` +
      `,"invoiceDate":"${this.#date(date[index] ?? 0)}","unitPrice":${(priceE4[index] ?? 0) / 10_000}` +
      `${this.#customer[code(customerId, index)]}${this.#country[code(country, index)]}${this.#amountE4(index) / 10_000}}`
    );
  }

  #lastDate = 0;
  #lastDateText = '';

  /** Lines of an invoice mostly share it. */
  #date(date: number): string {
    if (date !== this.#lastDate) {
      this.#lastDate = date;
      this.#lastDateText = dateOfNumber(date);
    }
    return this.#lastDateText;
  }

  /** Of 10^15 at most: divided by 10,000 it is written exactly. */
  #amountE4(index: number): number {
    return (this.#columns.quantity[index] ?? 0) * (this.#columns.priceE4[index] ?? 0) + 0;
  }

  #entryBytes(index: number): number {
    const { lineId, sequence, source } = this.#columns;
    return (
      ENTRY.bytes + [lineId, sequence, source].reduce((sum, text) => sum + Buffer.byteLength(textAt(text, index)), 0)
    );
  }

  /** @returns where the next begins */
  #writeEntry(value: Buffer, view: DataView, at: number, index: number, jsonBytes: number): number {
    const { lineId, sequence, source, position, receivedAt, date, customerId } = this.#columns;
    view.setUint32(at + ENTRY.jsonBytes, jsonBytes, true);
    view.setUint32(at + ENTRY.position, position[index] ?? 0, true);
    view.setFloat64(at + ENTRY.receivedAt, receivedAt[index] ?? 0, true);
    view.setFloat64(at + ENTRY.amountE4, this.#amountE4(index), true);
    view.setFloat64(at + ENTRY.date, date[index] ?? 0, true);
    view.setUint16(at + ENTRY.named, textOrNullAt(customerId, index) === null ? 0 : 1, true);
    let end = at + ENTRY.bytes;
    for (const [column, lengthAt] of [
      [lineId, ENTRY.lineIdBytes],
      [sequence, ENTRY.sequenceBytes],
      [source, ENTRY.sourceBytes],
    ] as const) {
      const written = value.write(textAt(column, index), end);
      view.setUint16(at + lengthAt, written, true);
      end += written;
    }
    return end;
  }

  #earliest(start: number, end: number): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (let index = start; index < end; index += 1) {
      earliest = Math.min(earliest, this.#columns.date[index] ?? earliest);
    }
    return earliest;
  }

  /** As headerOf() of model/invoice.ts. */
  #header(start: number, end: number): InvoiceHeader {
    const columns = this.#columns;
    let newest = start;
    let named = -1;
    let totalE4 = 0n;
    let sum = 0;
    for (let index = start; index < end; index += 1) {
      if (this.#isNewer(index, newest)) newest = index;
      const isNamed = textOrNullAt(columns.customerId, index) !== null;
      if (isNamed && (named < 0 || this.#isNewer(index, named))) named = index;
      sum += this.#amountE4(index);
      if (Math.abs(sum) > SUM_EXACT_MAX) {
        totalE4 += BigInt(sum);
        sum = 0;
      }
    }
    const invoiceNo = textAt(columns.invoiceNo, start);
    return {
      invoiceNo,
      customerId: named < 0 ? null : textOrNullAt(columns.customerId, named),
      country: textAt(columns.country, newest),
      invoiceDate: dateOfNumber(this.#earliest(start, end)),
      cancellation: isCancellation(invoiceNo),
      totalE4: totalE4 + BigInt(sum),
      lineCount: end - start,
    };
  }

  #isNewer(index: number, than: number): boolean {
    const { receivedAt, sequence, position } = this.#columns;
    const isSameMoment = receivedAt[index] === receivedAt[than] && code(sequence, index) === code(sequence, than);
    if (isSameMoment) return (position[index] ?? 0) > (position[than] ?? 0);
    return compareVersions(lineAt(this.#columns, index), lineAt(this.#columns, than)) > 0;
  }
}

/** A sum that may still take an amount, 10^15, and be exact. */
const SUM_EXACT_MAX = 4e15;

function code({ codes }: TextColumn, index: number): number {
  return codes[index] ?? 0;
}

function pieces({ values }: TextColumn, piece: (json: string) => string): string[] {
  return values.map((value) => piece(value === null ? 'null' : jsonString(value)));
}
