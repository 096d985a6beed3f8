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
    const fields = fieldsOf(text.subarray(start, end), delimiter);
    const refusal = 'code' in fields ? fields : surplusOf(fields, width);
    if (refusal !== null) refused.set(rows.length, refusal);
    const isKnown = refusal === null || (!('code' in fields) && invoiceNoAt === 0);
    const values = isKnown && !('code' in fields) ? fields.slice(0, width) : Array<string>(width).fill('');
    rows.push(csvLine([...values, refusal === null ? '' : MARK], delimiter));
  }
  return { bytes: Buffer.from(rows.join('')), refused };
}

/**
 * Start and end of every row. A record that goes over several lines and has not as many fields as there are columns has a quote
 * that nobody meant: its first line is a row of its own, and the next begins after it.
 */
export function* rowRanges(text: Buffer, delimiter: string, width: number): Generator<readonly [number, number]> {
  for (let from = 0; from < text.length; ) {
    let next = text.length;
    for (const [start, end] of recordRanges(text.subarray(from), { delimiter })) {
      const record = text.subarray(from + start, from + end);
      if (isBlank(record)) continue;
      const lineEnd = record.indexOf(LF) + 1;
      if (lineEnd > 0 && lineEnd < record.length && !hasWidth(record, delimiter, width)) {
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

function hasWidth(record: Buffer, delimiter: string, width: number): boolean {
  const fields = fieldsOf(record, delimiter);
  return !('code' in fields) && surplusOf(fields, width) === null && fields.length === width;
}

function surplusOf(fields: string[], width: number): Refusal | null {
  const surplus = toWidth(fields, width);
  return surplus.length === 0 ? null : surplusFields(width, surplus);
}

function fieldsOf(record: Buffer, delimiter: string): string[] | Refusal {
  if (!isUtf8(record)) return notText(record);
  const text = record.toString('utf8').replace(/\r?\n$/, '');
  if (!text.includes('"')) return text.split(delimiter);
  try {
    return parse(text, { ...lenientCsv, delimiter })[0] ?? [];
  } catch (error) {
    if (error instanceof CsvError) return openQuote(text);
    throw error;
  }
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
