// Moves bytes of any number through a hash, to the disk or nowhere. Memory: a few chunks.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What a file holds. */
export interface Content {
  readonly bytes: number;
  readonly sha256: string;
}

export type Chunks = AsyncIterable<Buffer> | Iterable<Buffer>;

/** Called with each chunk's length, before it counts as done; what it throws ends the work. */
export type OnBytes = (bytes: number) => void;

/** Large enough that the hash, not the calls, takes the time. */
const CHUNK_BYTES = 1024 * 1024;

export function readFileChunks(file: string, range: { start?: number; end?: number } = {}): Chunks {
  return createReadStream(file, { ...range, highWaterMark: CHUNK_BYTES }) as Chunks;
}

/** Reads to the end, and hands every chunk on. */
export async function passOn(
  chunks: Chunks,
  onBytes: OnBytes,
  take?: (chunk: Buffer) => Promise<void>,
): Promise<Content> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunks) {
    onBytes(chunk.length);
    hash.update(chunk);
    bytes += chunk.length;
    await take?.(chunk);
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Writes a new file, for nobody but this user; resolves when it is on disk. Directories above it are made. */
export async function writeNew(file: string, chunks: Chunks, onBytes: OnBytes): Promise<Content> {
  await makeAbove(file);
  return withFile(file, 'wx', async (handle) => {
    const content = await passOn(chunks, onBytes, (chunk) => writeAll(handle, chunk));
    await handle.sync();
    return content;
  });
}

/** Not by mkdir's own recursion: on a disk without room, that says ENOENT. */
async function makeAbove(path: string): Promise<void> {
  const directory = dirname(path);
  if (existsSync(directory)) return;
  await makeAbove(directory);
  await mkdir(directory, { mode: 0o700 });
}

/** Hashes a file that another program has written, and sees to it that it is on disk. */
export async function settle(file: string, onBytes: OnBytes): Promise<Content> {
  await withFile(file, 'r+', async (handle) => {
    await handle.chmod(0o600);
    await handle.sync();
  });
  return passOn(readFileChunks(file), onBytes);
}

/** A name is on disk once its directory is. */
export function syncDirectory(path: string): Promise<void> {
  return withFile(path, 'r', (handle) => handle.sync());
}

/** FileHandle.write may write a part only. */
export async function writeAll(handle: FileHandle, data: Buffer): Promise<void> {
  for (let at = 0; at < data.length; ) at += (await handle.write(data, at)).bytesWritten;
}

async function withFile<T>(path: string, flags: string, work: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, flags, 0o600);
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
}
