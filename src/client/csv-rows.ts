// The rows of CSV files, in order, each numbered: across the files, and within its invoice.
//
// A file without line numbers is numbered by order of occurrence within the invoice, across all files of one command, so
// the same files sent again give the same identities. Memory: a block of rows, and a count for every distinct invoice.
// Values stay the text they are: what they mean is the platform's to decide (model/read-line.ts).
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { parse as parseText } from 'csv-parse/sync';
import { columnNames, type Field, fieldOf, requiredFields } from '../model/columns.ts';
import { csvDelimiters, lenientCsv, surplusFields, toWidth } from '../model/csv.ts';
import { type Refusal, TillstreamError } from '../model/errors.ts';
import { CsvText, type FileIdentity, identifyFile, LINE_BYTES_MAX } from './csv-text.ts';

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
  /** The file was written by an earlier replay: see rejects-file.ts. */
  readonly isRejects: boolean;
}

export interface CsvRow {
  readonly source: CsvSource;
  /** From 1, over all files of the command; rows without any value are not counted. */
  readonly row: number;
  readonly invoiceNo: string;
  /** Place within the invoice, from 1; null when the file has a column for it, or nobody knows which invoice it is. */
  readonly lineNo: number | null;
  /** As many as there are columns. */
  readonly values: readonly string[];
  /** Fields beyond the columns of the header; empty in a row that can be sent. */
  readonly surplus: readonly string[];
  /** Why the row cannot be sent at all; null when it can. */
  readonly refusal: Refusal | null;
}

export interface CsvBlock {
  readonly rows: readonly CsvRow[];
  /** Share of the bytes of all files that has been read, 0 to 1. */
  readonly share: number;
}

const LENIENT = {
  ...lenientCsv,
  // No single line comes near this, even as UTF-8: only a quote left open does, which must not fill the memory.
  max_record_size: 4 * LINE_BYTES_MAX,
};

/** Rows given on at once: few enough to wait for, enough that handing them over does not count. */
const BLOCK_ROWS = 1_024;

/** The columns that a rejects file has in addition, so that it can be mended and replayed as it is. */
export const REJECT_COLUMNS = ['row', 'code', 'reason'] as const;

/**
 * What becomes of a row that could not be counted in its invoice. Any number that we made up could be, or become, that of
 * another line there, and replace it; in the file it came from, mended, it is counted where it stands. That moves the
 * numbers of the lines after it: a rejects file made before has the old ones, and must not be replayed after it as well.
 */
export const UNCOUNTED =
  'Either correct all refused rows in the file they came from and replay that instead; or give this one a LineNo that no other line of its invoice has.';

/** Checks that the file is there, is a CSV, and has the columns. @throws file_not_found, not_a_csv, columns_missing, duplicate_field */
export async function openCsv(path: string): Promise<CsvSource> {
  const file = await identifyFile(path);
  for await (const piece of new CsvText(file).pieces()) {
    if (piece.trim() === '') continue;
    const { delimiter, names } = readHeader(piece, file.name);
    const columns = columnsOf(names);
    const fields = columns.map(fieldOf);
    checkColumns(file.name, columns, fields);
    const headerWidth = names.length;
    const hasLineNo = fields.includes('lineId');
    return { ...file, delimiter, columns, fields, headerWidth, hasLineNo, isRejects: columns.length < headerWidth };
  }
  throw new TillstreamError('not_a_csv', `${file.name} is empty; expected a header and rows.`);
}

/** The delimiter is the one by which the header has the most columns that we know. */
function readHeader(piece: string, name: string): { delimiter: string; names: string[] } {
  let best: { delimiter: string; names: string[]; known: number } | null = null;
  for (const delimiter of csvDelimiters) {
    const names = headerBy(delimiter, piece);
    const known = names.filter((column) => fieldOf(column.trim()) !== undefined).length;
    if (best === null || known > best.known || (known === best.known && names.length > best.names.length)) {
      best = { delimiter, names, known };
    }
  }
  if (best === null || (best.known === 0 && best.names.length <= 1)) {
    throw new TillstreamError(
      'not_a_csv',
      `${name} begins ${JSON.stringify(firstLine(piece).slice(0, 60))}; expected a header with columns separated by comma, semicolon or tab.`,
    );
  }
  return best;
}

/** Without names where the header makes no sense by this delimiter. */
function headerBy(delimiter: string, piece: string): string[] {
  try {
    return parseText(piece, { ...LENIENT, delimiter, to: 1 })[0] ?? [];
  } catch (error) {
    if (error instanceof CsvError) return [];
    throw error;
  }
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

function nameOf(field: Field): string {
  return columnNames[field][0];
}

function checkColumns(name: string, columns: readonly string[], fields: readonly (Field | undefined)[]): void {
  const missing = requiredFields.filter((field) => !fields.includes(field)).map(nameOf);
  if (missing.length > 0) {
    throw new TillstreamError(
      'columns_missing',
      `${name} lacks ${missing.join(', ')}. Its columns are ${columns.join(', ')}.`,
      { hint: `Name the columns as the data set does (${requiredFields.map(nameOf).join(', ')}).` },
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
    const parser = parse({ ...LENIENT, delimiter: source.delimiter, from: 2, raw: true });
    // The callback is pipeline's way to be told; errors surface in the iteration.
    const records: AsyncIterable<{ record: string[] }> = pipeline(text.pieces(), parser, () => undefined);
    let rows: CsvRow[] = [];
    try {
      for await (const { record } of records) {
        if (record.every((value) => value === '')) continue;
        rows.push(numbering.number(source, record));
        if (rows.length < BLOCK_ROWS) continue;
        yield { rows, share: (bytesBefore + text.bytesRead) / bytesTotal };
        rows = [];
      }
    } catch (error) {
      throw error instanceof CsvError ? openQuote(source.name, error) : error;
    }
    bytesBefore += source.size;
    yield { rows, share: bytesBefore / bytesTotal };
  }
}

/** All that csv-parse still refuses: the file, or the bound, ends within quotes. Its `raw` is the row so far. */
function openQuote(name: string, cause: CsvError): TillstreamError {
  const excerpt = JSON.stringify(String(cause.raw).trimStart().slice(0, 60));
  return new TillstreamError(
    'not_a_csv',
    `${name} has a quoted field that is never closed, in the row that begins ${excerpt}.`,
    { hint: 'Close the quote, or double it ("") where it is meant as text.', cause },
  );
}

class Numbering {
  readonly #counts = new Map<string, number>();
  #row = 0;

  number(source: CsvSource, values: string[]): CsvRow {
    this.#row += 1;
    const surplus = toWidth(values, source.headerWidth);
    values.length = source.columns.length;
    const refusal = surplus.length > 0 ? surplusFields(source.headerWidth, surplus) : withoutLineNo(source, values);
    const invoiceNoAt = source.fields.indexOf('invoiceNo');
    const invoiceNo = (values[invoiceNoAt] ?? '').trim();
    // A delimiter too many moves what stands behind it: another invoice's number may stand there now.
    const isMoved = surplus.length > 0 && invoiceNoAt > 0;
    const lineNo = source.hasLineNo || isMoved ? null : this.#next(invoiceNo);
    return { source, row: this.#row, invoiceNo, lineNo, values, surplus, refusal };
  }

  #next(invoiceNo: string): number {
    const count = (this.#counts.get(invoiceNo) ?? 0) + 1;
    this.#counts.set(invoiceNo, count);
    return count;
  }
}

/** Sent without one, the line would be new each time: a second replay would count it twice. */
function withoutLineNo({ fields, columns, isRejects }: CsvSource, values: readonly string[]): Refusal | null {
  const at = fields.indexOf('lineId');
  if (at < 0 || values[at]?.trim() !== '') return null;
  const field = columns[at] ?? null;
  return {
    code: 'invalid_line_id',
    field,
    value: '',
    message: `${field} is empty; expected the number of the line.${isRejects ? ` ${UNCOUNTED}` : ''}`,
  };
}
