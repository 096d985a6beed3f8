// The port of what turns slices of a file into parts of the lake: reads, casts, numbers and writes lines at native speed.
import type { Reading } from './import.ts';

/** A bounded piece of a file, whole rows of it. */
export type Slice =
  /** UTF-8, rows only. Marked: with one field more, not empty in a row that is not to be read. */
  | { readonly kind: 'csv'; readonly file: string; readonly newline: '\n' | '\r\n'; readonly isMarked: boolean }
  /** UTF-8, a line a row. */
  | { readonly kind: 'ndjson'; readonly file: string; readonly newline: '\n' | '\r\n' }
  /** Rows from `start` to before `end`. */
  | { readonly kind: 'parquet'; readonly file: string; readonly start: number; readonly end: number };

/** A row that is not read at native speed, by its place in the slice, from 0. */
export interface UnreadRow {
  readonly row: number;
  /** One for each column of the reading; of NDJSON the line alone. */
  readonly texts: readonly (string | null)[];
}

/** What the rule of the door makes of unread rows. What is neither here nor there is blank, and no row. */
export interface Judged {
  /** NDJSON file of lines in snake case, each with its `row`; null: there are none. */
  readonly lines: string | null;
  readonly rejected: readonly RejectedRow[];
}

export interface RejectedRow {
  readonly row: number;
  /** null: the row does not say it. */
  readonly invoiceNo: string | null;
}

/** Rows by their places in the slice, with the invoice that they count in and their numbers there. */
export type Numbers = ReadonlyMap<number, { readonly invoiceNo: string; readonly number: number }>;

export interface StagedPart {
  readonly lines: number;
  /** In ten-thousandths. */
  readonly revenueE4: bigint;
  /** Rows that a later one of the same LineNo replaced. */
  readonly superseded: number;
  /** Of rejected rows whose invoice is known, or taken from the rows around. */
  readonly numbers: Numbers;
  /** Lines that are beyond what an invoice may have, and not in the part. */
  readonly tooMany: Numbers;
  /** Lines whose dates can be read in one order only. */
  readonly certainDates: number;
}

export interface PartTarget {
  readonly file: string;
  /** µs since 1970. */
  readonly receivedAt: number;
  readonly sequence: string;
  readonly source: string;
}

/** A slice that was read, before its lines are written. */
export interface ReadSlice {
  readonly rows: number;
  /** Rows that are not read at native speed. */
  readonly unread: number;

  /** Those, in any order; before the next slice is read. @throws unavailable */
  unreadRows(): AsyncIterable<readonly UnreadRow[]>;

  /** Numbers the lines, unless they have ids of their own, and writes them as a part. @throws unavailable */
  write(judged: Judged | null, target: PartTarget): Promise<StagedPart>;
}

/**
 * Slices come one after the other, in the order of the files; numbers go on from one to the next. While one is written the next may
 * be read.
 */
export interface Stager {
  /**
   * Reads what can be read at native speed. null: the file does not keep to its form (fields too many, a quote left open, bytes
   * that are no text); nothing is kept of it. @throws unavailable
   */
  read(slice: Slice, reading: Reading): Promise<ReadSlice | null>;

  /** Invoices that have a line in one of the parts, which are all that were written. @throws unavailable */
  invoices(parts: readonly string[]): Promise<number>;

  /** Lines of parts that have one of the same identity in a later part, which is the one that counts. @throws unavailable */
  superseded(parts: readonly string[]): Promise<{ readonly lines: number; readonly revenueE4: bigint }>;

  close(): void;
}
