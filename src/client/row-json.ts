// A row as the JSON object that is POSTed: the file's own column names and texts, plus the number of the line.
import { jsonString } from '../model/record.ts';
import type { CsvRow, CsvSource } from './csv-rows.ts';

/** Numbers that JSON writes alike and a double holds exactly; any other text is sent as text, for the platform to judge. */
const PLAIN_NUMBER = /^-?(?:0|[1-9]\d{0,11})(?:\.\d{1,4})?$/;

interface Writer {
  /** `{"InvoiceNo":`, `,"StockCode":` … */
  readonly keys: readonly string[];
  readonly isNumber: readonly boolean[];
}

const writers = new WeakMap<CsvSource, Writer>();

export function rowJson(row: CsvRow): string {
  const { keys, isNumber } = writerOf(row.source);
  let json = '';
  for (let index = 0; index < keys.length; index += 1) {
    const value = row.values[index] ?? '';
    json += keys[index];
    json += isNumber[index] === true && PLAIN_NUMBER.test(value) ? value : jsonString(value);
  }
  return row.lineNo === null ? `${json}}` : `${json},"LineNo":${row.lineNo}}`;
}

function writerOf(source: CsvSource): Writer {
  let writer = writers.get(source);
  if (writer === undefined) {
    writer = {
      keys: source.columns.map((column, index) => `${index === 0 ? '{' : ','}${JSON.stringify(column)}:`),
      isNumber: source.fields.map((field) => field === 'quantity' || field === 'unitPrice'),
    };
    writers.set(source, writer);
  }
  return writer;
}
