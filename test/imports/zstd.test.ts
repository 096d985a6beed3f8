// zstd: every byte that was packed, or a refusal that says why.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import xxhash from 'xxhash-wasm';
import { unpackZstd } from '../../src/imports/zstd.ts';
import { writtenByDuckDb } from './staging.ts';

const NUMBERS = 'SELECT hash(range) AS h FROM range(40000)';
const HAS_CHECKSUM = 4;
const FRAME_WITHOUT_CONTENT = Buffer.from([0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'tillstream-zstd-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function unpacked(packed: Buffer): Promise<Buffer> {
  const [from, to] = ['packed', 'unpacked'].map((name) => path.join(directory, name)) as [string, string];
  await writeFile(from, packed);
  await unpackZstd(from, to, { name: 'may.csv.zst', checkpoint: async () => {} });
  return readFile(to);
}

/** The last four bytes of a frame that has one: of what the frame holds. */
async function checksum(content: Buffer): Promise<Buffer> {
  const { create64 } = await xxhash();
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(Number(create64().update(content).digest() & 0xffffffffn));
  return bytes;
}

/** One frame of one block, which is not compressed; RFC 8878, section 3.1.1. */
async function rawFrame(content: Buffer): Promise<Buffer> {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(content.length);
  const header = Buffer.alloc(3);
  header.writeUIntLE(1 | (content.length << 3), 0, 3);
  return Buffer.concat([
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, (2 << 6) | (1 << 5) | HAS_CHECKSUM]),
    ...[size, header, content, await checksum(content)],
  ]);
}

/** A compressed frame, and what it holds. */
async function compressedFrame(): Promise<{ readonly packed: Buffer; readonly content: Buffer }> {
  const content = await writtenByDuckDb(`COPY (${NUMBERS}) TO $out (FORMAT csv)`);
  const frame = await writtenByDuckDb(`COPY (${NUMBERS}) TO $out (FORMAT csv, COMPRESSION zstd)`);
  frame[4] = (frame[4] ?? 0) | HAS_CHECKSUM;
  return { packed: Buffer.concat([frame, await checksum(content)]), content };
}

it('gives back every byte, also what is no text', async () => {
  const bytes = Buffer.from([0, 1, 13, 34, 97, 13, 98, 13, 10, 13, 10, 34, 0x80, 0x93, 0xe9, 0xff]);
  expect(await unpacked(await rawFrame(bytes))).toEqual(bytes);
  const { packed, content } = await compressedFrame();
  expect(content.length).toBeGreaterThan(500_000);
  expect(await unpacked(packed)).toEqual(content);
});

it('gives back several frames, some without content', async () => {
  const { packed, content } = await compressedFrame();
  const small = Buffer.from('small');
  const frames = [FRAME_WITHOUT_CONTENT, packed, FRAME_WITHOUT_CONTENT, await rawFrame(small), FRAME_WITHOUT_CONTENT];
  expect(await unpacked(Buffer.concat(frames))).toEqual(Buffer.concat([content, small]));
});

it.each([1, 4, 5, 20_000])('that lacks its last %i bytes is refused', async (bytes) => {
  const { packed } = await compressedFrame();
  await expect(unpacked(packed.subarray(0, -bytes))).rejects.toThrow('may.csv.zst is damaged: it ends in the middle.');
});

it('with one bit that is another is refused, wherever', async () => {
  const { packed } = await compressedFrame();
  for (let at = 20; at < packed.length; at += Math.floor(packed.length / 7)) {
    const damaged = Buffer.from(packed);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    await expect(unpacked(damaged), `byte ${at}`).rejects.toThrow('may.csv.zst is damaged');
  }
});

it('with something else behind it is refused', async () => {
  const frame = await rawFrame(Buffer.from('small'));
  for (const rest of ['more', 'x', 'InvoiceNo,StockCode\n']) {
    await expect(unpacked(Buffer.concat([frame, Buffer.from(rest)]))).rejects.toThrow(`at byte ${frame.length}`);
  }
});
