// Puts values of the LMDB order store (stored-invoice.ts) together from columns: invoices that the store does not have yet.
//
// The same bytes that merge-invoice.ts would write (test/contract/orders-load.contract.ts holds that), without an object, a
// text or a buffer for each line: they are written into one block, which is used again for the next group.
import { type InvoiceHeader, isCancellation } from '../../model/invoice.ts';
import { lineLimits } from '../../model/line.ts';
import { jsonString } from '../../model/record.ts';
import { ExactSum, openDocument, writeHead } from './invoice-draft.ts';
import { codeAt, textAt, textOrNullAt } from './line-columns.ts';
import type { LineColumns, TextColumn } from './order-store.ts';
import { StorableLines } from './storable.ts';
import { dateOfNumber, ENTRY, HEAD, SEPARATOR } from './stored-invoice.ts';
import { NUMBER_BYTES_MAX, TextBytes, writeE4, writeInteger } from './text-bytes.ts';

export interface Composed {
  readonly invoiceNo: string;
  readonly customerId: string | null;
  readonly invoiceDate: string;
  /** Good until reuse(). */
  readonly value: Buffer;
}

const COMMA = SEPARATOR.charCodeAt(0);
const BRACE = '}'.charCodeAt(0);
const END = Buffer.from(']}');
const datePiece = (date: number) => `,"invoiceDate":"${dateOfNumber(date)}","unitPrice":`;
/** What a line takes at most beside its texts. */
const LINE_BYTES_MAX = datePiece(20101201082600).length + 3 * NUMBER_BYTES_MAX + '},'.length + ENTRY.bytes;

/** Of one set of columns. */
export class InvoiceComposer {
  readonly #columns: LineColumns;
  /** What stands in a line's JSON from one number to the next, by code. */
  readonly #pieces: Readonly<Record<'invoiceNo' | 'lineId' | 'stockCode' | 'description' | 'customerId', TextBytes>>;
  readonly #country: TextBytes;
  /** What stands in an entry. */
  readonly #raw: Readonly<Record<'lineId' | 'sequence' | 'source', TextBytes>>;
  readonly #storable: StorableLines;
  #block: Buffer;
  #used = 0;
  /** Of the lines of the invoice at hand. */
  readonly #jsonBytes = new Uint32Array(lineLimits.linesPerInvoiceMax);
  #date = 0;
  #datePiece = new TextBytes(['']);

  constructor(columns: LineColumns, blockBytes: number) {
    this.#columns = columns;
    const { invoiceNo, lineId, stockCode, description, customerId, country, sequence, source } = columns;
    this.#pieces = {
      invoiceNo: bytesOf(invoiceNo, (json) => `{"invoiceNo":${json},"lineId":`),
      lineId: bytesOf(lineId, (json) => `${json},"stockCode":`),
      stockCode: bytesOf(stockCode, (json) => `${json},"description":`),
      description: bytesOf(description, (json) => `${json},"quantity":`),
      customerId: bytesOf(customerId, (json) => `,"customerId":${json},"country":`),
    };
    this.#country = bytesOf(country, (json) => `${json},"amount":`);
    this.#raw = { lineId: rawBytesOf(lineId), sequence: rawBytesOf(sequence), source: rawBytesOf(source) };
    this.#storable = new StorableLines(columns);
    this.#block = Buffer.allocUnsafeSlow(blockBytes);
  }

  /**
   * @returns bytes that lines `start` to before `end` take at most
   * @throws unusable_record  for one that ingest would not have let in
   */
  measure(start: number, end: number): number {
    const { invoiceNo, lineId, stockCode, description, customerId, country, sequence, source } = this.#columns;
    const pieces = this.#pieces;
    let bytes = (end - start) * LINE_BYTES_MAX;
    for (let index = start; index < end; index += 1) {
      this.#storable.assert(index);
      bytes +=
        pieces.invoiceNo.lengthOf(codeAt(invoiceNo, index)) +
        pieces.lineId.lengthOf(codeAt(lineId, index)) +
        pieces.stockCode.lengthOf(codeAt(stockCode, index)) +
        pieces.description.lengthOf(codeAt(description, index)) +
        pieces.customerId.lengthOf(codeAt(customerId, index)) +
        this.#country.lengthOf(codeAt(country, index)) +
        this.#raw.lineId.lengthOf(codeAt(lineId, index)) +
        this.#raw.sequence.lengthOf(codeAt(sequence, index)) +
        this.#raw.source.lengthOf(codeAt(source, index));
    }
    return bytes;
  }

  /** @param linesBytesMax as measure() has it for lines `start` to before `end`, all of one invoice, by rising lineId */
  compose(start: number, end: number, linesBytesMax: number): Composed {
    const header = this.#header(start, end);
    const customer = Buffer.from(header.customerId ?? '');
    const opening = Buffer.from(openDocument(header));
    const block = this.#room(HEAD.bytes + customer.length + opening.length + linesBytesMax + END.length);
    const valueStart = this.#used;
    const linesStart = valueStart + HEAD.bytes + customer.length + opening.length;
    customer.copy(block, valueStart + HEAD.bytes);
    opening.copy(block, linesStart - opening.length);
    let at = linesStart;
    for (let index = start; index < end; index += 1) {
      if (index > start) block[at++] = COMMA;
      const lineEnd = this.#writeJson(block, at, index);
      this.#jsonBytes[index - start] = lineEnd - at;
      at = lineEnd;
    }
    at += END.copy(block, at);
    const documentEnd = at;
    const view = new DataView(block.buffer, block.byteOffset);
    let lastEntry = at;
    for (let index = start; index < end; index += 1) {
      lastEntry = at;
      at = this.#writeEntry(block, view, at, index, this.#jsonBytes[index - start] ?? 0);
    }
    this.#used = at;
    const value = block.subarray(valueStart, at);
    writeHead(value, header, {
      customerBytes: customer.length,
      namesSeveral: this.#namesSeveral(start, end, header.customerId),
      linesStart: linesStart - valueStart,
      documentEnd: documentEnd - valueStart,
      lastEntry: lastEntry - valueStart,
      date: this.#earliest(start, end),
    });
    return { invoiceNo: header.invoiceNo, customerId: header.customerId, invoiceDate: header.invoiceDate, value };
  }

  /** What was composed so far is needed no more. */
  reuse(): void {
    this.#used = 0;
  }

  /** Values before stay in the block that they are in. */
  #room(bytes: number): Buffer {
    if (this.#used + bytes > this.#block.length) {
      this.#block = Buffer.allocUnsafeSlow(Math.max(this.#block.length, bytes));
      this.#used = 0;
    }
    return this.#block;
  }

  /** As lineJson() in merge-invoice.ts. @returns its end */
  #writeJson(block: Buffer, start: number, index: number): number {
    const { invoiceNo, lineId, stockCode, description, customerId, country, quantity, date, priceE4 } = this.#columns;
    const pieces = this.#pieces;
    let at = pieces.invoiceNo.write(block, start, codeAt(invoiceNo, index));
    at = pieces.lineId.write(block, at, codeAt(lineId, index));
    at = pieces.stockCode.write(block, at, codeAt(stockCode, index));
    at = pieces.description.write(block, at, codeAt(description, index));
    at = writeInteger(block, at, quantity[index] ?? 0);
    at = this.#writeDate(block, at, date[index] ?? 0);
    at = writeE4(block, at, priceE4[index] ?? 0);
    at = pieces.customerId.write(block, at, codeAt(customerId, index));
    at = this.#country.write(block, at, codeAt(country, index));
    at = writeE4(block, at, this.#amountE4(index));
    block[at] = BRACE;
    return at + 1;
  }

  /** Lines of an invoice mostly share it. */
  #writeDate(block: Buffer, at: number, date: number): number {
    if (date !== this.#date) {
      this.#date = date;
      this.#datePiece = new TextBytes([datePiece(date)]);
    }
    return this.#datePiece.write(block, at, 0);
  }

  /** @returns where the next begins */
  #writeEntry(block: Buffer, view: DataView, at: number, index: number, jsonBytes: number): number {
    const { lineId, sequence, source, position, receivedAt, date, customerId } = this.#columns;
    const lineIdEnd = this.#raw.lineId.write(block, at + ENTRY.bytes, codeAt(lineId, index));
    const sequenceEnd = this.#raw.sequence.write(block, lineIdEnd, codeAt(sequence, index));
    const end = this.#raw.source.write(block, sequenceEnd, codeAt(source, index));
    view.setUint32(at + ENTRY.jsonBytes, jsonBytes, true);
    view.setUint32(at + ENTRY.position, position[index] ?? 0, true);
    view.setFloat64(at + ENTRY.receivedAt, receivedAt[index] ?? 0, true);
    view.setFloat64(at + ENTRY.amountE4, this.#amountE4(index), true);
    view.setFloat64(at + ENTRY.date, date[index] ?? 0, true);
    view.setUint16(at + ENTRY.lineIdBytes, lineIdEnd - at - ENTRY.bytes, true);
    view.setUint16(at + ENTRY.sequenceBytes, sequenceEnd - lineIdEnd, true);
    view.setUint16(at + ENTRY.sourceBytes, end - sequenceEnd, true);
    view.setUint16(at + ENTRY.named, textOrNullAt(customerId, index) === null ? 0 : 1, true);
    return end;
  }

  #amountE4(index: number): number {
    return (this.#columns.quantity[index] ?? 0) * (this.#columns.priceE4[index] ?? 0) + 0; // + 0: never minus zero
  }

  #earliest(start: number, end: number): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (let index = start; index < end; index += 1) {
      earliest = Math.min(earliest, this.#columns.date[index] ?? earliest);
    }
    return earliest;
  }

  #namesSeveral(start: number, end: number, customerId: string | null): boolean {
    for (let index = start; index < end; index += 1) {
      const named = textOrNullAt(this.#columns.customerId, index);
      if (named !== null && named !== customerId) return true;
    }
    return false;
  }

  /** As headerOf() of model/invoice.ts. */
  #header(start: number, end: number): InvoiceHeader {
    const columns = this.#columns;
    const sum = new ExactSum();
    let newest = start;
    let named = -1;
    for (let index = start; index < end; index += 1) {
      sum.add(this.#amountE4(index));
      if (this.#isNewer(index, newest)) newest = index;
      if (textOrNullAt(columns.customerId, index) === null) continue;
      if (named < 0 || this.#isNewer(index, named)) named = index;
    }
    const invoiceNo = textAt(columns.invoiceNo, start);
    return {
      invoiceNo,
      customerId: named < 0 ? null : textOrNullAt(columns.customerId, named),
      country: textAt(columns.country, newest),
      invoiceDate: dateOfNumber(this.#earliest(start, end)),
      cancellation: isCancellation(invoiceNo),
      totalE4: sum.value(),
      lineCount: end - start,
    };
  }

  /** As compareVersions() of model/line.ts. */
  #isNewer(index: number, than: number): boolean {
    const { receivedAt, sequence, position } = this.#columns;
    const later = (receivedAt[index] ?? 0) - (receivedAt[than] ?? 0);
    if (later !== 0) return later > 0;
    if (codeAt(sequence, index) !== codeAt(sequence, than)) return textAt(sequence, index) > textAt(sequence, than);
    return (position[index] ?? 0) > (position[than] ?? 0);
  }
}

function bytesOf({ values }: TextColumn, piece: (json: string) => string): TextBytes {
  return new TextBytes(values.map((value) => piece(value === null ? 'null' : jsonString(value))));
}

function rawBytesOf({ values }: TextColumn): TextBytes {
  return new TextBytes(values.map((value) => value ?? ''));
}
