// What a file is and how it is to be read: found in its first bytes, but for the order of its dates, which is looked for until a
// date decides it, in it or in the files that it came with. What nothing decides is asked, never guessed.
import { open } from 'node:fs/promises';
import { type DateOrder, readDate } from '../model/dates.ts';
import { TillstreamError } from '../model/errors.ts';
import { FileText } from './file-text.ts';
import type { Compression, Format, ImportOptions, Question, Reading } from './import.ts';
import { csvHeader, HEAD_BYTES, keysOf, mapped, missingColumns } from './sniff-columns.ts';
import { dateEvidence } from './sniff-dates.ts';

export interface SniffOptions {
  /** As its owner calls it. */
  readonly name: string;
  readonly options: ImportOptions;
  /** The only file of its import: what is said of the import is said of it. */
  readonly isAlone: boolean;
  /** Names of the columns of a Parquet file. */
  readonly parquetColumns: (path: string) => Promise<readonly string[]>;
  /** A zstd file as it is unpacked: where that is. */
  readonly unpacked: (path: string) => Promise<string>;
  /** Asked between pieces of what is read to its end: throws what ends it. */
  readonly checkpoint?: () => Promise<void>;
}

export interface Sniffed {
  /** Where Node reads it: the file, or what zstd was unpacked to. */
  readonly path: string;
  readonly reading: Reading;
  readonly question: Question | null;
  /** The order that its own dates show; null: none, or nobody had to look for it. */
  readonly shown: DateOrder | null;
}

const MAGIC = { gzip: [0x1f, 0x8b], zstd: [0x28, 0xb5, 0x2f, 0xfd], parquet: [0x50, 0x41, 0x52, 0x31] } as const;

/** @throws not_a_csv, duplicate_field, invalid_parameter, wrong_usage, unavailable */
export async function sniff(file: string, order: SniffOptions): Promise<Sniffed> {
  const { name, options } = order;
  const magic = await firstBytes(file);
  const compression = compressionOf(magic);
  refuseOtherFormats(name, magic);
  if (formatOf(magic, name, options.format) === 'parquet') return sniffParquet(file, order);
  const path = compression === 'zstd' ? await order.unpacked(file) : file;
  const head = await headOf(textOf(path, compression, order), name);
  const format = options.format ?? (/^\s*[{]/.test(head.toString('latin1', 0, 4096)) ? 'ndjson' : 'csv');
  const header = format === 'csv' ? csvHeader(head, name, options.map) : null;
  const columns = mapped(name, header === null ? keysOf(head, name) : header.names, options.map ?? {});
  const reading: Reading = {
    format,
    compression,
    encoding: options.encoding ?? null,
    delimiter: header?.delimiter ?? null,
    columns,
    dateOrder: null,
    hasHeader: header !== null,
  };
  const question = missingColumns(name, columns);
  if (question !== null) return { path, reading, question, shown: null };
  return { path, ...(await withDateOrder(path, reading, order)) };
}

async function sniffParquet(file: string, order: SniffOptions): Promise<Sniffed> {
  const { name, options } = order;
  const columns = mapped(name, await order.parquetColumns(file), options.map ?? {});
  const reading: Reading = {
    format: 'parquet',
    compression: 'none',
    encoding: null,
    delimiter: null,
    columns,
    dateOrder: options.dateOrder ?? null,
    hasHeader: false,
  };
  return { path: file, reading, question: missingColumns(name, columns), shown: null };
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

/** What the first bytes say; null: text. @throws invalid_parameter  where they say otherwise than its owner */
function formatOf(magic: Buffer, name: string, given: Format | undefined): 'parquet' | null {
  const found = startsWith(magic, MAGIC.parquet) ? 'parquet' : null;
  if (given === undefined || (given === 'parquet') === (found === 'parquet')) return found;
  const message = found === null ? `${name} is no Parquet file.` : `${name} is a Parquet file, not ${given}.`;
  const hint = 'Leave the format out: it is found.';
  throw new TillstreamError('invalid_parameter', message, { field: 'format', value: given, hint });
}

function textOf(path: string, compression: Compression, { name, options }: SniffOptions): FileText {
  return new FileText(path, {
    name,
    compression: compression === 'gzip' ? 'gzip' : 'none', // zstd was unpacked before
    ...(options.encoding === undefined ? {} : { encoding: options.encoding }),
  });
}

/** The first megabyte of its text, or all of it. */
async function headOf(text: FileText, name: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of text.pieces()) {
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

/**
 * Files of one import, which are parts of one export: what the dates of one leave open, those of the others show, where these
 * agree; else it is as the shop has it. In the order in which they came.
 * @param shop null: asked
 */
export function agreeOnDates<File extends Omit<Sniffed, 'path'>>(
  files: readonly File[],
  shop: DateOrder | null,
): File[] {
  const [shown = null, ...others] = new Set(files.flatMap((file) => file.shown ?? []));
  const dateOrder = others.length === 0 && shown !== null ? shown : shop;
  return files.map((file) => {
    const { reading, question } = file;
    const isAsked = question?.kind === 'date_order';
    const isOpen = isAsked || (reading.format === 'parquet' && reading.dateOrder === null);
    if (!isOpen || dateOrder === null) return file;
    return { ...file, reading: { ...reading, dateOrder }, question: isAsked ? null : question };
  });
}

/** What its owner says, else what its dates show. Of several files, what a file shows comes first. */
async function withDateOrder(path: string, reading: Reading, order: SniffOptions): Promise<Omit<Sniffed, 'path'>> {
  const { name, options } = order;
  const known = (dateOrder: DateOrder, shown: DateOrder | null = null) => ({
    reading: { ...reading, dateOrder },
    question: null,
    shown,
  });
  if (options.dateOrder !== undefined && order.isAlone) return known(options.dateOrder);
  const evidence = await dateEvidence(textOf(path, reading.compression, order), reading, order.checkpoint);
  if (evidence.order !== null) return known(evidence.order, evidence.order);
  if (evidence.open.length === 0 && !evidence.isEither) return { reading, question: null, shown: null };
  if (options.dateOrder !== undefined) return known(options.dateOrder);
  // All are like 5/5/2011, and mean the same in both.
  if (evidence.isEither) return known('month-first');
  const examples = evidence.open.map((text) => ({
    text,
    monthFirst: readDate(text, 'UTC', 'month-first') ?? 'not a date',
    dayFirst: readDate(text, 'UTC', 'day-first') ?? 'not a date',
  }));
  return { reading, question: { kind: 'date_order', file: name, examples }, shown: null };
}
