// Phase one of an import: every row of its files becomes a line in a part of the lake, or a reject. Nothing counts yet.
//
// JavaScript moves bytes: it cuts the text at the ends of records; the stager reads and writes slices at native speed. Rows that
// it leaves go to the rule of the door (judge.ts). Begun again, it writes the same parts again.
import { closeSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Refusal, TillstreamError } from '../model/errors.ts';
import { lineLimits } from '../model/line.ts';
import { cleanCsv, rowRanges } from './clean-csv.ts';
import { cleanNdjson } from './clean-ndjson.ts';
import { FileText } from './file-text.ts';
import { type Encoding, isNumbered, type Reading, type Reject } from './import.ts';
import { createJudge, type RejectedText, type Verdict } from './judge.ts';
import { partName, partSequence, REJECTS } from './parts.ts';
import { recordRanges } from './records.ts';
import { cutIntoSlices, type TextSlice } from './slices.ts';
import type { Numbers, ReadSlice, Slice, StagedPart, Stager } from './stager.ts';

export interface StageOrder {
  /** Of the import, in the lake. */
  readonly directory: string;
  /** For what passes through; there, and empty. */
  readonly workDirectory: string;
  readonly files: readonly StagedFile[];
  readonly timeZone: string;
  /** Version of the lines, µs since 1970. */
  readonly receivedAt: number;
  readonly source: string;
  /** Of a slice of text; left out: as slices.ts has it. */
  readonly sliceBytes?: number;
  /** Told after every slice. */
  readonly onProgress: (progress: StageProgress) => void;
  /** Asked between slices: throws what ends the staging. */
  readonly checkpoint: () => Promise<void>;
}

export interface StagedFile {
  readonly name: string;
  /** Where it is, as text that Node can unpack, or as Parquet. */
  readonly path: string;
  readonly reading: Reading;
  /** Of the file as its owner has it. */
  readonly bytes: number;
  /** Of Parquet. */
  readonly rows?: number;
}

export interface StageProgress {
  /** Of the files, as they are on disk. */
  readonly bytes: number;
  readonly rows: number;
  readonly lines: number;
  readonly rejected: number;
}

export interface Staged {
  readonly parts: number;
  readonly rows: number;
  readonly lines: number;
  readonly rejected: number;
  readonly superseded: number;
  readonly revenueE4: bigint;
  readonly invoices: number;
  readonly files: readonly FileEvidence[];
}

/** What only the whole of a file shows. */
export interface FileEvidence {
  /** null: it is ASCII, or Parquet. */
  encoding: Encoding | null;
  /** Dates that can be read in the order of the reading alone. */
  certainDates: number;
  /** Rows that were refused for a date which could be read in another. */
  otherDates: number;
}

/** Rows of a Parquet file that are taken at once: about as many as a slice of text has. */
const PARQUET_ROWS = 200_000;

/** @throws unavailable, not_a_csv; what checkpoint() throws */
export async function stageFiles(stager: Stager, order: StageOrder): Promise<Staged> {
  const staging = new Staging(stager, order);
  try {
    for (const file of order.files) {
      if (file.reading.format === 'parquet') await staging.parquet(file);
      else await staging.text(file);
    }
    return await staging.result();
  } finally {
    await staging.close();
  }
}

class Staging {
  readonly #stager: Stager;
  readonly #order: StageOrder;
  readonly #rejects: number;
  readonly #files: FileEvidence[] = [];
  #parts = 0;
  /** With those that are blank: numbers of rows go by them. */
  #rowsBefore = 0;
  #rows = 0;
  #lines = 0;
  #rejected = 0;
  #superseded = 0;
  #revenueE4 = 0n;
  #bytesBefore = 0;
  #writing: Promise<void> = Promise.resolve();
  #workFiles = 0;

  constructor(stager: Stager, order: StageOrder) {
    this.#stager = stager;
    this.#order = order;
    this.#rejects = openSync(path.join(order.directory, REJECTS), 'w');
  }

  async text({ name, path: file, reading, bytes }: StagedFile): Promise<void> {
    const compression = reading.compression === 'gzip' ? 'gzip' : 'none';
    const { encoding } = reading;
    const text = new FileText(file, { name, compression, ...(encoding === null ? {} : { encoding }) });
    this.#files.push({ encoding: null, certainDates: 0, otherDates: 0 });
    const unpackedBytes = statSync(file).size; // of zstd, more than its own
    for await (const slice of oneAhead(cutIntoSlices(text.pieces(), reading, this.#order.sliceBytes))) {
      await this.#order.checkpoint();
      await this.#textSlice(slice, name, reading);
      this.#tell(bytes * (text.bytesRead / Math.max(1, unpackedBytes)));
    }
    await this.#writing;
    this.#evidence.encoding = text.encoding;
    this.#bytesBefore += bytes;
  }

  async parquet({ name, path: file, reading, bytes, rows = 0 }: StagedFile): Promise<void> {
    this.#files.push({ encoding: null, certainDates: 0, otherDates: 0 });
    for (let start = 0; start < rows; start += PARQUET_ROWS) {
      await this.#order.checkpoint();
      const end = Math.min(rows, start + PARQUET_ROWS);
      const read = await this.#stager.read({ kind: 'parquet', file, start, end }, reading);
      if (read === null)
        throw new TillstreamError('not_a_csv', `${name} is damaged: rows ${start} to ${end} cannot be read.`);
      const verdict = read.unread === 0 ? null : await this.#judge(read, reading, new Map());
      await this.#writeNext(() => this.#settle(read, verdict, name, reading, (wanted) => wanted.map(() => null)));
      this.#tell(bytes * (end / rows));
    }
    await this.#writing;
    this.#bytesBefore += bytes;
  }

  async result(): Promise<Staged> {
    // Lines that the files number may come again in another part; those that are numbered here cannot.
    const hasNumbers = this.#order.files.some(({ reading }) => isNumbered(reading));
    const parts = Array.from({ length: this.#parts }, (_, index) => this.#partFile(index + 1));
    const again = hasNumbers && parts.length > 1 ? await this.#stager.superseded(parts) : { lines: 0, revenueE4: 0n };
    return {
      parts: this.#parts,
      rows: this.#rows,
      lines: this.#lines - again.lines,
      rejected: this.#rejected,
      superseded: this.#superseded + again.lines,
      revenueE4: this.#revenueE4 - again.revenueE4,
      invoices: await this.#stager.invoices(parts),
      files: this.#files,
    };
  }

  /** Also where it failed: a part that is being written still needs the stager, and the rejects. */
  async close(): Promise<void> {
    await this.#writing.catch(() => {});
    closeSync(this.#rejects);
  }

  async #textSlice(slice: TextSlice, name: string, reading: Reading): Promise<void> {
    const width = reading.columns.length;
    const delimiter = reading.delimiter ?? ',';
    const invoiceNoAt = reading.columns.findIndex(({ field }) => field === 'invoiceNo');
    const file = this.#workFile('slice');
    let refused: ReadonlyMap<number, Refusal> = new Map();
    const asItIs = reading.format === 'ndjson' ? this.#ndjson(slice, file) : this.#csv(slice, file);
    let read = asItIs === null ? null : await this.#stager.read(asItIs, reading);
    if (read === null) {
      const isCsv = reading.format === 'csv';
      const clean = isCsv ? cleanCsv(slice.bytes, delimiter, width, invoiceNoAt) : cleanNdjson(slice.bytes);
      refused = clean.refused;
      writeFileSync(file, clean.bytes);
      const inForm: Slice = isCsv
        ? { kind: 'csv', file, newline: '\n', isMarked: true }
        : { kind: 'ndjson', file, newline: '\n' };
      read = await this.#stager.read(inForm, reading);
    }
    if (read === null) throw new Error(`A slice of ${name} from byte ${slice.offset} cannot be read`);
    const rows = read;
    const verdict = rows.unread === 0 ? null : await this.#judge(rows, reading, refused);
    const ranges = () =>
      reading.format === 'csv' ? rowRanges(slice.bytes, delimiter, width) : recordRanges(slice.bytes, null);
    await this.#writeNext(() =>
      this.#settle(rows, verdict, name, reading, (wanted) => textsOf(slice, ranges(), wanted)),
    );
  }

  #partFile(number: number): string {
    return path.join(this.#order.directory, partName(number));
  }

  /** Once the slice before is written: the next is read meanwhile. */
  async #writeNext(write: () => Promise<void>): Promise<void> {
    await this.#writing;
    this.#writing = write();
    this.#writing.catch(() => {}); // whoever waits for it is told
  }

  /** A slice may still be used while the next one comes. */
  #workFile(name: string): string {
    this.#workFiles += 1;
    return path.join(this.#order.workDirectory, `${name}-${this.#workFiles % WORK_FILES}`);
  }

  /** null: it has to be brought into form first. */
  #csv({ bytes, isOdd }: TextSlice, file: string): Slice | null {
    if (isOdd) return null;
    writeFileSync(file, bytes);
    return { kind: 'csv', file, newline: newlineOf(bytes), isMarked: false };
  }

  #ndjson({ bytes }: TextSlice, file: string): Slice {
    writeFileSync(file, bytes);
    return { kind: 'ndjson', file, newline: newlineOf(bytes) };
  }

  async #judge(read: ReadSlice, reading: Reading, refused: ReadonlyMap<number, Refusal>): Promise<Verdict> {
    const judge = createJudge(reading, this.#order.timeZone, this.#workFile('judged'), refused);
    for await (const rows of read.unreadRows()) judge.take(rows);
    return judge.verdict();
  }

  /** @param textsOf rows as they stand in the file; null where there is no text */
  async #settle(
    read: ReadSlice,
    verdict: Verdict | null,
    file: string,
    reading: Reading,
    textsOf: (rows: readonly number[]) => readonly (RowText | null)[],
  ): Promise<void> {
    const { receivedAt, source } = this.#order;
    const number = this.#parts + 1;
    const target = this.#partFile(number);
    const part = await read.write(verdict, { file: target, receivedAt, sequence: partSequence(number), source });
    // A part that is committed has lines: a store that holds nothing then has lost them (lost-store.ts).
    if (part.lines > 0) this.#parts = number;
    else rmSync(target);
    const rejected = [...(verdict?.rejected ?? []), ...tooManyLines(part)].sort((a, b) => a.row - b.row);
    if (rejected.length > 0) {
      const texts = textsOf(rejected.map(({ row }) => row));
      const numbers: Numbers = new Map([...part.numbers, ...part.tooMany]);
      for (let start = 0; start < rejected.length; start += REJECTS_AT_ONCE) {
        const lines = rejected.slice(start, start + REJECTS_AT_ONCE).map((each, index) => {
          const text = texts[start + index] ?? null;
          return `${JSON.stringify(rejectOf(each, this.#rowsBefore, file, reading, numbers, text))}\n`;
        });
        writeFileSync(this.#rejects, lines.join(''));
      }
    }
    this.#rowsBefore += read.rows;
    this.#rows += read.rows - (verdict?.blank ?? 0);
    this.#lines += part.lines;
    this.#rejected += rejected.length;
    this.#superseded += part.superseded;
    this.#revenueE4 += part.revenueE4;
    this.#evidence.certainDates += part.certainDates;
    this.#evidence.otherDates += verdict?.otherOrder ?? 0;
  }

  /** Of the file that is read now. */
  get #evidence(): FileEvidence {
    const evidence = this.#files.at(-1);
    if (evidence === undefined) throw new Error('No file is read');
    return evidence;
  }

  #tell(bytes: number): void {
    const progress = { rows: this.#rows, lines: this.#lines, rejected: this.#rejected };
    this.#order.onProgress({ bytes: this.#bytesBefore + Math.round(bytes), ...progress });
  }
}

/** Written in one piece of text. */
const REJECTS_AT_ONCE = 1000;

const CR = 0x0d;

/** That of all its rows, or else it is not read as it is. */
function newlineOf(bytes: Buffer): '\n' | '\r\n' {
  return bytes.includes(CR) ? '\r\n' : '\n';
}

/** Two for each slice, of two slices at once. */
const WORK_FILES = 4;

/** Makes the next while the last one is used. */
async function* oneAhead<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
  try {
    let next = items.next();
    for (let item = await next; item.done !== true; item = await next) {
      next = items.next();
      next.catch(() => {}); // whoever waits for it is told
      yield item.value;
    }
  } finally {
    await items.return(undefined);
  }
}

interface RowText {
  readonly text: string;
  readonly byteOffset: number;
}

/** @param wanted rows in any order */
function textsOf(
  { bytes, offset }: TextSlice,
  ranges: Iterable<readonly [number, number]>,
  wanted: readonly number[],
): (RowText | null)[] {
  const found = new Map<number, RowText | null>(wanted.map((row) => [row, null]));
  let row = 0;
  for (const [start, end] of ranges) {
    const record = bytes.subarray(start, end);
    if (found.has(row)) {
      found.set(row, { text: record.toString('utf8').replace(/\r?\n$/, ''), byteOffset: offset + start });
    }
    row += 1;
  }
  return wanted.map((each) => found.get(each) ?? null);
}

const TOO_MANY_MESSAGE = `more lines than the ${lineLimits.linesPerInvoiceMax.toLocaleString('en-GB')} that are kept; split it.`;

function tooManyLines({ tooMany }: StagedPart): RejectedText[] {
  return [...tooMany].map(([row, { invoiceNo }]) => ({
    row,
    refusal: {
      code: 'invoice_too_large',
      field: 'InvoiceNo',
      value: invoiceNo,
      message: `Invoice ${invoiceNo} has ${TOO_MANY_MESSAGE}`,
    },
    invoiceNo,
    values: null,
  }));
}

function rejectOf(
  { row, refusal, invoiceNo, values }: RejectedText,
  rowsBefore: number,
  file: string,
  reading: Reading,
  numbers: Numbers,
  text: RowText | null,
): Reject {
  const number = numbers.get(row);
  return {
    ...refusal,
    row: rowsBefore + row + 1,
    file,
    byteOffset: text?.byteOffset ?? null,
    text: text?.text ?? JSON.stringify(values),
    columns: values,
    invoiceNo: number?.invoiceNo ?? invoiceNo,
    lineId: number === undefined || isNumbered(reading) ? null : String(number.number).padStart(6, '0'),
  };
}
