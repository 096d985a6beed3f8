// The tar of a backup: what is written is read back, also what is larger than the old limit of 8 GiB.
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { list } from 'tar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headerOf, readTar, TarWriter } from '../../src/backup/tar-file.ts';

const GIB = 2 ** 30;
const MTIME = new Date('2026-01-01T00:00:00Z');
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tillstream-tar-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const entriesOf = async (file: string) => {
  const found: { path: string; bytes: number; text: string | null }[] = [];
  for await (const { path, bytes, read } of readTar(file)) {
    const parts: Buffer[] = [];
    if (bytes < 1e6) for await (const chunk of read()) parts.push(chunk);
    found.push({ path, bytes, text: bytes < 1e6 ? Buffer.concat(parts).toString() : null });
  }
  return found;
};

describe('a tar', () => {
  it('gives back what was put in, in order: an empty file, a whole block, a long path; and other programs read it', async () => {
    const file = join(directory, 'small.tar');
    const long = `lake/raw/${'n'.repeat(120)}/${'m'.repeat(150)}`;
    const put = [
      ['empty', ''],
      ['lake/raw/one.ndjson.gz', 'x'.repeat(512)],
      [long, 'long'],
      ['last', 'y'.repeat(513)],
    ] as const;
    const tar = await TarWriter.create(file, MTIME);
    for (const [path, text] of put) await tar.add(path, text.length, [Buffer.from(text)], () => {});
    await tar.end();
    await tar.close();
    const expected = put.map(([path, text]) => ({ path, bytes: text.length, text }));
    expect(await entriesOf(file)).toEqual(expected);
    const seen: unknown[] = [];
    await list({ file, onReadEntry: ({ path, size }) => seen.push({ path, bytes: size }) });
    expect(seen).toEqual(expected.map(({ path, bytes }) => ({ path, bytes })));
  });

  it('holds files of more than 8 GiB', async () => {
    const file = join(directory, 'large.tar');
    const large = 9 * GIB + 1;
    const handle = await open(file, 'wx');
    try {
      // Written as a hole: only its length counts here.
      const header = headerOf('orders/data.mdb', large, MTIME);
      await handle.write(header, 0, header.length, 0);
      const after = header.length + large + 511;
      const small = Buffer.concat([headerOf('version.json', 2, MTIME), Buffer.from('{}'), Buffer.alloc(510 + 1024)]);
      await handle.write(small, 0, small.length, after);
    } finally {
      await handle.close();
    }
    expect(await entriesOf(file)).toEqual([
      { path: 'orders/data.mdb', bytes: large, text: null },
      { path: 'version.json', bytes: 2, text: '{}' },
    ]);
  });
});
