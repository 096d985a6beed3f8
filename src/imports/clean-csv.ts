// Brings a slice of CSV that does not keep to its form into form: rows of as many fields as there are columns, in strict quotes.
//
// What cannot be brought into form is refused, and keeps its place: its fields as far as they can be told apart, and a mark.
import { isUtf8 } from 'node:buffer';
import { CsvError, parse } from 'csv-parse/sync';
import { csvLine, lenientCsv, surplusFields, toWidth } from '../model/csv.ts';
import type { Refusal } from '../model/errors.ts';
import { shown } from '../model/shown.ts';
import { recordRanges } from './records.ts';

export interface CleanCsv {
  /** With one field more than there are columns: not empty in a row that is refused. */
  readonly bytes: Buffer;
  readonly refused: ReadonlyMap<number, Refusal>;
}

const MARK = '!';

/** @param invoiceNoAt column of the invoice; a delimiter too many moves what stands behind it */
export function cleanCsv(text: Buffer, delimiter: string, width: number, invoiceNoAt: number): CleanCsv {
  const refused = new Map<number, Refusal>();
  const rows: string[] = [];
  for (const [start, end] of rowRanges(text, delimiter, width)) {
    const { fields, refusal } = fieldsOf(text.subarray(start, end), delimiter, width);
    if (refusal !== null) refused.set(rows.length, refusal);
    const isCertain = refusal === null || refusal.code !== 'surplus_fields' || invoiceNoAt === 0;
    const certain = isCertain ? fields : [];
    toWidth(certain, width);
    rows.push(csvLine([...certain, refusal === null ? '' : MARK], delimiter));
  }
  return { bytes: Buffer.from(rows.join('')), refused };
}

/**
 * Start and end of every row. A record that goes over several lines, and has not as many fields as there are columns or quotes
 * within its quotes, begins with a quote that nobody meant: its first line is a row of its own, and the next begins after it.
 */
export function* rowRanges(text: Buffer, delimiter: string, width: number): Generator<readonly [number, number]> {
  for (let from = 0; from < text.length; ) {
    let next = text.length;
    for (const [start, end] of recordRanges(text.subarray(from), { delimiter })) {
      const record = text.subarray(from + start, from + end);
      if (isBlank(record)) continue;
      const lineEnd = record.indexOf(LF) + 1;
      if (lineEnd > 0 && lineEnd < record.length && !isWellFormed(record, delimiter, width)) {
        yield [from + start, from + start + lineEnd];
        next = from + start + lineEnd;
        break;
      }
      yield [from + start, from + end];
    }
    from = next;
  }
}

const LF = 0x0a;

function isBlank(record: Buffer): boolean {
  return record.length <= 2 && record.toString('latin1').trim() === '';
}

/** By the letter of RFC 4180. */
function isWellFormed(record: Buffer, delimiter: string, width: number): boolean {
  try {
    const text = record.toString('utf8').replace(/\r?\n$/, '');
    return parse(text, { ...lenientCsv, delimiter, relax_quotes: false })[0]?.length === width;
  } catch {
    return false;
  }
}

interface Fields {
  /** Of a row that is refused, those that can be told apart. */
  readonly fields: string[];
  readonly refusal: Refusal | null;
}

function fieldsOf(record: Buffer, delimiter: string, width: number): Fields {
  const unfit = unfitRow(record);
  if (unfit !== null) return { fields: [], refusal: unfit };
  const text = record.toString('utf8').replace(/\r?\n$/, '');
  try {
    const fields = text.includes('"') ? (parse(text, { ...lenientCsv, delimiter })[0] ?? []) : text.split(delimiter);
    const surplus = toWidth(fields, width);
    return { fields, refusal: surplus.length === 0 ? null : surplusFields(width, surplus) };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const before = text.slice(0, text.indexOf('"')).split(delimiter).slice(0, -1);
    return { fields: before, refusal: openQuote(text) };
  }
}

/** What is no row in any form of file; null: nothing is wrong so far. */
export function unfitRow(record: Buffer): Refusal | null {
  if (record.length > ROW_BYTES_MAX) return tooLong(record);
  return isUtf8(record) ? null : notText(record);
}

/** No field is nearly as long; below what is read at native speed, in whatever quotes it comes. */
const ROW_BYTES_MAX = 2 ** 20;

function tooLong(record: Buffer): Refusal {
  return {
    code: 'invalid_text',
    field: null,
    value: shown(record.toString('latin1', 0, 1000)),
    message: `The row has ${record.length.toLocaleString('en-GB')} bytes; expected at most ${ROW_BYTES_MAX.toLocaleString('en-GB')}.`,
  };
}

function notText(record: Buffer): Refusal {
  const value = shown(record.toString('latin1').trimEnd());
  return {
    code: 'invalid_text',
    field: null,
    value,
    message: 'The row has bytes that are not UTF-8, as the rest of the file is. Save it in one encoding.',
  };
}

function openQuote(text: string): Refusal {
  return {
    code: 'open_quote',
    field: null,
    value: shown(text),
    message:
      'The row has a quoted field that is never closed. Close the quote, or double it ("") where it is meant as text.',
  };
}
