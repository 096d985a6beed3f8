// Groups the lines of one request into records of the stream, by invoice.
import { type Extra, type Line, lineLimits } from '../model/line.ts';
import { recordLine } from '../model/record.ts';
import type { NewRecord } from '../stream/event-stream.ts';

/** At three bytes of UTF-8 a character at most, a record stays within its 200 KB without counting bytes. */
const RECORD_CHARACTERS_MAX = 60_000;

/** A record, and which lines of the request are in it. */
export interface BuiltRecord extends NewRecord {
  /** In order; index 0: the first line of the request. */
  readonly positions: readonly number[];
}

interface Group {
  readonly key: string;
  text: string;
  positions: number[];
}

export class RecordBuilder {
  readonly #receivedAt: number;
  readonly #source: string;
  readonly #open = new Map<string, Group>();
  readonly #linesOf = new Map<string, number>();
  readonly #full: Group[] = [];

  /** @param receivedAt µs since 1970, of the whole request */
  constructor(receivedAt: number, source: string) {
    this.#receivedAt = receivedAt;
    this.#source = source;
  }

  /** False when the invoice has more lines in this request than an invoice can have: the line is not taken. */
  add(line: Line, extra: Extra | undefined, position: number): boolean {
    const lines = (this.#linesOf.get(line.invoiceNo) ?? 0) + 1;
    if (lines > lineLimits.linesPerInvoiceMax) return false;
    this.#linesOf.set(line.invoiceNo, lines);
    const text = recordLine(line, this.#receivedAt, position, this.#source, extra);
    let group = this.#open.get(line.invoiceNo);
    if (group !== undefined && group.text.length + text.length > RECORD_CHARACTERS_MAX) {
      this.#full.push(group);
      group = undefined;
    }
    if (group === undefined) {
      group = { key: line.invoiceNo, text: '', positions: [] };
      this.#open.set(line.invoiceNo, group);
    }
    group.text += text;
    group.positions.push(position);
    return true;
  }

  /** All records; full ones first, so that records of an invoice stay in the order of their lines. */
  records(): BuiltRecord[] {
    return [...this.#full, ...this.#open.values()].map(({ key, text, positions }) => ({
      key,
      data: Buffer.from(text),
      positions,
    }));
  }
}
