// Whether the dates of a file have the month or the day first: looked for until one of them shows it.
//
// Memory: a piece of text and a row, whatever the file's size. A file that shows nothing is read to its end, and asked about.
import type { DateOrder } from '../model/dates.ts';
import { rowRanges } from './clean-csv.ts';
import type { FileText } from './file-text.ts';
import type { Reading } from './import.ts';
import { lastRecord, type RecordForm, recordRanges } from './records.ts';
import { objectOf } from './sniff-columns.ts';

export interface DateEvidence {
  /** null: nothing decides it. */
  readonly order: DateOrder | null;
  /** Dates that read otherwise with the month or the day first, where nothing decides; the first of them. */
  readonly open: readonly string[];
  /** There are dates of numbers alone, and each is the same in both orders. */
  readonly isEither: boolean;
}

const EXAMPLES = 3;
/** No row of a shop is longer. */
const ROW_BYTES_MAX = 2 ** 20;
/** Dates of numbers alone: `1/12/2010`, with what may stand behind. */
const NUMBERS = /^\s*(\d{1,2})([/.-])(\d{1,2})\2\d{4}(?!\d)/;

/** Reads on until a date decides; to the end where none does. */
export async function dateEvidence(
  text: FileText,
  reading: Reading,
  checkpoint: () => Promise<void> = async () => {},
): Promise<DateEvidence> {
  const form: RecordForm = reading.format === 'csv' ? { delimiter: reading.delimiter ?? ',' } : null;
  const column = reading.columns.findIndex(({ field }) => field === 'invoiceDate');
  const name = reading.columns[column]?.name ?? '';
  const width = reading.columns.length;
  /** @param isOpen  no record ends in them: a row without its line break, or what stands behind a quote that is never closed */
  const datesIn = (rows: Buffer, isOpen: boolean) => {
    if (form === null) return datesOfObjects(rows, name);
    const ranges = isOpen ? rowRanges(rows, form.delimiter, width) : recordRanges(rows, form);
    return datesOfColumn(rows, ranges, form.delimiter, column);
  };
  const evidence = new Evidence();
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of text.pieces()) {
    await checkpoint();
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const { end } = lastRecord(bytes, form);
    if (evidence.take(datesIn(bytes.subarray(0, end), false))) return evidence.result();
    rest = bytes.subarray(end);
    if (rest.length <= ROW_BYTES_MAX) continue;
    if (evidence.take(datesIn(rest, true))) return evidence.result();
    rest = Buffer.alloc(0);
  }
  evidence.take(datesIn(rest, true));
  return evidence.result();
}

class Evidence {
  #order: DateOrder | null = null;
  readonly #open: string[] = [];
  #isEither = false;

  /** @returns whether one of them decides */
  take(dates: Iterable<string>): boolean {
    for (const text of dates) {
      const [, first, , second] = NUMBERS.exec(text) ?? [];
      if (first === undefined) continue;
      const [a, b] = [Number(first), Number(second)];
      if (a > 12 !== b > 12) {
        this.#order = a > 12 ? 'day-first' : 'month-first';
        return true;
      }
      if (a === b) this.#isEither = true;
      else if (a <= 12 && this.#open.length < EXAMPLES && !this.#open.includes(text)) this.#open.push(text);
    }
    return false;
  }

  result(): DateEvidence {
    const isDecided = this.#order !== null;
    const open = isDecided ? [] : this.#open;
    return { order: this.#order, open, isEither: !isDecided && open.length === 0 && this.#isEither };
  }
}

/** As text of one byte a character, in which places are those of the bytes: dates are ASCII, and most rows have none for us. */
function* datesOfColumn(
  rows: Buffer,
  ranges: Iterable<readonly [number, number]>,
  delimiter: string,
  column: number,
): Generator<string> {
  const text = rows.toString('latin1');
  for (const [start, end] of ranges) {
    const value = fieldAt(text, start, end, delimiter, column);
    if (NUMBERS.test(value)) yield Buffer.from(value, 'latin1').toString('utf8').trim();
  }
}

/** Without its quotes; empty where the row has too few. Quotes as in records.ts. */
function fieldAt(text: string, start: number, end: number, delimiter: string, column: number): string {
  let from = start;
  for (let index = 0; ; index += 1) {
    const isQuoted = text[from] === '"';
    const next = text.indexOf(delimiter, isQuoted ? closingQuote(text, from) : from);
    const to = next < 0 || next > end ? end : next;
    if (index === column)
      return isQuoted
        ? text
            .slice(from + 1, to)
            .trimEnd()
            .replace(/"$/, '')
        : text.slice(from, to);
    if (to === end) return '';
    from = to + 1;
  }
}

function closingQuote(text: string, opening: number): number {
  let at = text.indexOf('"', opening + 1);
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at < 0 ? text.length : at;
}

function* datesOfObjects(rows: Buffer, name: string): Generator<string> {
  for (const [start, end] of recordRanges(rows, null)) {
    const value: unknown = Reflect.get(objectOf(rows.toString('utf8', start, end)), name);
    if (typeof value === 'string') yield value.trim();
  }
}
