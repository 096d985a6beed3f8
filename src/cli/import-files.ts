// The files of an import, from this machine's disk to the platform: checked before anything is sent, read as they are sent.
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { identifyFile } from '../client/csv-text.ts';
import type { ImportOptions } from '../imports/import.ts';
import { messageOf, TillstreamError } from '../model/errors.ts';
import type { Upload } from './connection.ts';

export interface FileToSend {
  /** null: standard input. */
  readonly path: string | null;
  readonly name: string;
  /** null: not known before its end. */
  readonly bytes: number | null;
}

const PIECE_BYTES = 256 * 1024;
const STANDARD_INPUT = '-';

/** @throws file_not_found, not_a_csv, wrong_usage */
export async function filesToSend(paths: readonly string[]): Promise<FileToSend[]> {
  if (paths.filter((path) => path === STANDARD_INPUT).length > 1) {
    throw new TillstreamError('wrong_usage', '"-" is standard input, which can be read once only.');
  }
  const files: FileToSend[] = [];
  for (const path of paths) {
    if (path === STANDARD_INPUT) files.push({ path: null, name: 'stdin', bytes: null });
    else files.push({ path, name: basename(path), bytes: (await identifyFile(path)).size });
  }
  return files;
}

/** @param onBytes called with all bytes of files so far */
export function uploadOf(
  files: readonly FileToSend[],
  options: ImportOptions,
  onBytes: (bytes: number) => void,
): Upload {
  const boundary = `tillstream-${randomUUID()}`;
  const part = (head: string): Buffer =>
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n\r\n`);
  const begin = Buffer.concat([
    part('name="options"\r\nContent-Type: application/json'),
    Buffer.from(`${JSON.stringify(options)}\r\n`),
  ]);
  const heads = files.map(({ name }) =>
    part(`name="file"; filename="${quotable(name)}"\r\nContent-Type: application/octet-stream`),
  );
  const endOfPart = Buffer.from('\r\n');
  const end = Buffer.from(`--${boundary}--\r\n`);
  const chunks = async function* (): AsyncGenerator<Buffer> {
    let bytes = 0;
    yield begin;
    for (const [index, file] of files.entries()) {
      yield heads[index] ?? end;
      for await (const chunk of piecesOf(file)) {
        yield chunk;
        bytes += chunk.length;
        onBytes(bytes);
      }
      yield endOfPart;
    }
    yield end;
  };
  let bytes: number | null = begin.length + end.length;
  for (const [index, file] of files.entries()) {
    if (bytes !== null && file.bytes !== null) bytes += file.bytes + (heads[index]?.length ?? 0) + endOfPart.length;
    else bytes = null;
  }
  return { contentType: `multipart/form-data; boundary=${boundary}`, bytes, chunks: chunks() };
}

/** As a quoted string takes it; a line break would end the head. */
function quotable(name: string): string {
  return name.replace(/[\r\n\0]/g, '_').replace(/["\\]/g, '\\$&');
}

/** What was checked: of a file that grows meanwhile, what was there then. @throws file_not_found */
async function* piecesOf({ path, name, bytes }: FileToSend): AsyncGenerator<Buffer> {
  if (path === null) return yield* process.stdin as AsyncIterable<Buffer>;
  if (bytes === null || bytes === 0) return;
  let left = bytes;
  try {
    const pieces: AsyncIterable<Buffer> = createReadStream(path, { end: bytes - 1, highWaterMark: PIECE_BYTES });
    for await (const piece of pieces) {
      left -= piece.length;
      yield piece;
    }
  } catch (cause) {
    throw new TillstreamError('file_not_found', `${path} cannot be read: ${messageOf(cause)}.`, { cause });
  }
  if (left > 0) {
    const message = `${name} has become shorter while it was sent: nothing was imported.`;
    throw new TillstreamError('file_not_found', message, { hint: 'Run it again once nobody writes to the file.' });
  }
}
