import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openDatabase, openEnvironment } from '../../src/stores/lmdb-environment.ts';
import { decodeKey } from '../../src/stream/frame.ts';
import { endPlatforms, freshDirectory } from '../support/platform.ts';
import { canMount, mountSmallDisk } from '../support/small-disk.ts';
import { openThreadedStream } from '../support/stream-thread.ts';
import { append, newRecord, streamContract } from './stream.contract.ts';

afterEach(endPlatforms);

streamContract('lmdb, in its thread', (directory) => openThreadedStream(path.join(directory, 'stream')));

test('appends of one turn share a commit, and so do those that come while one is under way', async () => {
  const directory = path.join(await freshDirectory('stream'), 'stream');
  const stream = await openThreadedStream(directory);
  const appended: Promise<string[]>[] = [];
  for (let turn = 0; turn < 40; turn += 1) {
    for (let index = 0; index < 10; index += 1) appended.push(append(stream, [newRecord(`${turn}-${index}`)]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const sequences = (await Promise.all(appended)).flat();
  expect(sequences, 'in the order of coming').toStrictEqual(sequences.toSorted());
  const records = await stream.read(null, { recordsMax: 1000, bytesMax: 1e6 });
  const expected = sequences.map((sequence, index) => [sequence, `${Math.floor(index / 10)}-${index % 10}`]);
  expect(records.map(({ sequence, data }) => [sequence, data.toString()])).toStrictEqual(expected);
  await stream.close();
  const environment = openEnvironment(directory);
  const counts = [...openDatabase(environment, 'frames').getKeys()].map((key) => decodeKey(key).count);
  await environment.close();
  expect(counts.reduce((sum, count) => sum + count)).toBe(400);
  expect(counts.every((count) => count % 10 === 0)).toBe(true);
  expect(counts.length).toBeLessThan(40);
});

test('a thread that ends leaves nobody waiting', async () => {
  const stream = await openThreadedStream(path.join(await freshDirectory('stream'), 'stream'));
  const waiting = Promise.allSettled(Array.from({ length: 20 }, (_, index) => stream.append([newRecord(`${index}`)])));
  await new Promise((resolve) => setImmediate(resolve));
  await stream.end();
  for (const result of await waiting) {
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'unavailable' });
  }
  await expect(stream.append([newRecord('one more')])).rejects.toMatchObject({ code: 'unavailable' });
});

describe.runIf(canMount())('a disk that is full', () => {
  test('fails every sender of the commit, and the next append has a later number', async () => {
    const disk = mountSmallDisk('size=24m');
    const stream = await openThreadedStream(path.join(disk.directory, 'stream'));
    try {
      const data = Buffer.alloc(150_000, 'x');
      const results = await Promise.allSettled(Array.from({ length: 100 }, () => stream.append([{ key: '', data }])));
      const stored = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
      const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      expect(refused.length).toBeGreaterThan(0);
      for (const error of refused) expect(error).toMatchObject({ code: 'unavailable' });
      disk.remount('size=96m');
      const [after = ''] = await append(stream, [newRecord('there is room')]);
      const all = { recordsMax: 1e6, bytesMax: 1e9 };
      const expected = [...stored.map((result) => ('sequence' in result ? result.sequence : '')), after];
      expect((await stream.read(null, all)).map(({ sequence }) => sequence)).toStrictEqual(expected);
      expect(expected).toStrictEqual(expected.toSorted());
    } finally {
      await stream.close();
      disk.unmount();
    }
  });
});

test('a full stream refuses before it sends, and says so', async () => {
  const stream = await openThreadedStream(path.join(await freshDirectory('stream'), 'stream'), 1000);
  await append(stream, [newRecord('x'.repeat(1500))]);
  await expect(stream.append([newRecord('one more')])).rejects.toMatchObject({ code: 'stream_full' });
  await stream.close();
});
