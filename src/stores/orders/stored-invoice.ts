// What the LMDB order store keeps of an invoice, in one value: the answer, ready to send, then a ledger for merging.
//
// A look-up copies the document and parses nothing; a merge reads the entries in place (merge-invoice.ts writes both).
// All numbers are little-endian:
//
//   head      u8 layout, u8 bytes of customerId (255: a guest), u16 whether lines name several customers (see CUSTOMERS),
//             u32 start of the first line's JSON, u32 end of the document, u32 lines, u32 start of the last entry,
//             f64 date; then customerId
//   document  {"invoiceNo":…,"lines":[…,…]}
//   entries   one a line, in the document's order: see ENTRY, then lineId, sequence and source
import type { InvoiceHeader } from '../../model/invoice.ts';
import type { AcceptedLine, Line, Version } from '../../model/line.ts';

export const LAYOUT = 1;
export const GUEST = 255;

export const HEAD = {
  layout: 0,
  customerBytes: 1,
  customers: 2,
  linesStart: 4,
  documentEnd: 8,
  lineCount: 12,
  lastEntry: 16,
  date: 20,
  bytes: 28,
} as const;

/** Customers whom the lines of an invoice name. */
export const CUSTOMERS = {
  /** Of a value that was written before this was noted. */
  notNoted: 0,
  /** All that name one name the same; or none does. */
  oneAtMost: 1,
  several: 2,
} as const;

export const ENTRY = {
  jsonBytes: 0,
  position: 4,
  receivedAt: 8,
  amountE4: 16,
  date: 24,
  lineIdBytes: 32,
  sequenceBytes: 34,
  sourceBytes: 36,
  /** 1 when the line names a customer. */
  named: 38,
  bytes: 40,
} as const;

const TOTAL = '"total":';
const LINE_COUNT = ',"lineCount":';
/** Between the JSON of two lines. */
export const SEPARATOR = ',';

/** `2010-12-01T08:26:00` as the number 20101201082600: compared without decoding a text. */
export function numberOfDate(text: string): number {
  return Number(text.replace(/[-T:]/g, ''));
}

export function dateOfNumber(date: number): string {
  const text = String(date);
  const day = `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6, 8)}`;
  return `${day}T${text.slice(8, 10)}:${text.slice(10, 12)}:${text.slice(12)}`;
}

/** The reverse of textFromE4(). */
function e4OfText(text: string): bigint {
  const [pounds = '', fraction = ''] = text.split('.');
  return BigInt(pounds + fraction.padEnd(4, '0'));
}

/** A value, in place. */
export class StoredInvoice {
  readonly bytes: Buffer;
  readonly view: DataView;

  /** @throws Error  for a value of another layout */
  constructor(bytes: Buffer) {
    if (bytes[HEAD.layout] !== LAYOUT) throw new Error(`An invoice of layout ${bytes[HEAD.layout]}, not ${LAYOUT}`);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get customerId(): string | null {
    const length = this.view.getUint8(HEAD.customerBytes);
    return length === GUEST ? null : this.bytes.toString('utf8', HEAD.bytes, HEAD.bytes + length);
  }

  /** Whether a line names another customer than the invoice's. */
  get namesSeveral(): boolean {
    const noted = this.view.getUint16(HEAD.customers, true);
    if (noted !== CUSTOMERS.notNoted) return noted === CUSTOMERS.several;
    const { customerId } = this;
    for (const line of this.lines()) if (line.named && line.customerId !== customerId) return true;
    return false;
  }

  get invoiceDate(): string {
    return dateOfNumber(this.view.getFloat64(HEAD.date, true));
  }

  /** The JSON that is answered; a part of the value, not a copy. */
  get document(): Buffer {
    return this.bytes.subarray(this.#documentStart, this.#documentEnd);
  }

  /** The document as far as its first line. */
  get opening(): string {
    return this.bytes.toString('utf8', this.#documentStart, this.#linesStart);
  }

  get header(): InvoiceHeader {
    const { opening } = this;
    const { invoiceNo, customerId, country, invoiceDate, cancellation, lineCount } = JSON.parse(`${opening}]}`);
    // A JSON number of this size is read with less than its digits. After it stand digits and names only.
    const total = opening.slice(opening.lastIndexOf(TOTAL) + TOTAL.length, opening.lastIndexOf(LINE_COUNT));
    return { invoiceNo, customerId, country, invoiceDate, cancellation, totalE4: e4OfText(total), lineCount };
  }

  firstLine(): StoredLine {
    return new StoredLine(this, this.#documentEnd, this.#linesStart);
  }

  *lines(): Generator<StoredLine> {
    for (let line: StoredLine | null = this.firstLine(); line !== null; line = line.next()) yield line;
  }

  /** Of the last line: whatever sorts after it is new. */
  get lastLineId(): string {
    return new StoredLine(this, this.view.getUint32(HEAD.lastEntry, true), 0).lineId;
  }

  get #documentStart(): number {
    const length = this.view.getUint8(HEAD.customerBytes);
    return HEAD.bytes + (length === GUEST ? 0 : length);
  }

  get #linesStart(): number {
    return this.view.getUint32(HEAD.linesStart, true);
  }

  get #documentEnd(): number {
    return this.view.getUint32(HEAD.documentEnd, true);
  }
}

/** A line of a value, in place: what is not asked for is not decoded. */
export class StoredLine implements Version {
  readonly #invoice: StoredInvoice;
  /** Of its entry. */
  readonly start: number;
  readonly jsonStart: number;

  constructor(invoice: StoredInvoice, start: number, jsonStart: number) {
    this.#invoice = invoice;
    this.start = start;
    this.jsonStart = jsonStart;
  }

  /** null after the last. */
  next(): StoredLine | null {
    const end = this.end;
    if (end >= this.#invoice.bytes.length) return null;
    return new StoredLine(this.#invoice, end, this.jsonEnd + SEPARATOR.length);
  }

  get end(): number {
    return this.#textStart(3);
  }

  get jsonEnd(): number {
    return this.jsonStart + this.#invoice.view.getUint32(this.start + ENTRY.jsonBytes, true);
  }

  get json(): string {
    return this.#invoice.bytes.toString('utf8', this.jsonStart, this.jsonEnd);
  }

  get receivedAt(): number {
    return this.#invoice.view.getFloat64(this.start + ENTRY.receivedAt, true);
  }

  get position(): number {
    return this.#invoice.view.getUint32(this.start + ENTRY.position, true);
  }

  get amountE4(): number {
    return this.#invoice.view.getFloat64(this.start + ENTRY.amountE4, true);
  }

  get date(): number {
    return this.#invoice.view.getFloat64(this.start + ENTRY.date, true);
  }

  get named(): boolean {
    return this.#invoice.view.getUint16(this.start + ENTRY.named, true) === 1;
  }

  /** Parses the line. */
  get customerId(): string | null {
    return (JSON.parse(this.json) as Line).customerId;
  }

  get lineId(): string {
    return this.#invoice.bytes.toString('utf8', this.#textStart(0), this.#textStart(1));
  }

  get sequence(): string {
    return this.#invoice.bytes.toString('utf8', this.#textStart(1), this.#textStart(2));
  }

  get source(): string {
    return this.#invoice.bytes.toString('utf8', this.#textStart(2), this.#textStart(3));
  }

  /** As it was accepted, but with the amount beside, and without `extra`, which is not kept here. */
  toLine(): AcceptedLine {
    const { receivedAt, sequence, position, source } = this;
    return Object.assign(JSON.parse(this.json) as Line, { receivedAt, sequence, position, source });
  }

  /** Where lineId (0), sequence (1), source (2) and the next entry (3) start. */
  #textStart(index: 0 | 1 | 2 | 3): number {
    const { view } = this.#invoice;
    let at = this.start + ENTRY.bytes;
    if (index > 0) at += view.getUint16(this.start + ENTRY.lineIdBytes, true);
    if (index > 1) at += view.getUint16(this.start + ENTRY.sequenceBytes, true);
    if (index > 2) at += view.getUint16(this.start + ENTRY.sourceBytes, true);
    return at;
  }
}
