// The file of refused rows: a CSV with the columns of the files replayed, the number of the line, and at the end row, code
// and reason. Mended, it can be replayed as it is: the numbers make sure that nothing else changes.
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { messageOf, type Refusal, TillstreamError } from '../model/errors.ts';
import { type CsvRow, type CsvSource, REJECT_COLUMNS } from './csv-rows.ts';

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
  /** Columns of all files, by name. */
  readonly #columns: readonly string[];
  #buffer = '';

  constructor(path: string, sources: readonly CsvSource[], isResumed: boolean) {
    this.#path = path;
    this.#columns = [...new Set(sources.flatMap(({ columns }) => columns))];
    if (!sources.every(({ hasLineNo }) => hasLineNo)) this.#columns = [...this.#columns, 'LineNo'];
    const goesOn = isResumed && existsSync(path);
    try {
      this.#descriptor = openSync(path, goesOn ? 'a' : 'w');
    } catch (cause) {
      throw new TillstreamError('directory_not_writable', `The rejects file ${path} cannot be written.`, {
        hint: 'Choose another place with --rejects.',
        cause,
      });
    }
    if (!goesOn) this.#buffer = csvLine([...this.#columns, ...REJECT_COLUMNS]);
    this.flush();
  }

  append(row: CsvRow, refusal: Refusal): void {
    const { columns } = row.source;
    const values = this.#columns.map((column) => {
      const index = columns.indexOf(column);
      if (index >= 0) return row.values[index] ?? '';
      return column === 'LineNo' ? String(row.lineNo) : '';
    });
    this.#buffer += csvLine([...values, String(row.row), refusal.code, refusal.message]);
    if (this.#buffer.length >= BUFFER_CHARACTERS_MAX) this.flush();
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

function csvLine(values: readonly string[]): string {
  return `${values.map((value) => (/[",;\t\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)).join(',')}\n`;
}
