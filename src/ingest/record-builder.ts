// Groups the lines of one request into records of the stream, by invoice.
//
// Lines are written as they come, one after the other, into large buffers; where those of an invoice lie together, its
// record is a view of them, not a copy.
import { type Extra, type Line, lineLimits } from '../model/line.ts';
import { RECORD_BYTES_MAX, RecordText } from '../model/record.ts';
import type { NewRecord } from '../stream/event-stream.ts';

/** A record, and which lines of the request are in it. */
export interface BuiltRecord extends NewRecord {
  /** In order; index 0: the first line of the request. */
  readonly positions: readonly number[];
}

/** Larger than any line, small enough not to matter for a request of a few lines. */
const CHUNK_BYTES = 64 * 1024;
/** Of a character of UTF-16. */
const UTF8_BYTES_MAX = 3;

interface Group {
  readonly key: string;
  bytes: number;
  readonly positions: number[];
  /** In order; a line that follows the one before in memory extends the last of them. */
  readonly runs: { readonly chunk: Buffer; readonly start: number; end: number }[];
}

export class RecordBuilder {
  readonly #text: RecordText;
  readonly #open = new Map<string, Group>();
  readonly #linesOf = new Map<string, number>();
  readonly #full: Group[] = [];
  #chunk = Buffer.alloc(0);
  #at = 0;

  /** @param receivedAt µs since 1970, of the whole request */
  constructor(receivedAt: number, source: string) {
    this.#text = new RecordText(receivedAt, source);
  }

  /** False when the invoice has more lines in this request than an invoice can have: the line is not taken. */
  add(line: Line, extra: Extra | undefined, position: number): boolean {
    const lines = (this.#linesOf.get(line.invoiceNo) ?? 0) + 1;
    if (lines > lineLimits.linesPerInvoiceMax) return false;
    this.#linesOf.set(line.invoiceNo, lines);
    const text = this.#text.line(line, position, extra);
    if (text.length * UTF8_BYTES_MAX > this.#chunk.length - this.#at) {
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, text.length * UTF8_BYTES_MAX));
      this.#at = 0;
    }
    const start = this.#at;
    this.#at += this.#chunk.write(text, start);
    const group = this.#groupFor(line.invoiceNo, this.#at - start);
    const run = group.runs.at(-1);
    if (run !== undefined && run.chunk === this.#chunk && run.end === start) run.end = this.#at;
    else group.runs.push({ chunk: this.#chunk, start, end: this.#at });
    group.bytes += this.#at - start;
    group.positions.push(position);
    return true;
  }

  /** All records; full ones first, so that records of an invoice stay in the order of their lines. */
  records(): BuiltRecord[] {
    return [...this.#full, ...this.#open.values()].map(({ key, runs, positions }) => {
      const pieces = runs.map(({ chunk, start, end }) => chunk.subarray(start, end));
      const [first] = pieces;
      return { key, data: first !== undefined && pieces.length === 1 ? first : Buffer.concat(pieces), positions };
    });
  }

  #groupFor(key: string, bytes: number): Group {
    const open = this.#open.get(key);
    if (open !== undefined && open.bytes + bytes <= RECORD_BYTES_MAX) return open;
    if (open !== undefined) this.#full.push(open);
    const group: Group = { key, bytes: 0, positions: [], runs: [] };
    this.#open.set(key, group);
    return group;
  }
}
