// What the stream on one machine promises beyond the port: group commit, readers of other threads, bounds, a full disk.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, createClock } from '../../src/model/clock.ts';
import { openDatabase, openEnvironment } from '../../src/stores/lmdb-environment.ts';
import { decodeKey } from '../../src/stream/frame.ts';
import { Head } from '../../src/stream/head.ts';
import { type LmdbStream, openLmdbStream } from '../../src/stream/lmdb-stream.ts';
import { openLmdbStreamReader } from '../../src/stream/lmdb-stream-reader.ts';
import { append, newRecord, textsOf } from '../contract/stream.contract.ts';
import { eventually } from '../support/eventually.ts';
import { canMount, mountSmallDisk } from '../support/small-disk.ts';

const ALL = { recordsMax: 1e6, bytesMax: 1e9 };

let directory: string;
let stream: LmdbStream;
let head: Head;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'tillstream-stream-'));
  stream = await openStream(directory);
});
afterEach(async () => {
  await stream.close();
  await rm(directory, { recursive: true });
});

function openStream(where: string, clock: Clock = createClock(), bytesMax = 2 ** 30): Promise<LmdbStream> {
  head = new Head();
  return openLmdbStream({ directory: where, head, clock, newId: () => `id of ${where}`, bytesMax });
}

/** Records in each commit that is kept. */
async function commits(): Promise<number[]> {
  const environment = openEnvironment(directory);
  const frames = openDatabase(environment, 'frames');
  const counts = [...frames.getKeys()].map((key) => decodeKey(key).count);
  await environment.close();
  return counts;
}

describe('group commit', () => {
  test('appends of one turn share a commit', async () => {
    await Promise.all(Array.from({ length: 100 }, (_, index) => append(stream, [newRecord(`${index}`)])));
    expect(await commits()).toStrictEqual([100]);
  });

  test('an append that waits for nobody has a commit of its own', async () => {
    for (let index = 0; index < 3; index += 1) await append(stream, [newRecord(`${index}`)]);
    expect(await commits()).toStrictEqual([1, 1, 1]);
  });

  test('more than 4 MiB at once go in several commits, in order', async () => {
    const record = (index: number) => newRecord(`${index}`.padStart(200_000, '0'));
    await Promise.all(Array.from({ length: 50 }, (_, index) => append(stream, [record(index)])));
    expect((await commits()).length).toBeGreaterThanOrEqual(3);
    const records = await stream.read(null, ALL);
    expect(records.map(({ data }) => Number(data))).toStrictEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  test('a record that is refused leaves those that wait with it alone', async () => {
    const good = append(stream, [newRecord('good')]);
    await expect(stream.append([{ key: '', data: Buffer.alloc(200_001) }])).rejects.toThrow('at most 200000');
    await good;
    expect(textsOf(await stream.read(null, ALL))).toStrictEqual(['good']);
  });
});

describe('a reader of another thread', () => {
  test('reads what the head says is on disk, and nothing beyond', async () => {
    const own = new Head();
    const reader = openLmdbStreamReader(directory, own);
    await append(stream, [newRecord('1'), newRecord('2'), newRecord('3')]);
    await append(stream, [newRecord('4')]);
    expect(await reader.read(null, ALL)).toStrictEqual([]);
    for (const newest of [1, 3, 4]) {
      own.advanceTo(newest);
      expect(await reader.read(null, ALL)).toHaveLength(newest);
    }
    expect(reader.id).toBe(stream.id);
    expect(await reader.bounds()).toStrictEqual(await stream.bounds());
    await reader.close();
    expect(await stream.read(null, ALL), 'closing a reader closes no other').toHaveLength(4);
  });

  test('of a stream that has not been made says so', () => {
    expect(() => openLmdbStreamReader(path.join(directory, 'none'), new Head())).toThrow('not been made yet');
  });

  test('is woken by an append, by wake(), and by time', async () => {
    const shared = new Head(head.buffer);
    const appended = shared.waitBeyond(0, 20_000);
    await append(stream, [newRecord('1')]);
    await appended;
    expect(shared.newest).toBe(1);
    await shared.waitBeyond(0, 20_000);
    const woken = shared.waitBeyond(1, 20_000);
    shared.wake();
    await woken;
    const started = performance.now();
    await shared.waitBeyond(1, 50);
    expect(performance.now() - started).toBeGreaterThan(40);
  });
});

describe('bounds', () => {
  test('do not go back when everything was removed and the stream is opened again', async () => {
    const before = await append(stream, [newRecord('1'), newRecord('2')]);
    const newest = before.at(-1) ?? '';
    while ((await stream.trim(newest, Number.MAX_SAFE_INTEGER)) > 0);
    expect(await stream.bounds()).toStrictEqual({ trimmed: newest, newest });
    expect(stream.size()).toMatchObject({ records: 0, bytes: 0 });
    await stream.close();
    stream = await openStream(directory);
    expect(await stream.bounds()).toStrictEqual({ trimmed: newest, newest });
    const [after] = await append(stream, [newRecord('3')]);
    expect((after ?? '') > newest).toBe(true);
    expect(textsOf(await stream.read(null, ALL))).toStrictEqual(['3']);
    expect(textsOf(await stream.read(newest, ALL))).toStrictEqual(['3']);
  });

  test('the clock goes on after the newest append, though the machine says it is earlier', async () => {
    await append(stream, [newRecord('1')]);
    const [{ arrivedAtMs } = { arrivedAtMs: Number.MAX_VALUE }] = await stream.read(null, ALL);
    await stream.close();
    const clock = createClock(() => 1000);
    stream = await openStream(directory, clock);
    expect(clock.nowMicros()).toBeGreaterThanOrEqual(arrivedAtMs * 1000);
  });
});

describe.runIf(canMount())('a disk that is full', () => {
  test('fails the append, keeps what was acknowledged, and goes on once there is room', async () => {
    const disk = mountSmallDisk('size=24m');
    const small = await openStream(disk.directory);
    try {
      const acknowledged: string[] = [];
      const data = Buffer.alloc(150_000, 'x');
      const fill = async (): Promise<void> => {
        for (;;) acknowledged.push(...(await append(small, [{ key: '', data }])));
      };
      await expect(fill()).rejects.toMatchObject({ code: 'unavailable' });
      const newest = acknowledged.at(-1);
      expect((await small.bounds()).newest, 'not the one that failed').toBe(newest);
      expect(await small.read(null, ALL)).toHaveLength(acknowledged.length);

      disk.remount('size=64m');
      const [after] = await eventually(() => append(small, [newRecord('there is room')]));
      expect((after ?? '') > (newest ?? '')).toBe(true);
      const records = await small.read(null, ALL);
      expect(records.map(({ sequence }) => sequence)).toStrictEqual([...acknowledged, after]);
      expect(textsOf(await small.read(newest ?? null, ALL))).toStrictEqual(['there is room']);
      const { bytes } = small.size();
      expect(bytes - acknowledged.length * data.length, 'what failed is not counted').toBeLessThan(1000);
    } finally {
      await small.close();
      disk.unmount();
    }
  });

  test('a number that a failed append has used up is never announced, also not after a trim and a new start', async () => {
    const disk = mountSmallDisk('size=24m');
    let small = await openStream(disk.directory);
    try {
      const acknowledged: string[] = [];
      const record = { key: '', data: Buffer.alloc(150_000, 'x') };
      const fill = async (): Promise<void> => {
        for (;;) acknowledged.push(...(await append(small, [record])));
      };
      await expect(fill()).rejects.toMatchObject({ code: 'unavailable' });
      disk.remount('size=64m');
      const [first = null] = acknowledged;
      await eventually(() => small.trim(first, Date.now() + 1000));
      await small.close();
      small = await openStream(disk.directory);
      expect(await small.bounds()).toStrictEqual({ trimmed: first, newest: acknowledged.at(-1) });
    } finally {
      await small.close();
      disk.unmount();
    }
  });
});
