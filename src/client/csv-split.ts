// Text of a CSV into rows of fields (RFC 4180, lenient as spreadsheets are): quotes only count at the start of a field,
// a stray quote within one is text, lines end with LF or CRLF.
//
// By hand, because a replay shares the machine with the platform it feeds: a line without quotes is one split(), and the
// real data set takes 0.4 s of CPU where csv-parse takes 1.8 (test/client/csv-split.test.ts holds the two to the same rows).
import { TillstreamError } from '../model/errors.ts';
import { LINE_BYTES_MAX } from './csv-text.ts';

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;

/** Rows of one file, piece by piece. Keeps only a row whose quoted field goes on in the next piece. */
export class RowSplitter {
  readonly #delimiter: string;
  readonly #name: string;
  #rest = '';

  /** @param name of the file, for messages */
  constructor(delimiter: string, name: string) {
    this.#delimiter = delimiter;
    this.#name = name;
  }

  /** The complete rows of the text so far. Each piece but the last ends with a line feed. @throws not_a_csv */
  push(piece: string): string[][] {
    return this.#split(this.#rest + piece, false);
  }

  /** The rows left, at the end of the file. @throws not_a_csv */
  end(): string[][] {
    return this.#split(this.#rest, true);
  }

  #split(text: string, isLast: boolean): string[][] {
    const rows: string[][] = [];
    let start = 0;
    let quote = text.indexOf('"');
    while (start < text.length) {
      let end = text.indexOf('\n', start);
      if (end < 0) {
        if (!isLast) break;
        end = text.length;
      }
      if (quote >= 0 && quote < start) quote = text.indexOf('"', start);
      if (quote < 0 || quote > end) {
        const last = lineEnd(text, start, end);
        if (last > start) rows.push(text.slice(start, last).split(this.#delimiter));
        start = end + 1;
        continue;
      }
      const fields: string[] = [];
      const next = quotedRow(text, start, this.#delimiter, fields);
      if (next < 0) break;
      rows.push(fields);
      start = next;
    }
    this.#rest = text.slice(start);
    if (this.#rest !== '' && (isLast || this.#rest.length > LINE_BYTES_MAX)) this.#refuseOpenQuote();
    return rows;
  }

  #refuseOpenQuote(): never {
    const excerpt = JSON.stringify(this.#rest.slice(0, 60));
    throw new TillstreamError(
      'not_a_csv',
      `${this.#name} has a quoted field that is never closed, in the row that begins ${excerpt}.`,
      { hint: 'Close the quote, or double it ("") where it is meant as text.' },
    );
  }
}

/** Without the carriage return of a CRLF. */
function lineEnd(text: string, start: number, end: number): number {
  return end > start && text.charCodeAt(end - 1) === CR ? end - 1 : end;
}

/** Takes one row apart, field by field. Gives where the next row begins, or -1 when the text ends within quotes. */
function quotedRow(text: string, start: number, delimiter: string, fields: string[]): number {
  const separator = delimiter.charCodeAt(0);
  let at = start;
  for (;;) {
    let value = '';
    if (text.charCodeAt(at) === QUOTE) {
      let from = at + 1;
      for (;;) {
        const close = text.indexOf('"', from);
        if (close < 0) return -1;
        value += text.slice(from, close);
        at = close + 1;
        if (text.charCodeAt(at) !== QUOTE) break;
        value += '"';
        from = at + 1;
      }
    }
    let end = at;
    while (end < text.length && text.charCodeAt(end) !== separator && text.charCodeAt(end) !== LF) end += 1;
    const isRowEnd = end === text.length || text.charCodeAt(end) === LF;
    fields.push(value + text.slice(at, isRowEnd ? lineEnd(text, at, end) : end));
    if (isRowEnd) return end + 1;
    at = end + 1;
  }
}
