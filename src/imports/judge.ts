// The rows that DuckDB does not read by itself, read by the rule of the door: lines, rejects, or nothing at all.
//
// Memory: the rejects of a slice; lines go to a file as they come.
import { appendFileSync, writeFileSync } from 'node:fs';
import { columnNames, fieldOf } from '../model/columns.ts';
import type { Refusal } from '../model/errors.ts';
import { LineReader } from '../model/read-line.ts';
import { isNumbered, type Reading } from './import.ts';
import type { Judged, UnreadRow } from './stager.ts';

export interface RejectedText {
  readonly row: number;
  readonly refusal: Refusal;
  /** As it stands in the row; null where it cannot be read from it. */
  readonly invoiceNo: string | null;
  /** By the names of the file's columns; null where the row is no object at all. */
  readonly values: Readonly<Record<string, unknown>> | null;
}

export interface Verdict extends Judged {
  readonly rejected: readonly RejectedText[];
  /** Rows without any value, which are none. */
  readonly blank: number;
  /** Rejected for their date, which can be read in another order of day and month. */
  readonly otherOrder: number;
}

export interface Judge {
  take(rows: readonly UnreadRow[]): void;
  verdict(): Verdict;
}

/**
 * @param file where lines are written to
 * @param refused rows that were found unfit before, by their places
 */
export function createJudge(
  reading: Reading,
  timeZone: string,
  file: string,
  refused: ReadonlyMap<number, Refusal>,
): Judge {
  const reader = new LineReader(timeZone, reading.dateOrder);
  const others = ORDERS.filter((order) => order !== reading.dateOrder).map((order) => new LineReader(timeZone, order));
  const rejected: RejectedText[] = [];
  let lineCount = 0;
  let blank = 0;
  let otherCount = 0;
  writeFileSync(file, '');

  const hasNumbers = isNumbered(reading);
  const asSent = renaming(reading);

  const take = ({ row, texts }: UnreadRow): string => {
    const refusal = refused.get(row);
    const values = valuesOf(reading, texts, refusal !== undefined);
    if (values === BLANK) {
      blank += 1;
      return '';
    }
    const sent = asSent(values);
    const read = refusal === undefined ? reader.read(sent) : { refusal };
    const result = 'line' in read && hasNumbers && read.line.lineId === '' ? { refusal: noLineId(reading) } : read;
    if ('refusal' in result) {
      if (result.refusal.code === 'invalid_date' && others.some((other) => 'line' in other.read(sent))) otherCount += 1;
      const invoiceNo = invoiceNoOf(reader, sent);
      rejected.push({ row, refusal: result.refusal, invoiceNo, values: isObject(values) ? values : null });
      return '';
    }
    lineCount += 1;
    const { line, extra } = result;
    return `${JSON.stringify({
      row,
      invoice_no: line.invoiceNo,
      line_id: line.lineId === '' ? null : line.lineId,
      stock_code: line.stockCode,
      description: line.description,
      quantity: line.quantity,
      invoice_date: line.invoiceDate,
      unit_price: line.unitPrice,
      customer_id: line.customerId,
      country: line.country,
      extra: extra === undefined ? null : JSON.stringify(extra),
    })}\n`;
  };

  return {
    take(rows) {
      appendFileSync(file, rows.map(take).join(''));
    },
    verdict: () => ({ lines: lineCount === 0 ? null : file, rejected, blank, otherOrder: otherCount }),
  };
}

const ORDERS = ['month-first', 'day-first'] as const;

const BLANK = Symbol('a row without any value');

/** As a client would send it: every column's text by its name; of NDJSON what the line says. */
function valuesOf({ format, columns }: Reading, texts: readonly (string | null)[], isRow: boolean): unknown {
  if (format === 'ndjson') return parsed(texts[0] ?? '');
  if (!isRow && texts.every((text) => text === null || text === '')) return BLANK;
  return Object.fromEntries(columns.map(({ name }, index) => [name, texts[index] ?? '']));
}

function parsed(line: string): unknown {
  if (line.trim() === '') return BLANK;
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Values under names that the door knows: a column that was mapped goes by the name of its field, one that is not to be used by
 * none. A row whose columns all mean what they say stays as it is.
 */
export function renaming({ columns }: Pick<Reading, 'columns'>): (values: unknown) => unknown {
  if (columns.every(({ name, field }) => field === (fieldOf(name) ?? null))) return (values) => values;
  const fields = new Map(columns.map(({ name, field }) => [name, field]));
  return (values) => {
    if (!isObject(values)) return values;
    const named: Record<string, unknown> = {};
    const extra: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(values)) {
      const field = fields.has(name) ? (fields.get(name) ?? null) : (fieldOf(name) ?? null);
      if (field === null) extra[name] = value;
      else named[fieldOf(name) === field ? name : columnNames[field][0]] = value;
    }
    return Object.keys(extra).length === 0 ? named : { ...named, extra };
  };
}

/** Whatever else is wrong with the row. */
function invoiceNoOf(reader: LineReader, sent: unknown): string | null {
  if (!isObject(sent)) return null;
  const value = Object.entries(sent).find(([name]) => fieldOf(name) === 'invoiceNo')?.[1];
  const result = reader.read({ InvoiceNo: value });
  const isWrong = 'refusal' in result && result.refusal.code === 'invalid_invoice_no';
  return isWrong ? null : String(value).trim();
}

/** Without one the line would be new each time: a second import would count it twice. */
function noLineId({ columns }: Reading): Refusal {
  const field = columns.find((column) => column.field === 'lineId')?.name ?? 'LineNo';
  return {
    code: 'invalid_line_id',
    field,
    value: '',
    message: `${field} is empty; expected the number of the line.`,
  };
}
