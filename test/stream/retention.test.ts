// Retention on one machine: what trim() removes, what it never does, and when appends are refused.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createClock } from '../../src/model/clock.ts';
import { Head } from '../../src/stream/head.ts';
import { type LmdbStream, openLmdbStream } from '../../src/stream/lmdb-stream.ts';
import { append, newRecord, textsOf } from '../contract/stream.contract.ts';

const ALL = { recordsMax: 1e6, bytesMax: 1e9 };
const HOUR_MS = 3_600_000;

let directory: string;
let stream: LmdbStream;
/** What the machine's clock says. */
let nowMs = 0;

beforeEach(async () => {
  nowMs = 1_700_000_000_000;
  directory = await mkdtemp(path.join(tmpdir(), 'tillstream-retention-'));
  await open(10_000);
});
afterEach(async () => {
  await stream.close();
  await rm(directory, { recursive: true });
});

async function open(bytesMax: number): Promise<void> {
  const clock = createClock(() => nowMs * 1000);
  stream = await openLmdbStream({ directory, head: new Head(), clock, newId: () => 'id', bytesMax });
}

/** One record, and so one commit, an hour. */
async function appendHourly(...texts: string[]): Promise<string[]> {
  const sequences: string[] = [];
  for (const text of texts) {
    sequences.push(...(await append(stream, [newRecord(text)])));
    nowMs += HOUR_MS;
  }
  return sequences;
}

async function kept(): Promise<string[]> {
  return textsOf(await stream.read(null, ALL));
}

describe('trim', () => {
  test('removes what every consumer has passed and is older than it has to be', async () => {
    const [, second, third] = await appendHourly('1', '2', '3', '4');
    expect(await stream.trim(third ?? null, nowMs - 2.5 * HOUR_MS)).toBe(2);
    expect(await kept()).toStrictEqual(['3', '4']);
    expect((await stream.bounds()).trimmed).toBe(second);
    expect(stream.size()).toMatchObject({ records: 2 });
  });

  test('never removes what a consumer has not passed, however old and however large', async () => {
    const [first] = await appendHourly('1', '2'.repeat(9000), '3'.repeat(3000));
    expect(await stream.trim(null, Number.MAX_SAFE_INTEGER)).toBe(0);
    expect(await stream.trim(first ?? null, Number.MAX_SAFE_INTEGER)).toBe(1);
    expect(await stream.trim(first ?? null, Number.MAX_SAFE_INTEGER)).toBe(0);
    expect(await kept()).toHaveLength(2);
  });

  test('keeps a commit until all of its records are passed', async () => {
    const [first, second] = await append(stream, [newRecord('1'), newRecord('2')]);
    expect(await stream.trim(first ?? null, Number.MAX_SAFE_INTEGER)).toBe(0);
    expect(await kept()).toStrictEqual(['1', '2']);
    expect(await stream.trim(second ?? null, Number.MAX_SAFE_INTEGER)).toBe(2);
  });

  test('removes young records too while the stream is longer than it may be, and stops there', async () => {
    const sequences = await appendHourly('1'.repeat(4000), '2'.repeat(4000), '3'.repeat(4000));
    expect(await stream.trim(sequences.at(-1) ?? null, 0)).toBe(1);
    expect((await kept()).map((text) => text[0])).toStrictEqual(['2', '3']);
    expect(stream.size().bytes).toBeLessThan(10_000);
    expect(await stream.trim(sequences.at(-1) ?? null, 0)).toBe(0);
  });

  test('goes by steps, and shares the stream with appends', async () => {
    for (let index = 0; index < 1200; index += 1) await append(stream, [newRecord('x')]);
    const { newest } = await stream.bounds();
    const appended: Promise<unknown>[] = [];
    let removed = 0;
    for (let steps = 0; ; steps += 1) {
      appended.push(append(stream, [newRecord(`meanwhile ${steps}`)]));
      const step = await stream.trim(newest, Number.MAX_SAFE_INTEGER);
      removed += step;
      if (step > 0) continue;
      expect(steps).toBeGreaterThan(1);
      break;
    }
    await Promise.all(appended);
    expect(removed).toBe(1200);
    expect((await kept()).every((text) => text.startsWith('meanwhile'))).toBe(true);
    const size = stream.size();
    await stream.close();
    await open(10_000);
    expect(stream.size()).toStrictEqual(size);
    expect((await stream.bounds()).trimmed).toBe(newest);
  });
});

describe('a stream that is full', () => {
  test('refuses appends before it stores anything, and takes them again once it is shorter', async () => {
    const sequences: string[] = [];
    const fill = async (): Promise<void> => {
      for (;;) sequences.push(...(await append(stream, [newRecord('x'.repeat(1000))])));
    };
    await expect(fill()).rejects.toMatchObject({ code: 'stream_full', retryAfterSeconds: 5 });
    expect(stream.size().bytes).toBeGreaterThan(12_500);
    expect(stream.size().bytes).toBeLessThan(14_000);
    expect(await kept()).toHaveLength(sequences.length);
    await expect(append(stream, [newRecord('small')])).rejects.toMatchObject({ code: 'stream_full' });

    await stream.trim(sequences[0] ?? null, 0);
    await stream.trim(sequences[1] ?? null, 0);
    await append(stream, [newRecord('small')]);
    expect((await kept()).at(-1)).toBe('small');
  });

  test('is full after it was opened again, too', async () => {
    await append(stream, [newRecord('x'.repeat(13_000))]);
    await stream.close();
    await open(10_000);
    await expect(append(stream, [newRecord('small')])).rejects.toMatchObject({ code: 'stream_full' });
  });
});
