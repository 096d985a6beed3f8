// The text of a file as UTF-8, in pieces: unpacked, without a byte order mark, Windows-1252 brought to UTF-8.
//
// The encoding is found on the way, unless it is given: as long as all is ASCII it does not matter, and the first byte beyond
// decides. Bytes of a UTF-8 file that are no UTF-8 go through as they are: the row that has them is refused, not the file.
import { isAscii, isUtf8 } from 'node:buffer';
import { createReadStream, type ReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { isTillstreamError, messageOf, TillstreamError } from '../model/errors.ts';
import { utf8OfWindows1252 } from '../model/windows-1252.ts';
import type { Compression, Encoding } from './import.ts';

const PIECE_BYTES = 2 ** 20;
/** A character of UTF-8 takes at most four bytes. */
const CHARACTER_BYTES_MAX = 4;
const MARK = Buffer.from([0xef, 0xbb, 0xbf]);

export interface FileTextOptions {
  /** For messages. */
  readonly name: string;
  readonly compression: Exclude<Compression, 'zstd'>;
  /** Left out: found. */
  readonly encoding?: Encoding;
}

export class FileText {
  readonly #path: string;
  readonly #options: FileTextOptions;
  #stream: ReadStream | null = null;
  #encoding: Encoding | null;

  constructor(path: string, options: FileTextOptions) {
    this.#path = path;
    this.#options = options;
    this.#encoding = options.encoding ?? null;
  }

  /** Of the file as it is on disk: for progress. */
  get bytesRead(): number {
    return this.#stream?.bytesRead ?? 0;
  }

  /** null: all was ASCII so far. */
  get encoding(): Encoding | null {
    return this.#encoding;
  }

  /** To be iterated once. @throws not_a_csv, unavailable */
  async *pieces(): AsyncGenerator<Buffer> {
    let rest: Buffer = Buffer.alloc(0);
    let isFirst = true;
    try {
      for await (const chunk of this.#open() as AsyncIterable<Buffer>) {
        let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        if (isFirst && bytes.length < MARK.length) {
          rest = bytes;
          continue;
        }
        if (isFirst && bytes.subarray(0, MARK.length).equals(MARK)) {
          bytes = bytes.subarray(MARK.length);
          this.#encoding ??= 'utf-8';
        }
        isFirst = false;
        const whole = bytes.length - cutOffBytes(bytes);
        rest = bytes.subarray(whole);
        if (whole > 0) yield this.#decoded(bytes.subarray(0, whole));
      }
      if (rest.length > 0) yield this.#decoded(rest);
    } catch (error) {
      throw this.#failure(error);
    } finally {
      this.#stream?.destroy();
    }
  }

  #open(): Readable {
    this.#stream = createReadStream(this.#path, { highWaterMark: PIECE_BYTES });
    if (this.#options.compression === 'none') return this.#stream;
    // The callback is pipeline's way to be told; errors surface in the iteration.
    return pipeline(this.#stream, createGunzip({ chunkSize: PIECE_BYTES }), () => undefined);
  }

  #decoded(bytes: Buffer): Buffer {
    if (bytes.includes(0)) {
      throw new TillstreamError('not_a_csv', `${this.#options.name} holds zero bytes; expected text.`);
    }
    if (isAscii(bytes)) return bytes;
    this.#encoding ??= encodingOf(bytes);
    return this.#encoding === 'utf-8' ? bytes : utf8OfWindows1252(bytes);
  }

  #failure(error: unknown): unknown {
    if (isTillstreamError(error)) return error;
    const { name, compression } = this.#options;
    const isGzip = compression === 'gzip' && !(error instanceof Error && 'syscall' in error);
    return isGzip
      ? new TillstreamError('not_a_csv', `${name} is damaged gzip: ${messageOf(error)}.`, { cause: error })
      : new TillstreamError('unavailable', `${name} cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}

/** A few bytes that are no UTF-8 among many that are make no Windows-1252 of a file. */
function encodingOf(bytes: Buffer): Encoding {
  if (isUtf8(bytes)) return 'utf-8';
  const characters = bytes.toString('utf8').match(/[\u0080-\uffff]/g) ?? [];
  const wrong = characters.filter((character) => character === '\ufffd').length;
  return characters.length - wrong > wrong ? 'utf-8' : 'windows-1252';
}

/** Bytes at the end that begin a character of UTF-8 and do not finish it. */
function cutOffBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(CHARACTER_BYTES_MAX - 1, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? back : 0;
    }
  }
  return 0;
}
