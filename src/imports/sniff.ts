// What a file is and how it is to be read: found in its first bytes, but for the order of its dates, which is looked for until a
// date decides it. What nothing decides is asked, never guessed.
import { open } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { type Field, fieldOf } from '../model/columns.ts';
import { type DateOrder, readDate } from '../model/dates.ts';
import { TillstreamError } from '../model/errors.ts';
import { FileText } from './file-text.ts';
import type { Compression, ImportOptions, Question, ReadColumn, Reading } from './import.ts';
import { firstRecordEnd, recordRanges } from './records.ts';

export interface SniffOptions {
  /** As its owner calls it. */
  readonly name: string;
  readonly options: ImportOptions;
  /** Of the shop, where a file leaves it open; null: asked. */
  readonly dateOrder: DateOrder | null;
  /** Names of the columns of a Parquet file. */
  readonly parquetColumns: (path: string) => Promise<readonly string[]>;
  /** A zstd file as it is unpacked: where that is. */
  readonly unpacked: (path: string) => Promise<string>;
}

export interface Sniffed {
  /** Where Node reads it: the file, or what zstd was unpacked to. */
  readonly path: string;
  readonly reading: Reading;
  readonly question: Question | null;
}

const DELIMITERS = [',', ';', '\t', '|'];
const REQUIRED: readonly Field[] = ['invoiceNo', 'stockCode', 'quantity', 'invoiceDate', 'unitPrice', 'country'];

/** A header or a first row longer than this is none. */
const HEAD_BYTES = 2 ** 20;
const NDJSON_LINES = 1000;
const EXAMPLES = 3;

const MAGIC = { gzip: [0x1f, 0x8b], zstd: [0x28, 0xb5, 0x2f, 0xfd], parquet: [0x50, 0x41, 0x52, 0x31] } as const;

/** @throws not_a_csv, duplicate_field, invalid_parameter, unavailable */
export async function sniff(file: string, order: SniffOptions): Promise<Sniffed> {
  const { name, options } = order;
  const magic = await firstBytes(file);
  const compression = compressionOf(magic);
  if (compression === 'none' && (options.format ?? 'parquet') === 'parquet' && startsWith(magic, MAGIC.parquet)) {
    return sniffParquet(file, order);
  }
  refuseOtherFormats(name, magic);
  const path = compression === 'zstd' ? await order.unpacked(file) : file;
  const head = await headOf(path, name, compression);
  const format = options.format ?? (/^\s*[{]/.test(head.toString('latin1', 0, 4096)) ? 'ndjson' : 'csv');
  const found =
    format === 'ndjson'
      ? { delimiter: null, names: keysOf(head, name), hasHeader: false }
      : csvHeader(head, name, options.map ?? {});
  const columns = mapped(name, found.names, options.map ?? {});
  const reading: Reading = {
    format,
    compression,
    encoding: options.encoding ?? null,
    delimiter: found.delimiter,
    columns,
    dateOrder: null,
    hasHeader: found.hasHeader,
  };
  const question = missingColumns(name, columns);
  if (question !== null) return { path, reading, question };
  return { path, ...(await withDateOrder(path, reading, order)) };
}

async function sniffParquet(file: string, order: SniffOptions): Promise<Sniffed> {
  const { name, options } = order;
  const columns = mapped(name, await order.parquetColumns(file), options.map ?? {});
  const dateOrder = options.dateOrder ?? order.dateOrder;
  const reading: Reading = {
    format: 'parquet',
    compression: 'none',
    encoding: null,
    delimiter: null,
    columns,
    dateOrder,
    hasHeader: false,
  };
  return { path: file, reading, question: missingColumns(name, columns) };
}

async function firstBytes(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function startsWith(bytes: Buffer, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

function compressionOf(magic: Buffer): Compression {
  return startsWith(magic, MAGIC.gzip) ? 'gzip' : startsWith(magic, MAGIC.zstd) ? 'zstd' : 'none';
}

function refuseOtherFormats(name: string, magic: Buffer): void {
  const hint = 'Save it as CSV (UTF-8) and import that.';
  if (magic.length === 0) throw new TillstreamError('not_a_csv', `${name} is empty; expected rows.`);
  if (startsWith(magic, [0x50, 0x4b, 0x03, 0x04])) {
    throw new TillstreamError('not_a_csv', `${name} is a workbook or a zip archive.`, { hint });
  }
  if (startsWith(magic, [0xff, 0xfe]) || startsWith(magic, [0xfe, 0xff])) {
    throw new TillstreamError('not_a_csv', `${name} is UTF-16; expected UTF-8, ISO-8859-1 or Windows-1252.`, { hint });
  }
}

/** The first megabyte of its text, or all of it. */
async function headOf(file: string, name: string, compression: Compression): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of new FileText(file, { name, compression: textOf(compression) }).pieces()) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes >= HEAD_BYTES) break;
  }
  const head = Buffer.concat(pieces);
  if (head.toString('latin1').trim() === '') {
    throw new TillstreamError('not_a_csv', `${name} is empty; expected rows.`);
  }
  return head;
}

function textOf(compression: Compression): 'none' | 'gzip' {
  return compression === 'gzip' ? 'gzip' : 'none'; // zstd was unpacked before
}

interface Header {
  readonly delimiter: string | null;
  readonly names: readonly string[];
  readonly hasHeader: boolean;
}

/** The delimiter is the one by which the header has the most columns that we know. */
function csvHeader(head: Buffer, name: string, map: ImportOptions['map']): Header {
  const wanted = new Set(Object.values(map ?? {}));
  let best: { delimiter: string; names: string[]; known: number } | null = null;
  for (const delimiter of DELIMITERS) {
    const end = firstRecordEnd(head, { delimiter });
    const text = head.toString('utf8', 0, end < 0 ? head.length : end);
    const names = headerBy(delimiter, text);
    const known = names.filter((column) => fieldOf(column.trim()) !== undefined || wanted.has(column.trim())).length;
    const isBetter = best === null || known > best.known || (known === best.known && names.length > best.names.length);
    if (isBetter) best = { delimiter, names, known };
  }
  if (best === null || (best.known === 0 && best.names.length <= 1)) {
    const begins = JSON.stringify(head.toString('utf8', 0, 60).split('\n')[0]);
    throw new TillstreamError(
      'not_a_csv',
      `${name} begins ${begins}; expected a header with columns separated by comma, semicolon or tab.`,
    );
  }
  return { delimiter: best.delimiter, names: distinct(best.names), hasHeader: true };
}

function headerBy(delimiter: string, text: string): string[] {
  try {
    return parse(text, { delimiter, relax_quotes: true, relax_column_count: true, to: 1 })[0] ?? [];
  } catch {
    return []; // by this delimiter it makes no sense
  }
}

/** Every column gets a name of its own. */
function distinct(names: readonly string[]): string[] {
  const columns: string[] = [];
  for (const name of names) {
    const wanted = name.trim() || `column${columns.length + 1}`;
    const isTaken = columns.includes(wanted) && fieldOf(wanted) === undefined;
    columns.push(isTaken ? `${wanted}_${columns.length + 1}` : wanted);
  }
  return columns;
}

function keysOf(head: Buffer, name: string): string[] {
  const keys = new Set<string>();
  let lines = 0;
  for (const [start, end] of recordRanges(head, null)) {
    if (lines >= NDJSON_LINES) break;
    lines += 1;
    const object = objectOf(head.toString('utf8', start, end));
    for (const key of Object.keys(object)) keys.add(key);
  }
  if (keys.size > 0) return [...keys];
  throw new TillstreamError('not_a_csv', `${name} begins like NDJSON, but holds no JSON objects, one a line.`);
}

function objectOf(line: string): object {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

/** @throws invalid_parameter  a column that is named is not there; duplicate_field */
function mapped(
  name: string,
  names: readonly string[],
  map: Readonly<Partial<Record<Field, string>>>,
): readonly ReadColumn[] {
  const wanted = new Map<string, Field>();
  for (const [field, column] of Object.entries(map) as [Field, string][]) {
    const found = names.find((each) => each === column) ?? names.find((each) => sameName(each, column));
    if (found === undefined) {
      throw new TillstreamError('invalid_parameter', `${name} has no column ${column}. It has ${names.join(', ')}.`, {
        field: 'map',
        value: `${field}=${column}`,
      });
    }
    wanted.set(found, field);
  }
  const taken = new Set(wanted.values());
  const columns = names.map((column): ReadColumn => {
    const own = fieldOf(column);
    const field = wanted.get(column) ?? (own === undefined || taken.has(own) || own === 'extra' ? null : own);
    return { name: column, field };
  });
  const twice = columns.find(
    ({ field }, index) => field !== null && columns.findIndex((each) => each.field === field) < index,
  );
  if (twice === undefined) return columns;
  const first = columns.find(({ field }) => field === twice.field)?.name;
  throw new TillstreamError(
    'duplicate_field',
    `${name} has two columns for the same thing: ${first} and ${twice.name}.`,
    { hint: `Say which one it is: --map ${twice.field}=${twice.name}` },
  );
}

function sameName(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}

function missingColumns(file: string, columns: readonly ReadColumn[]): Question | null {
  const missing = REQUIRED.filter((field) => !columns.some((column) => column.field === field));
  return missing.length === 0 ? null : { kind: 'columns', file, missing, columns: columns.map(({ name }) => name) };
}

/** Dates of numbers alone: `1/12/2010`, with what may stand behind. */
const NUMBERS = /^\s*(\d{1,2})([/.-])(\d{1,2})\2\d{4}(?!\d)/;

/** Reads on until a date decides; to the end where none does. */
async function withDateOrder(
  file: string,
  reading: Reading,
  { name, options, dateOrder }: SniffOptions,
): Promise<Pick<Sniffed, 'reading' | 'question'>> {
  const open: string[] = [];
  const given = options.dateOrder;
  for await (const text of given === undefined ? datesOf(file, name, reading) : []) {
    const [, first, , second] = NUMBERS.exec(text) ?? [];
    if (first === undefined) continue;
    if (Number(first) > 12 && Number(second) <= 12)
      return { reading: { ...reading, dateOrder: 'day-first' }, question: null };
    if (Number(second) > 12 && Number(first) <= 12)
      return { reading: { ...reading, dateOrder: 'month-first' }, question: null };
    if (open.length < EXAMPLES && first !== second && !open.includes(text)) open.push(text);
    else if (open.length === 0) open.push(text);
  }
  if (given !== undefined) return { reading: { ...reading, dateOrder: given }, question: null };
  if (open.length === 0) return { reading, question: null };
  if (dateOrder !== null) return { reading: { ...reading, dateOrder }, question: null };
  const examples = open.map((text) => ({
    text,
    monthFirst: readDate(text.trim(), 'UTC', 'month-first') ?? 'not a date',
    dayFirst: readDate(text.trim(), 'UTC', 'day-first') ?? 'not a date',
  }));
  return { reading, question: { kind: 'date_order', file: name, examples } };
}

/** The texts of the date column, one after the other. */
async function* datesOf(file: string, name: string, reading: Reading): AsyncGenerator<string> {
  const { compression, delimiter, columns, format } = reading;
  const column = columns.findIndex(({ field }) => field === 'invoiceDate');
  const key = columns[column]?.name ?? '';
  const form = format === 'csv' ? { delimiter: delimiter ?? ',' } : null;
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of new FileText(file, { name, compression: textOf(compression) }).pieces()) {
    const text = Buffer.concat([rest, piece]);
    let done = 0;
    for (const [start, end] of recordRanges(text, form)) {
      if (end === text.length && text[end - 1] !== LF) break;
      done = end;
      const row = text.toString('utf8', start, end).trimEnd();
      const value = format === 'csv' ? fieldAt(row, form?.delimiter ?? ',', column) : Object(objectOf(row))[key];
      if (typeof value === 'string') yield value;
    }
    rest = text.length - done > HEAD_BYTES ? Buffer.alloc(0) : text.subarray(done);
  }
}

const LF = 0x0a;

function fieldAt(row: string, delimiter: string, column: number): string | undefined {
  return (row.includes('"') ? headerBy(delimiter, row) : row.split(delimiter))[column];
}
