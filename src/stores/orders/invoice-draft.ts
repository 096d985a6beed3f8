// Puts a value of the LMDB order store (stored-invoice.ts) together, from what stays of the old one and what is new.
//
// Lines that stay are copied as bytes, not parsed, so a line more costs little however many there are. The header is
// recomputed from all lines: the same as headerOf() of model/invoice.ts gives, against which tests and digest() hold it.
import { type InvoiceHeader, isCancellation } from '../../model/invoice.ts';
import { type AcceptedLine, compareVersions, type Line } from '../../model/line.ts';
import { amountE4, textFromE4 } from '../../model/money.ts';
import { jsonString } from '../../model/record.ts';
import {
  CUSTOMERS,
  dateOfNumber,
  ENTRY,
  GUEST,
  HEAD,
  LAYOUT,
  numberOfDate,
  SEPARATOR,
  type StoredInvoice,
  type StoredLine,
} from './stored-invoice.ts';

const COMMA = Buffer.from(SEPARATOR);
const END = Buffer.from(']}');

/** To be given all lines of the invoice, in order of lineId. */
export class InvoiceDraft {
  readonly #old: StoredInvoice | null;
  readonly #lines: Uint8Array[] = [];
  readonly #entries: Uint8Array[] = [];
  /** First and last of a run of old lines that stay: copied in one piece. */
  #runStart: StoredLine | null = null;
  #runEnd: StoredLine | null = null;
  #newest: StoredLine | AcceptedLine | null = null;
  #newestNamed: StoredLine | AcceptedLine | null = null;
  #date = Number.POSITIVE_INFINITY;
  #lastEntryBytes = 0;
  /** Whom every line of the old one names that names anybody; null: they name several, or nobody. */
  readonly #oldCustomer: string | null;
  /** Whom the lines so far name, the first of them. */
  #customer: string | null = null;
  #several = false;
  readonly #sum = new ExactSum();
  lineCount = 0;

  constructor(old: StoredInvoice | null) {
    this.#old = old;
    this.#oldCustomer = old === null || old.namesSeveral ? null : old.customerId;
  }

  /** A line that stays as it is. */
  keep(line: StoredLine): void {
    this.#runStart ??= line;
    this.#runEnd = line;
    this.#lastEntryBytes = line.end - line.start;
    const { named } = line;
    // Only an invoice of several customers has its lines parsed here, and no further than to the second one.
    if (named && !this.#several) this.#noteCustomer(this.#oldCustomer ?? line.customerId);
    this.#account(line, named, line.date, line.amountE4);
  }

  add(line: AcceptedLine, json: string): void {
    this.#endRun();
    const text = Buffer.from(json);
    const date = numberOfDate(line.invoiceDate);
    const amount = amountE4(line);
    const entry = encodeEntry(line, text.length, date, amount);
    this.#lines.push(text);
    this.#entries.push(entry);
    this.#lastEntryBytes = entry.length;
    this.#noteCustomer(line.customerId);
    this.#account(line, line.customerId !== null, date, amount);
  }

  finish(): { readonly header: InvoiceHeader; readonly value: Buffer } {
    this.#endRun();
    if (this.#newest === null) throw new RangeError('An invoice has at least one line');
    const newest = fieldsOf(this.#newest);
    const header: InvoiceHeader = {
      invoiceNo: newest.invoiceNo,
      customerId: this.#newestNamed === null ? null : fieldsOf(this.#newestNamed).customerId,
      country: newest.country,
      invoiceDate: dateOfNumber(this.#date),
      cancellation: isCancellation(newest.invoiceNo),
      totalE4: this.#sum.value(),
      lineCount: this.lineCount,
    };
    return { header, value: this.#encode(header) };
  }

  #account(line: StoredLine | AcceptedLine, named: boolean, date: number, amount: number): void {
    this.lineCount += 1;
    this.#sum.add(amount);
    if (date < this.#date) this.#date = date;
    if (this.#newest === null || compareVersions(line, this.#newest) > 0) this.#newest = line;
    if (!named) return;
    if (this.#newestNamed === null || compareVersions(line, this.#newestNamed) > 0) this.#newestNamed = line;
  }

  #noteCustomer(customerId: string | null): void {
    if (customerId === null) return;
    this.#customer ??= customerId;
    if (customerId !== this.#customer) this.#several = true;
  }

  #endRun(): void {
    if (this.#old !== null && this.#runStart !== null && this.#runEnd !== null) {
      this.#lines.push(this.#old.bytes.subarray(this.#runStart.jsonStart, this.#runEnd.jsonEnd));
      this.#entries.push(this.#old.bytes.subarray(this.#runStart.start, this.#runEnd.end));
    }
    this.#runStart = null;
    this.#runEnd = null;
  }

  #encode(header: InvoiceHeader): Buffer {
    const head = Buffer.alloc(HEAD.bytes);
    const customer = Buffer.from(header.customerId ?? '');
    const opening = Buffer.from(openDocument(header));
    const pieces: Uint8Array[] = [head, customer, opening];
    const linesStart = bytesOf(pieces);
    for (const [index, line] of this.#lines.entries()) {
      if (index > 0) pieces.push(COMMA);
      pieces.push(line);
    }
    pieces.push(END);
    const documentEnd = bytesOf(pieces);
    for (const entry of this.#entries) pieces.push(entry);
    const end = documentEnd + bytesOf(this.#entries);
    writeHead(head, header, {
      customerBytes: customer.length,
      namesSeveral: this.#several,
      linesStart,
      documentEnd,
      lastEntry: end - this.#lastEntryBytes,
      date: this.#date,
    });
    return Buffer.concat(pieces, end);
  }
}

/** Where things stand in a value, and what is noted of its lines. */
interface Layout {
  readonly customerBytes: number;
  readonly namesSeveral: boolean;
  readonly linesStart: number;
  readonly documentEnd: number;
  readonly lastEntry: number;
  readonly date: number;
}

/** @param value its first HEAD.bytes are written */
export function writeHead(value: Buffer, { customerId, lineCount }: InvoiceHeader, layout: Layout): void {
  value.writeUInt8(LAYOUT, HEAD.layout);
  value.writeUInt8(customerId === null ? GUEST : layout.customerBytes, HEAD.customerBytes);
  value.writeUInt16LE(layout.namesSeveral ? CUSTOMERS.several : CUSTOMERS.oneAtMost, HEAD.customers);
  value.writeUInt32LE(layout.linesStart, HEAD.linesStart);
  value.writeUInt32LE(layout.documentEnd, HEAD.documentEnd);
  value.writeUInt32LE(lineCount, HEAD.lineCount);
  value.writeUInt32LE(layout.lastEntry, HEAD.lastEntry);
  value.writeDoubleLE(layout.date, HEAD.date);
}

/** Everything of an answer before its lines. */
export function openDocument(header: InvoiceHeader): string {
  const { invoiceNo, customerId, country, invoiceDate, cancellation, totalE4, lineCount } = header;
  return (
    `{"invoiceNo":${jsonString(invoiceNo)},"customerId":${customerId === null ? 'null' : jsonString(customerId)}` +
    `,"country":${jsonString(country)},"invoiceDate":"${invoiceDate}","cancellation":${cancellation}` +
    `,"total":${textFromE4(totalE4)},"lineCount":${lineCount},"lines":[`
  );
}

function encodeEntry(line: AcceptedLine, jsonBytes: number, date: number, amount: number): Buffer {
  const lineIdBytes = Buffer.byteLength(line.lineId);
  const sequenceBytes = Buffer.byteLength(line.sequence);
  // Every byte of it is written below.
  const entry = Buffer.allocUnsafe(ENTRY.bytes + lineIdBytes + sequenceBytes + Buffer.byteLength(line.source));
  entry.writeUInt32LE(jsonBytes, ENTRY.jsonBytes);
  entry.writeUInt32LE(line.position, ENTRY.position);
  entry.writeDoubleLE(line.receivedAt, ENTRY.receivedAt);
  entry.writeDoubleLE(amount, ENTRY.amountE4);
  entry.writeDoubleLE(date, ENTRY.date);
  entry.writeUInt16LE(lineIdBytes, ENTRY.lineIdBytes);
  entry.writeUInt16LE(sequenceBytes, ENTRY.sequenceBytes);
  entry.writeUInt16LE(entry.length - ENTRY.bytes - lineIdBytes - sequenceBytes, ENTRY.sourceBytes);
  entry.writeUInt16LE(line.customerId === null ? 0 : 1, ENTRY.named);
  entry.write(line.lineId + line.sequence + line.source, ENTRY.bytes);
  return entry;
}

function fieldsOf(line: StoredLine | AcceptedLine): Line {
  return 'toLine' in line ? line.toLine() : line;
}

function bytesOf(pieces: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const piece of pieces) bytes += piece.length;
  return bytes;
}

/** An amount is 10^15 at most, so that four more always fit beside what may wait here. */
const EXACT_MAX = 4e15;

/** Adds numbers, and only what outgrows them as BigInt: ten thousand BigInts take a millisecond. */
export class ExactSum {
  #large = 0n;
  #small = 0;

  add(amount: number): void {
    if (Math.abs(this.#small) > EXACT_MAX) {
      this.#large += BigInt(this.#small);
      this.#small = 0;
    }
    this.#small += amount;
  }

  value(): bigint {
    return this.#large + BigInt(this.#small);
  }
}
