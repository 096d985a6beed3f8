// A CSV file as text, in pieces that end at a line break. Memory: one piece, whatever the size of the file.
//
// gzip is told by its first bytes, not by the name. Encoding: as long as all is ASCII nothing need be decided; the first
// piece that is not decides for the whole file: valid UTF-8 is UTF-8, anything else Windows-1252, of which ISO-8859-1
// text is a part. (Text in ISO-8859-1 that happens to be valid UTF-8 does not occur: every `£` or `é` would have to
// follow a capital letter with an accent.) A file that turns out to be mixed is refused, not guessed at.
import { isAscii, isUtf8 } from 'node:buffer';
import { createReadStream, type ReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { messageOf, TillstreamError } from '../model/errors.ts';
import { textOfWindows1252 } from '../model/windows-1252.ts';

/** Large enough that the cost of a read does not count, small enough that a few hundred rows wait at most. */
const PIECE_BYTES = 128 * 1024;

/** A line break must come within this: what has none is no CSV, and must not fill the memory. */
export const LINE_BYTES_MAX = 1024 * 1024;

type Encoding = 'ascii' | 'utf-8' | 'windows-1252';

export interface FileIdentity {
  readonly path: string;
  /** For messages and for recognising the file again. */
  readonly name: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly gzip: boolean;
}

/** @throws file_not_found, not_a_csv */
export async function identifyFile(path: string): Promise<FileIdentity> {
  const name = basename(path);
  try {
    const handle = await open(path, 'r');
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) throw new TillstreamError('file_not_found', `${path} is not a file; expected a CSV file.`);
      const head = Buffer.alloc(4);
      const { bytesRead } = await handle.read(head, 0, 4, 0);
      refuseOtherFormats(name, head.subarray(0, bytesRead));
      return { path, name, size: stat.size, mtimeMs: stat.mtimeMs, gzip: head[0] === 0x1f && head[1] === 0x8b };
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw cause instanceof TillstreamError ? cause : unreadable(path, cause);
  }
}

function refuseOtherFormats(name: string, head: Buffer): void {
  const hint = 'Save it as CSV (UTF-8) and name that file.';
  if (head.length === 0) throw new TillstreamError('not_a_csv', `${name} is empty; expected a header and rows.`);
  if (head.toString('latin1').startsWith('PK\u0003\u0004')) {
    throw new TillstreamError('not_a_csv', `${name} is a workbook or a zip archive, not a CSV.`, { hint });
  }
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) {
    throw new TillstreamError('not_a_csv', `${name} is UTF-16; expected UTF-8, ISO-8859-1 or Windows-1252.`, { hint });
  }
}

function unreadable(path: string, cause: unknown): TillstreamError {
  const code = (cause as NodeJS.ErrnoException).code;
  const reason =
    code === 'ENOENT' ? 'There is no file' : code === 'EACCES' ? 'Reading is not permitted:' : 'Cannot read';
  return new TillstreamError('file_not_found', `${reason} ${path}.`, { hint: 'Check the path.', cause });
}

/** The text of one file. Iterate `pieces()` once; every piece but the last ends with a line feed. */
export class CsvText {
  readonly #file: FileIdentity;
  #stream: ReadStream | null = null;
  #encoding: Encoding = 'ascii';

  constructor(file: FileIdentity) {
    this.#file = file;
  }

  /** Bytes of the file taken in so far, as they are on disk: for progress. */
  get bytesRead(): number {
    return this.#stream?.bytesRead ?? 0;
  }

  /** @throws not_a_csv, file_not_found, invalid_encoding */
  async *pieces(): AsyncGenerator<string> {
    const name = this.#file.name;
    let rest: Buffer = Buffer.alloc(0);
    let isFirst = true;
    try {
      for await (const chunk of this.#open() as AsyncIterable<Buffer>) {
        const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        const end = bytes.lastIndexOf(0x0a) + 1;
        rest = bytes.subarray(end);
        if (rest.length > LINE_BYTES_MAX) {
          throw new TillstreamError('not_a_csv', `${name} has no line break (LF) within ${LINE_BYTES_MAX} bytes.`);
        }
        if (end === 0) continue;
        yield this.#decode(bytes.subarray(0, end), isFirst);
        isFirst = false;
      }
      if (rest.length > 0) yield this.#decode(rest, isFirst);
    } catch (error) {
      if (error instanceof TillstreamError) throw error;
      if (!this.#file.gzip) throw unreadable(this.#file.path, error);
      throw new TillstreamError('not_a_csv', `${name} is damaged gzip: ${messageOf(error)}.`, { cause: error });
    } finally {
      this.#stream?.destroy();
    }
  }

  #open(): Readable {
    this.#stream = createReadStream(this.#file.path, { highWaterMark: PIECE_BYTES });
    // The callback is pipeline's way to be told; errors surface in the iteration.
    return this.#file.gzip
      ? pipeline(this.#stream, createGunzip({ chunkSize: PIECE_BYTES }), () => undefined)
      : this.#stream;
  }

  #decode(bytes: Buffer, isFirst: boolean): string {
    if (bytes.includes(0)) {
      throw new TillstreamError('not_a_csv', `${this.#file.name} holds zero bytes; expected text.`);
    }
    if (isAscii(bytes)) return bytes.toString('latin1');
    const isValid = this.#encoding !== 'windows-1252' && isUtf8(bytes);
    if (this.#encoding === 'ascii') this.#encoding = isValid ? 'utf-8' : 'windows-1252';
    if (this.#encoding === 'windows-1252') return textOfWindows1252(bytes);
    if (!isValid) {
      throw new TillstreamError(
        'invalid_encoding',
        `${this.#file.name} begins as UTF-8, but is not valid UTF-8 near byte ${this.bytesRead.toLocaleString('en-GB')}.`,
        { hint: 'Save the file in one encoding.' },
      );
    }
    const text = bytes.toString('utf8');
    return isFirst && text.startsWith('\ufeff') ? text.slice(1) : text;
  }
}
