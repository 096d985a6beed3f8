// Tar files of regular files alone, written and read one after the other. Headers are the library's; what is larger than 8 GiB
// gets a pax header, which every tar of this century reads.
import { type FileHandle, open, stat } from 'node:fs/promises';
import { Header, Pax } from 'tar';
import { type Chunks, type Content, type OnBytes, passOn, readFileChunks, writeAll } from './content.ts';
import { damaged } from './manifest.ts';

const BLOCK_BYTES = 512;
/** Two empty blocks end a tar. */
const END = Buffer.alloc(2 * BLOCK_BYTES);

export class TarWriter {
  readonly #file: FileHandle;
  readonly #mtime: Date;

  private constructor(file: FileHandle, mtime: Date) {
    this.#file = file;
    this.#mtime = mtime;
  }

  /** @param mtime of all files in it */
  static async create(path: string, mtime: Date): Promise<TarWriter> {
    return new TarWriter(await open(path, 'wx', 0o600), mtime);
  }

  /** @throws RangeError  there are not as many bytes as it was said */
  async add(path: string, bytes: number, chunks: Chunks, onBytes: OnBytes): Promise<Content> {
    await writeAll(this.#file, headerOf(path, bytes, this.#mtime));
    const content = await passOn(chunks, onBytes, (chunk) => writeAll(this.#file, chunk));
    if (content.bytes !== bytes) throw new RangeError(`${path} has ${content.bytes} bytes, not ${bytes}`);
    await writeAll(this.#file, Buffer.alloc(padding(bytes)));
    return content;
  }

  /** Resolves when it is on disk. */
  async end(): Promise<void> {
    await writeAll(this.#file, END);
    await this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

export function headerOf(path: string, bytes: number, mtime: Date): Buffer {
  const fields = { path, size: bytes, mtime, mode: 0o600, uid: 0, gid: 0, type: 'File' } as const;
  const header = new Header(fields);
  const needsPax = header.encode();
  const block = header.block ?? Buffer.alloc(0);
  return needsPax ? Buffer.concat([new Pax(fields).encode(), block]) : block;
}

export interface TarEntry {
  readonly path: string;
  readonly bytes: number;
  read(): Chunks;
}

/** Of the names of a pax header; ours take a hundred bytes. */
const PAX_BYTES_MAX = 64 * 1024;

/** @throws backup_damaged  it is cut, or not a tar of regular files */
export async function* readTar(file: string): AsyncGenerator<TarEntry> {
  const { size } = await stat(file);
  const handle = await open(file, 'r');
  try {
    let pax: Pax | undefined;
    for (let at = 0; at < size; ) {
      const header = headerIn(await readAt(handle, at, BLOCK_BYTES));
      if (header?.nullBlock === true) return;
      if (header === null) throw damaged(file, `byte ${at} is not the start of a file in a tar`);
      const { type } = header;
      const path = pax?.path ?? header.path ?? '';
      const bytes = pax?.size ?? header.size ?? 0;
      const start = at + BLOCK_BYTES;
      if (start + bytes > size) throw damaged(file, `it is cut within ${path}`);
      at = start + bytes + padding(bytes);
      if (type === 'ExtendedHeader' && bytes <= PAX_BYTES_MAX) {
        pax = Pax.parse((await readAt(handle, start, bytes)).toString('utf8'));
        continue;
      }
      pax = undefined;
      if (type !== 'File' && type !== 'OldFile') throw damaged(file, `${path} in it is not a file`);
      yield { path, bytes, read: () => readRange(file, start, bytes) };
    }
  } finally {
    await handle.close();
  }
}

/** null for what is none, or is cut. */
function headerIn(block: Buffer): Header | null {
  if (block.length < BLOCK_BYTES) return null;
  const header = new Header(block, 0);
  return header.nullBlock || header.cksumValid ? header : null;
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

function readRange(file: string, start: number, bytes: number): Chunks {
  return bytes === 0 ? [] : readFileChunks(file, { start, end: start + bytes - 1 });
}

function padding(bytes: number): number {
  return (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES;
}
