// The text of files in every form that shops keep them in, on a real disk.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileText, type FileTextOptions } from '../../src/imports/file-text.ts';
import { isTillstreamError } from '../../src/model/errors.ts';
import { dice } from '../support/seed.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'tillstream-file-text-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** What a file is read in at once. */
const PIECE_BYTES = 2 ** 20;

async function read(content: Buffer | string, options: Partial<FileTextOptions> = {}) {
  const file = path.join(directory, 'shop.csv');
  await writeFile(file, content);
  const text = new FileText(file, { name: 'shop.csv', compression: 'none', ...options });
  const pieces: Buffer[] = [];
  for await (const piece of text.pieces()) pieces.push(piece);
  return { bytes: Buffer.concat(pieces), pieces, encoding: text.encoding, bytesRead: text.bytesRead };
}

async function textOf(content: Buffer | string, options: Partial<FileTextOptions> = {}): Promise<[string, unknown]> {
  const { bytes, encoding } = await read(content, options);
  return [bytes.toString('utf8'), encoding];
}

async function failure(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => null,
    (reason) => reason,
  );
  if (!isTillstreamError(error)) throw error ?? new Error('It did not fail');
  return `${error.code}: ${error.message}`;
}

const plain = (bytes: number) => Buffer.alloc(bytes, 'plain text\n');

describe('the encoding of a file', () => {
  test('is open while all is ASCII', async () => {
    expect(await textOf('CAFE\n')).toEqual(['CAFE\n', null]);
  });

  test.each([
    ['UTF-8', Buffer.from('CAFÉ €1\n'), 'utf-8'],
    ['UTF-8 with a byte order mark', Buffer.from('\ufeffCAFÉ €1\n'), 'utf-8'],
    ['Windows-1252', Buffer.from('CAF\xc9 \x801\n', 'latin1'), 'windows-1252'],
  ])('%s is found, and read as it was meant', async (_name, bytes, encoding) => {
    expect(await textOf(bytes)).toEqual(['CAFÉ €1\n', encoding]);
  });

  test('a byte order mark alone says UTF-8, and is no text', async () => {
    expect(await textOf('\ufeffCAFE\n')).toEqual(['CAFE\n', 'utf-8']);
    expect(await textOf('\ufeff')).toEqual(['', 'utf-8']);
  });

  test('ISO-8859-1, and all that Windows-1252 has beyond', async () => {
    const high = Buffer.from(Array.from({ length: 128 }, (_, index) => 0x80 + index));
    const beyond = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';
    expect(await textOf(high)).toEqual([beyond + high.toString('latin1').slice(beyond.length), 'windows-1252']);
  });

  test('the first letter beyond ASCII decides, however late it comes', async () => {
    const before = plain(3 * PIECE_BYTES + 5);
    for (const encoding of ['utf8', 'latin1'] as const) {
      const { bytes } = await read(Buffer.concat([before, Buffer.from('CAFÉ', encoding)]));
      expect(bytes.length).toBe(before.length + 5);
      expect(bytes.subarray(-5).toString('utf8')).toBe('CAFÉ');
    }
  });

  test('one that is given is not looked for', async () => {
    expect(await textOf(Buffer.from('Ã‰'), { encoding: 'windows-1252' })).toEqual(['Ãƒâ€°', 'windows-1252']);
    const bytes = Buffer.from('CAF\xc9\n', 'latin1');
    expect((await read(bytes, { encoding: 'utf-8' })).bytes.equals(bytes)).toBe(true);
  });

  test('bytes that are no UTF-8 in a file that is go through as they are: their row is refused, not the file', async () => {
    const early = Buffer.concat([Buffer.from('É É É\n'), Buffer.from([0xc9, 0x0a])]);
    const late = Buffer.concat([Buffer.from('É\n'), plain(2 * PIECE_BYTES), Buffer.from([0xff, 0xc9, 0x0a])]);
    for (const bytes of [early, late]) {
      const text = await read(bytes);
      expect(text.encoding).toBe('utf-8');
      expect(text.bytes.equals(bytes)).toBe(true);
    }
  });
});

describe('what a piece ends in', () => {
  test.each([
    ['€', 'utf8'],
    ['𝄞', 'utf8'],
    ['É', 'utf8'],
    ['É', 'latin1'],
  ] as const)('no end of a piece cuts %s (%s)', async (letter, encoding) => {
    const bytes = Buffer.from(letter, encoding);
    for (let before = 1; before <= 4; before += 1) {
      const start = plain(PIECE_BYTES - before);
      const text = await read(Buffer.concat([start, bytes, bytes, Buffer.from('.\n')]));
      expect(text.encoding).toBe(encoding === 'utf8' ? 'utf-8' : 'windows-1252');
      expect(text.bytes.subarray(start.length).toString('utf8')).toBe(`${letter}${letter}.\n`);
      for (const piece of text.pieces) expect(piece.toString('utf8')).not.toContain('\ufffd');
    }
  });

  test('a file that ends within a character keeps what there is of it', async () => {
    const bytes = Buffer.concat([Buffer.from('É'), Buffer.from('€').subarray(0, 2)]);
    expect((await read(bytes)).bytes.equals(bytes)).toBe(true);
    expect(await textOf(Buffer.from([0x41, 0xc9]))).toEqual(['AÉ', 'windows-1252']);
  });

  test('text of any letters, of any length, comes back whole, packed or not', async () => {
    const random = dice('text of any letters');
    const letters = ['a', '\n', '"', 'é', '€', '𝄞'];
    for (let run = 0; run < 6; run += 1) {
      const few = Array.from({ length: 997 }, () => letters[random.between(0, letters.length - 1)]).join('');
      const bytes = Buffer.from(few.repeat(random.between(1, 1500)));
      expect((await read(bytes)).bytes.equals(bytes)).toBe(true);
      expect((await read(gzipSync(bytes, { level: 1 }), { compression: 'gzip' })).bytes.equals(bytes)).toBe(true);
    }
  });
});

describe('what a file is packed in', () => {
  test('progress counts the bytes on disk', async () => {
    const packed = gzipSync(plain(3 * PIECE_BYTES));
    const { bytes, bytesRead, pieces } = await read(packed, { compression: 'gzip' });
    expect([bytes.length, bytesRead]).toEqual([3 * PIECE_BYTES, packed.length]);
    // However well it is packed, no piece is larger.
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(PIECE_BYTES + 4);
  });

  test('gzip files put one after the other are one', async () => {
    const both = Buffer.concat([gzipSync('first\n'), gzipSync('second\n')]);
    expect(await textOf(both, { compression: 'gzip' })).toEqual(['first\nsecond\n', null]);
  });

  test('damaged gzip, and what is no text, is said to be so', async () => {
    const packed = gzipSync(Buffer.from(Array.from({ length: 10_000 }, (_, index) => String(index)).join('\n')));
    const gzip = { compression: 'gzip' } as const;
    const cut = read(packed.subarray(0, packed.length >> 1), gzip);
    expect(await failure(cut)).toBe('not_a_csv: shop.csv is damaged gzip: unexpected end of file.');
    packed.fill(0x55, packed.length >> 1, (packed.length >> 1) + 100);
    expect(await failure(read(packed, gzip))).toMatch(/^not_a_csv: shop\.csv is damaged gzip: /);
    expect(await failure(read('a,b\n1,\0\n'))).toBe('not_a_csv: shop.csv holds zero bytes; expected text.');
  });

  test('a file that is not there is unavailable, packed or not', async () => {
    for (const compression of ['none', 'gzip'] as const) {
      const text = new FileText(path.join(directory, 'gone.csv'), { name: 'gone.csv', compression });
      expect(await failure(text.pieces().next())).toMatch(/^unavailable: gone\.csv cannot be read: ENOENT/);
    }
  });

  test('whoever has seen enough can stop', async () => {
    const file = path.join(directory, 'shop.csv.gz');
    await writeFile(file, gzipSync(plain(20 * PIECE_BYTES), { level: 0 }));
    const text = new FileText(file, { name: 'shop.csv.gz', compression: 'gzip' });
    for await (const piece of text.pieces()) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    expect(text.bytesRead).toBeLessThan(10 * PIECE_BYTES);
  });
});
