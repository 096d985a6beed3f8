// How far a replay has come, so that Ctrl-C (or a crash) costs a second of work at most.
//
// It holds the row up to which everything is stored or refused. What was sent beyond is sent again: identity makes that
// harmless. Files that have changed since, or the data of another platform, are refused: rows would be skipped that were
// never sent. What tells data apart is the stream's id: behind the same URL there may be a new data directory, and the same
// one behind another URL.
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { messageOf, TillstreamError } from '../model/errors.ts';
import type { CsvSource } from './csv-rows.ts';

export interface ResumePoint {
  /** Everything up to this row is stored or refused. */
  readonly row: number;
  /** Rows beyond it that are in the rejects file already. */
  readonly refusedRows: readonly number[];
}

interface Contents extends ResumePoint {
  readonly format: 2;
  /** Where it was sent to: for people. */
  readonly url: string;
  /** Of the stream that has it; null before the platform has answered. */
  readonly streamId: string | null;
  readonly files: readonly { readonly name: string; readonly size: number; readonly mtimeMs: number }[];
}

export const RESUME_SUFFIX = '.tillstream-resume.json';

export class ResumeFile {
  readonly path: string;
  readonly #url: string;
  readonly #files: Contents['files'];
  /** The replay that is resumed. */
  #before: Contents | null = null;
  #streamId: string | null = null;
  #saved = '';

  constructor(path: string, url: string, sources: readonly CsvSource[]) {
    this.path = path;
    this.#url = url;
    this.#files = sources.map(({ name, size, mtimeMs }) => ({ name, size, mtimeMs }));
  }

  /** null: there is nothing to resume. @throws conflict */
  async load(): Promise<ResumePoint | null> {
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch {
      return null;
    }
    const contents = parse(text);
    if (contents === null) throw this.#conflict(`${this.path} is not a state that replay left`);
    if (JSON.stringify(contents.files) !== JSON.stringify(this.#files)) {
      throw this.#conflict(`The files are not, or no longer, those of the replay that stopped (${this.path})`);
    }
    this.#before = contents;
    this.#streamId = contents.streamId;
    return contents;
  }

  /** Everything from now on goes to this stream. @throws conflict  when what is resumed went to another */
  goesTo(streamId: string): void {
    const before = this.#before;
    if (before !== null && before.row > 0 && before.streamId !== streamId) {
      throw this.#conflict(
        `The replay that stopped went to ${before.url}, and what was stored there is not in the data that ${this.#url} has now`,
      );
    }
    this.#streamId = streamId;
  }

  /** On disk whole or not at all. @throws directory_not_writable */
  async save(point: ResumePoint): Promise<void> {
    const contents: Contents = { format: 2, url: this.#url, streamId: this.#streamId, files: this.#files, ...point };
    const text = `${JSON.stringify(contents)}\n`;
    if (text === this.#saved) return;
    try {
      await writeFile(`${this.path}.tmp`, text);
      await rename(`${this.path}.tmp`, this.path);
    } catch (cause) {
      throw new TillstreamError('directory_not_writable', `${this.path} cannot be written: ${messageOf(cause)}.`, {
        hint: 'Run replay in a directory that is writable.',
        cause,
      });
    }
    this.#saved = text;
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }

  #conflict(what: string): TillstreamError {
    return new TillstreamError('conflict', `${what}.`, {
      hint: 'Run it without --resume to send everything again: what is stored already is not counted twice.',
    });
  }
}

function parse(text: string): Contents | null {
  try {
    const value = JSON.parse(text) as Partial<Contents> | null;
    const isOurs = value?.format === 2 && Number.isSafeInteger(value.row) && Array.isArray(value.refusedRows);
    return isOurs ? (value as Contents) : null;
  } catch {
    return null;
  }
}
