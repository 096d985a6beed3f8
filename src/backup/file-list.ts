// The list of a backup's files: files.ndjson, a line each with path, bytes and SHA-256, in the order in which they are read.
// A file of its own, not a part of the manifest: a lake may have millions of objects, and neither side holds them in memory.
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { type Chunks, type Content, writeAll } from './content.ts';
import { damaged } from './manifest.ts';

export const FILE_LIST = 'files.ndjson';

export interface ListedFile extends Content {
  /** Below the backup, and below the data directory: they have the same layout. */
  readonly path: string;
}

const BUFFERED_BYTES_MAX = 64 * 1024;

export class FileListWriter {
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');
  #waiting = '';
  #files = 0;
  #bytes = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<FileListWriter> {
    return new FileListWriter(await open(path, 'wx', 0o600));
  }

  async add({ path, bytes, sha256 }: ListedFile): Promise<void> {
    this.#waiting += `${JSON.stringify({ path, bytes, sha256 })}\n`;
    this.#files += 1;
    this.#bytes += bytes;
    if (this.#waiting.length > BUFFERED_BYTES_MAX) await this.#write();
  }

  /** Resolves when it is on disk. */
  async end(): Promise<{ files: number; bytes: number; listSha256: string }> {
    await this.#write();
    await this.#file.sync();
    return { files: this.#files, bytes: this.#bytes, listSha256: this.#hash.digest('hex') };
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #write(): Promise<void> {
    const data = Buffer.from(this.#waiting);
    this.#waiting = '';
    this.#hash.update(data);
    await writeAll(this.#file, data);
  }
}

/** A path that stays below where it is put. As names of objects are (object-store.ts), which are among them. */
const PATH = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9._=-]+(?:\/[A-Za-z0-9._=-]+)*$/;

/** @throws backup_damaged  a path leads out of the backup */
export async function* readFileList(chunks: Chunks, backup: string): AsyncGenerator<ListedFile> {
  for await (const line of createInterface({ input: Readable.from(chunks), crlfDelay: Number.POSITIVE_INFINITY })) {
    const { path, bytes, sha256 } = JSON.parse(line) as ListedFile;
    if (!PATH.test(path)) throw damaged(backup, `its list names "${path}", which is not a path within a backup`);
    yield { path, bytes, sha256 };
  }
}
