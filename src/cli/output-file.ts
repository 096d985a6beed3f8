// A file that a command writes: checked before anything is sent, written as it comes.
import { createWriteStream } from 'node:fs';
import { access, constants, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { messageOf, TillstreamError } from '../model/errors.ts';

/**
 * @param option by which it was named
 * @param inputs files that it must not be
 * @throws wrong_usage, directory_not_writable
 */
export async function checkPlace(option: string, path: string, inputs: readonly string[]): Promise<void> {
  const target = await realpath(path).catch(() => null);
  for (const input of inputs) {
    if (target === null || (await realpath(input).catch(() => null)) !== target) continue;
    throw new TillstreamError('wrong_usage', `${path} is one of the files to read.`, {
      hint: `Choose another with ${option}.`,
    });
  }
  try {
    if (target === null) await access(dirname(resolve(path)), constants.W_OK);
    else if ((await stat(target)).isDirectory()) throw new Error('it is a directory');
    else await access(target, constants.W_OK);
  } catch (cause) {
    throw notWritable(option, path, cause);
  }
}

/** @throws directory_not_writable, and what the bytes throw */
export async function writeTo(option: string, path: string, bytes: AsyncIterable<Buffer>): Promise<void> {
  try {
    await pipeline(bytes, createWriteStream(path));
  } catch (error) {
    throw error instanceof TillstreamError ? error : notWritable(option, path, error);
  }
}

function notWritable(option: string, path: string, cause: unknown): TillstreamError {
  return new TillstreamError('directory_not_writable', `The file ${path} cannot be written: ${messageOf(cause)}.`, {
    hint: `Choose another place with ${option}.`,
    cause,
  });
}
