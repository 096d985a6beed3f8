// The file of refused rows: a CSV with the columns of the files replayed, the number of the line, and at the end row, code
// and reason; after these, what a row has beyond its columns, so that nothing of it is lost.
//
// Mended, it can be replayed as it is: the numbers make sure that nothing else changes. A row whose invoice is not known
// has no number, and is refused until somebody gives it one.

import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { csvLine } from '../model/csv.ts';
import { messageOf, type Refusal, TillstreamError } from '../model/errors.ts';
import { LineReader } from '../model/read-line.ts';
import { type CsvRow, type CsvSource, REJECT_COLUMNS, UNCOUNTED } from './csv-rows.ts';

/** Written at the latest when this much waits. */
const BUFFER_CHARACTERS_MAX = 64 * 1024;

/**
 * Begins the file anew; on resuming, goes on in it.
 * @throws wrong_usage  when it is one of the files to replay
 * @throws directory_not_writable
 */
export async function openRejects(
  path: string,
  sources: readonly CsvSource[],
  isResumed: boolean,
): Promise<RejectsFile> {
  const target = await realpath(path).catch(() => null);
  for (const source of sources) {
    if (target !== null && (await realpath(source.path)) === target) {
      throw new TillstreamError('wrong_usage', `The rejects file ${path} is one of the files to replay.`, {
        hint: 'Choose another with --rejects.',
      });
    }
  }
  return new RejectsFile(path, sources, isResumed);
}

export class RejectsFile {
  readonly #descriptor: number;
  readonly #path: string;
  /** Columns of all files: what they mean, and the first name for it. */
  readonly #columns: ReadonlyMap<string, string>;
  readonly #reader = new LineReader('UTC');
  #buffer = '';

  constructor(path: string, sources: readonly CsvSource[], isResumed: boolean) {
    this.#path = path;
    const columns = new Map<string, string>();
    for (const source of sources) {
      for (const [index, name] of source.columns.entries()) {
        const meaning = meaningOf(source, index);
        if (!columns.has(meaning)) columns.set(meaning, name);
      }
    }
    if (!columns.has('lineId')) columns.set('lineId', 'LineNo');
    this.#columns = columns;
    const goesOn = isResumed && existsSync(path);
    try {
      this.#descriptor = openSync(path, goesOn ? 'a' : 'w');
    } catch (cause) {
      throw new TillstreamError('directory_not_writable', `The rejects file ${path} cannot be written.`, {
        hint: 'Choose another place with --rejects.',
        cause,
      });
    }
    if (!goesOn) this.#buffer = csvLine([...columns.values(), ...REJECT_COLUMNS]);
    this.flush();
  }

  append(row: CsvRow, refusal: Refusal): void {
    const values = new Map(row.values.map((value, index) => [meaningOf(row.source, index), value]));
    let reason = refusal.message;
    if (!row.source.hasLineNo) {
      const isCounted = row.lineNo !== null && this.#isInvoiceNo(row.invoiceNo);
      values.set('lineId', isCounted ? String(row.lineNo) : '');
      if (!isCounted) reason += ` ${UNCOUNTED}`;
    }
    if (row.surplus.length > 0) reason += ' Those beyond stand after this reason.';
    const fields = [...this.#columns.keys()].map((meaning) => values.get(meaning) ?? '');
    this.#buffer += csvLine([...fields, String(row.row), refusal.code, reason, ...row.surplus]);
    if (this.#buffer.length >= BUFFER_CHARACTERS_MAX) this.flush();
  }

  /** Rows without one are counted among themselves, which says nothing of the invoice that they belong to. */
  #isInvoiceNo(text: string): boolean {
    const result = this.#reader.read({ InvoiceNo: text });
    return !('refusal' in result && result.refusal.code === 'invalid_invoice_no');
  }

  /** Everything so far is in the file. @throws disk_full */
  flush(): void {
    const bytes = Buffer.from(this.#buffer);
    this.#buffer = '';
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#descriptor, bytes, written);
    } catch (cause) {
      throw new TillstreamError('disk_full', `The rejects file ${this.#path} cannot be written: ${messageOf(cause)}.`, {
        cause,
      });
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Two files may name the same thing differently. */
function meaningOf({ fields, columns }: CsvSource, index: number): string {
  return fields[index] ?? columns[index] ?? '';
}
