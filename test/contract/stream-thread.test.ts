import path from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase, openEnvironment } from '../../src/stores/lmdb-environment.ts';
import { decodeKey } from '../../src/stream/frame.ts';
import { freshDirectory } from '../support/platform.ts';
import { openThreadedStream } from '../support/stream-thread.ts';
import { append, newRecord, streamContract } from './stream.contract.ts';

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
  await stream.close();
  const environment = openEnvironment(directory);
  const counts = [...openDatabase(environment, 'frames').getKeys()].map((key) => decodeKey(key).count);
  await environment.close();
  expect(counts.reduce((sum, count) => sum + count)).toBe(400);
  expect(counts.every((count) => count % 10 === 0)).toBe(true);
  expect(counts.length).toBeLessThan(40);
});

test('a full stream refuses before it sends, and says so', async () => {
  const stream = await openThreadedStream(path.join(await freshDirectory('stream'), 'stream'), 1000);
  await append(stream, [newRecord('x'.repeat(1500))]);
  await expect(stream.append([newRecord('one more')])).rejects.toMatchObject({ code: 'stream_full' });
  await stream.close();
});
