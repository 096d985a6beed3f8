// Where the records of a text begin and end: RFC 4180, lenient as spreadsheets are.
//
// A quote counts at the start of a field alone; within quotes a doubled one is a quote, any other ends them: what follows up to
// the delimiter is plain text, so that a stray quote never takes in the rows after it. Exactly as csv-parse, by which rows are
// read, and as a replay has them. Hops from quote to quote and from line to line, never byte by byte.

/** null: a line is a record, quotes mean nothing. */
export type RecordForm = { readonly delimiter: string } | null;

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;
const BLANK = 0x20;

/** Start and end, its line break included, of every record that ends in `text`; the last may lack its line break. */
export function* recordRanges(text: Buffer, form: RecordForm): Generator<readonly [start: number, end: number]> {
  const scanner = new Scanner(text, form);
  for (let start = 0; start < text.length; ) {
    const end = scanner.recordEnd(start);
    yield [start, end < 0 ? text.length : end];
    if (end < 0) return;
    start = end;
  }
}

/** Where the first record ends that is no empty line, its line break included; -1: it does not end in `text`. */
export function firstFilledRecordEnd(text: Buffer, form: RecordForm): number {
  let start = 0;
  while (text[start] === LF || (text[start] === CR && text[start + 1] === LF)) start += 1;
  return new Scanner(text, form).recordEnd(start);
}

export interface LastRecord {
  /** Its line break included; 0: no record ends in the text. */
  readonly end: number;
  /** Between a quote and its delimiter there is something, if only a blank: other readers of CSV take that otherwise. */
  readonly isOdd: boolean;
}

/** The last record that ends in `text`. */
export function lastRecord(text: Buffer, form: RecordForm): LastRecord {
  const scanner = new Scanner(text, form);
  return { end: scanner.lastEnd(), isOdd: scanner.isOdd };
}

class Scanner {
  readonly #text: Buffer;
  readonly #delimiter: number;
  /** The next quote from where it was looked for last; -1: no more. */
  #quote: number;
  isOdd = false;

  constructor(text: Buffer, form: RecordForm) {
    this.#text = text;
    this.#delimiter = form === null ? -1 : form.delimiter.charCodeAt(0);
    this.#quote = form === null ? -1 : text.indexOf(QUOTE);
  }

  recordEnd(start: number): number {
    for (let from = start; ; ) {
      const lineEnd = this.#text.indexOf(LF, from);
      const opening = this.#openingBefore(from, lineEnd, start);
      if (opening < 0) return lineEnd < 0 ? -1 : lineEnd + 1;
      from = this.#closingAfter(opening) + 1;
      if (from === 0) return -1;
    }
  }

  lastEnd(): number {
    let last = 0;
    for (let from = 0; ; ) {
      const opening = this.#openingBefore(from, -1, 0);
      const lineEnd = this.#text.lastIndexOf(LF, opening < 0 ? this.#text.length : opening);
      if (lineEnd >= from) last = lineEnd + 1;
      if (opening < 0) return last;
      from = this.#closingAfter(opening) + 1;
      if (from === 0) return last;
    }
  }

  /** The next quote that opens a field, from `from` on and before `end` (-1: wherever); -1: there is none. */
  #openingBefore(from: number, end: number, recordStart: number): number {
    const text = this.#text;
    while (this.#quote >= 0 && (end < 0 || this.#quote < end || this.#quote < from)) {
      const at = this.#quote;
      if (at >= from) {
        const before = at === 0 || at === recordStart ? LF : text[at - 1];
        if (before === this.#delimiter || before === LF) return at;
        if (before === BLANK) this.isOdd = true;
      }
      this.#quote = text.indexOf(QUOTE, Math.max(at + 1, from));
    }
    return -1;
  }

  /** The quote up to which the field is quoted that `opening` opens; -1: there is none. */
  #closingAfter(opening: number): number {
    const text = this.#text;
    for (let at = text.indexOf(QUOTE, opening + 1); at >= 0; at = text.indexOf(QUOTE, at + 1)) {
      if (text[at + 1] === QUOTE) {
        at += 1;
        continue;
      }
      if (!this.#isFieldEnd(at + 1)) this.isOdd = true;
      this.#quote = text.indexOf(QUOTE, at + 1);
      return at;
    }
    this.#quote = -1;
    return -1;
  }

  #isFieldEnd(at: number): boolean {
    const text = this.#text;
    const byte = text[at];
    if (byte === undefined || byte === this.#delimiter || byte === LF) return true;
    return byte === CR && (text[at + 1] === LF || at + 1 === text.length);
  }
}
