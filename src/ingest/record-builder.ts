// Groups the lines of one request into records of the stream, by invoice.
//
// The lines of an invoice are gathered as text and turned into bytes at once: line by line takes three times as long.
import { type Extra, type Line, lineLimits } from '../model/line.ts';
import { RECORD_BYTES_MAX, RecordText } from '../model/record.ts';
import type { NewRecord } from '../stream/event-stream.ts';

/** A record, and which lines of the request are in it. */
export interface BuiltRecord extends NewRecord {
  /** In order; index 0: the first line of the request. */
  readonly positions: readonly number[];
}

/** Of a character of UTF-16. */
const UTF8_BYTES_MAX = 3;

export class RecordBuilder {
  readonly #text: RecordText;
  readonly #open = new Map<string, Group>();
  readonly #linesOf = new Map<string, number>();
  readonly #full: Group[] = [];

  /** @param receivedAt µs since 1970, of the whole request */
  constructor(receivedAt: number, source: string) {
    this.#text = new RecordText(receivedAt, source);
  }

  /** False when the invoice has more lines in this request than an invoice can have: the line is not taken. */
  add(line: Line, extra: Extra | undefined, position: number): boolean {
    const { invoiceNo } = line;
    const lines = (this.#linesOf.get(invoiceNo) ?? 0) + 1;
    if (lines > lineLimits.linesPerInvoiceMax) return false;
    this.#linesOf.set(invoiceNo, lines);
    const text = this.#text.line(line, position, extra);
    const open = this.#open.get(invoiceNo);
    if (open?.add(text, position) === true) return true;
    if (open !== undefined) this.#full.push(open);
    const group = new Group(invoiceNo);
    group.add(text, position);
    this.#open.set(invoiceNo, group);
    return true;
  }

  /** All records; full ones first, so that records of an invoice stay in the order of their lines. */
  records(): BuiltRecord[] {
    return [...this.#full, ...this.#open.values()].map((group) => group.record());
  }
}

/** The lines of one record to be. */
class Group {
  readonly #key: string;
  readonly #positions: number[] = [];
  /** Bytes of the first lines, where it came to counting them, and text of the rest. */
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #text = '';

  constructor(key: string) {
    this.#key = key;
  }

  /** False when the record would be too large with this line, and has one. */
  add(text: string, position: number): boolean {
    if (!this.#has(text.length * UTF8_BYTES_MAX)) {
      this.#encode();
      if (!this.#has(Buffer.byteLength(text)) && this.#positions.length > 0) return false;
    }
    this.#text += text;
    this.#positions.push(position);
    return true;
  }

  record(): BuiltRecord {
    this.#encode();
    const [first] = this.#pieces;
    const data = first !== undefined && this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces);
    return { key: this.#key, data, positions: this.#positions };
  }

  /** Whether there is room for so many bytes more, whatever the characters of the text are. */
  #has(bytes: number): boolean {
    return this.#bytes + this.#text.length * UTF8_BYTES_MAX + bytes <= RECORD_BYTES_MAX;
  }

  #encode(): void {
    if (this.#text === '') return;
    const piece = Buffer.from(this.#text);
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    this.#text = '';
  }
}
