// The rows of CSV files, in order, each numbered: across the files, and within its invoice.
//
// A file without line numbers is numbered by order of occurrence within the invoice, across all files of one command, so
// the same files sent again give the same identities. Memory: a block of rows, and a count for every distinct invoice.
// Values stay the text they are: what they mean is the platform's to decide (model/read-line.ts).
import { type Field, fieldOf } from '../model/columns.ts';
import { type Refusal, TillstreamError } from '../model/errors.ts';
import { RowSplitter } from './csv-split.ts';
import { CsvText, type FileIdentity, identifyFile } from './csv-text.ts';

/** A file whose header has been checked. */
export interface CsvSource extends FileIdentity {
  readonly delimiter: string;
  /** Names as the file has them; without the three columns that a rejects file ends with. */
  readonly columns: readonly string[];
  readonly fields: readonly (Field | undefined)[];
  /** Columns of the header as it stands in the file. */
  readonly headerWidth: number;
  /** The file numbers its lines itself. */
  readonly hasLineNo: boolean;
}

export interface CsvRow {
  readonly source: CsvSource;
  /** From 1, over all files of the command; rows without any value are not counted. */
  readonly row: number;
  readonly invoiceNo: string;
  /** Place within the invoice, from 1; null when the file has a column for it. */
  readonly lineNo: number | null;
  /** As many as there are columns. */
  readonly values: readonly string[];
  /** Why the row cannot be sent at all; null when it can. */
  readonly refusal: Refusal | null;
}

export interface CsvBlock {
  readonly rows: readonly CsvRow[];
  /** Share of the bytes of all files that has been read, 0 to 1. */
  readonly share: number;
}

const REQUIRED = [
  ['invoiceNo', 'InvoiceNo'],
  ['stockCode', 'StockCode'],
  ['quantity', 'Quantity'],
  ['invoiceDate', 'InvoiceDate'],
  ['unitPrice', 'UnitPrice'],
  ['country', 'Country'],
] as const satisfies readonly (readonly [Field, string])[];

const DELIMITERS = [',', ';', '\t', '|'];

/** The columns that a rejects file has in addition, so that it can be mended and replayed as it is. */
export const REJECT_COLUMNS = ['row', 'code', 'reason'] as const;

/** Checks that the file is there, is a CSV, and has the columns. @throws file_not_found, not_a_csv, columns_missing, duplicate_field */
export async function openCsv(path: string): Promise<CsvSource> {
  const file = await identifyFile(path);
  for await (const piece of new CsvText(file).pieces()) {
    if (piece.trim() === '') continue;
    const { delimiter, names } = readHeader(piece, file.name);
    const columns = columnsOf(names);
    const fields = columns.map(fieldOf);
    checkColumns(file.name, columns, fields);
    return { ...file, delimiter, columns, fields, headerWidth: names.length, hasLineNo: fields.includes('lineId') };
  }
  throw new TillstreamError('not_a_csv', `${file.name} is empty; expected a header and rows.`);
}

/** The delimiter is the one by which the header has the most columns that we know. */
function readHeader(piece: string, name: string): { delimiter: string; names: string[] } {
  let best: { delimiter: string; names: string[]; known: number } | null = null;
  for (const delimiter of DELIMITERS) {
    const names = new RowSplitter(delimiter, name).push(`${firstLine(piece)}\n`)[0] ?? [];
    const known = names.filter((column) => fieldOf(column.trim()) !== undefined).length;
    if (best === null || known > best.known || (known === best.known && names.length > best.names.length)) {
      best = { delimiter, names, known };
    }
  }
  if (best === null || (best.known === 0 && best.names.length === 1)) {
    throw new TillstreamError(
      'not_a_csv',
      `${name} begins ${JSON.stringify(firstLine(piece).slice(0, 60))}; expected a header with columns separated by comma, semicolon or tab.`,
    );
  }
  return best;
}

function firstLine(piece: string): string {
  const start = piece.search(/[^\r\n]/);
  const end = piece.indexOf('\n', start);
  return piece.slice(Math.max(start, 0), end < 0 ? undefined : end);
}

/** Every column gets a name of its own, since a row becomes a JSON object. */
function columnsOf(names: readonly string[]): string[] {
  const isRejects = names.slice(-REJECT_COLUMNS.length).join() === REJECT_COLUMNS.join();
  const columns: string[] = [];
  for (const name of isRejects ? names.slice(0, -REJECT_COLUMNS.length) : names) {
    const wanted = name.trim() || `column${columns.length + 1}`;
    columns.push(
      columns.includes(wanted) && fieldOf(wanted) === undefined ? `${wanted}_${columns.length + 1}` : wanted,
    );
  }
  return columns;
}

function checkColumns(name: string, columns: readonly string[], fields: readonly (Field | undefined)[]): void {
  const missing = REQUIRED.filter(([field]) => !fields.includes(field)).map(([, column]) => column);
  if (missing.length > 0) {
    throw new TillstreamError(
      'columns_missing',
      `${name} lacks ${missing.join(', ')}. Its columns are ${columns.join(', ')}.`,
      { hint: `Name the columns as the data set does (${REQUIRED.map(([, column]) => column).join(', ')}).` },
    );
  }
  const twice = fields.findIndex((field, index) => field !== undefined && fields.indexOf(field) < index);
  if (twice >= 0) {
    const first = columns[fields.indexOf(fields[twice])];
    throw new TillstreamError(
      'duplicate_field',
      `${name} has two columns for the same thing: ${first} and ${columns[twice]}.`,
      { hint: 'Rename or drop one of them.' },
    );
  }
}

/** All rows of the files, in the order given. @throws not_a_csv, file_not_found, invalid_encoding */
export async function* csvRows(sources: readonly CsvSource[]): AsyncGenerator<CsvBlock> {
  const numbering = new Numbering();
  const bytesTotal = sources.reduce((sum, { size }) => sum + size, 0);
  let bytesBefore = 0;
  for (const source of sources) {
    const text = new CsvText(source);
    const splitter = new RowSplitter(source.delimiter, source.name);
    let isHeader = true;
    for await (const piece of text.pieces()) {
      const rows = splitter.push(piece);
      if (isHeader && rows.length > 0) {
        rows.shift();
        isHeader = false;
      }
      yield { rows: numbering.number(source, rows), share: (bytesBefore + text.bytesRead) / bytesTotal };
    }
    const rows = splitter.end();
    yield {
      rows: numbering.number(source, isHeader ? rows.slice(1) : rows),
      share: (bytesBefore + source.size) / bytesTotal,
    };
    bytesBefore += source.size;
  }
}

/** V8 keeps the whole piece alive for a slice of at least this many characters; shorter ones are copies. */
const SLICE_CHARACTERS_MIN = 13;

class Numbering {
  readonly #counts = new Map<string, number>();
  #row = 0;

  number(source: CsvSource, rows: readonly string[][]): CsvRow[] {
    const numbered: CsvRow[] = [];
    const invoiceAt = source.fields.indexOf('invoiceNo');
    const lineNoAt = source.fields.indexOf('lineId');
    for (const found of rows) {
      if (found.every((value) => value === '')) continue;
      this.#row += 1;
      const refusal = toWidth(source, found, lineNoAt);
      const invoiceNo = (found[invoiceAt] ?? '').trim();
      const lineNo = lineNoAt < 0 ? this.#next(invoiceNo) : null;
      numbered.push({ source, row: this.#row, invoiceNo, lineNo, values: found, refusal });
    }
    return numbered;
  }

  #next(invoiceNo: string): number {
    const count = (this.#counts.get(invoiceNo) ?? 0) + 1;
    const isSlice = count === 1 && invoiceNo.length >= SLICE_CHARACTERS_MIN;
    this.#counts.set(isSlice ? Buffer.from(invoiceNo).toString() : invoiceNo, count);
    return count;
  }
}

/** Brings a row to the columns. Spreadsheets leave empty fields out at the end, or add some; anything else is refused. */
function toWidth(source: CsvSource, values: string[], lineNoAt: number): Refusal | null {
  while (values.length < source.headerWidth) values.push('');
  const surplus = values.slice(source.headerWidth).find((value) => value !== '');
  values.length = source.columns.length;
  if (surplus !== undefined) {
    return {
      code: 'surplus_fields',
      field: null,
      value: surplus.slice(0, 200),
      message: `The row has more fields than the ${source.headerWidth} columns of the header; quote a field that holds the delimiter.`,
    };
  }
  if (lineNoAt >= 0 && values[lineNoAt]?.trim() === '') {
    const field = source.columns[lineNoAt] ?? null;
    // Sent without one, the line would be new each time: a second replay would count it twice.
    return {
      code: 'invalid_line_id',
      field,
      value: '',
      message: `${field} is empty; expected the number of the line.`,
    };
  }
  return null;
}
