// A store that does not fit the stream stops its consumer: nothing is ever skipped.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createArchiveRaw } from '../../src/pipelines/archive-raw.ts';
import { openFileStore } from '../../src/stores/lake/file-store.ts';
import type { StreamRecord } from '../../src/stream/event-stream.ts';
import { Delivery, numbered } from './delivery.ts';
import { noting } from './fault-pipeline.ts';

let delivery: Delivery;
beforeEach(async () => {
  delivery = await Delivery.open();
});
afterEach(() => delivery.close());

const ALL = Number.MAX_SAFE_INTEGER;

/** Starts a consumer that must not start, and answers what it says. */
async function gap(): Promise<{ message: string | undefined; hint: string | null | undefined }> {
  const batches: (readonly StreamRecord[])[] = [];
  const before = await delivery.pipeline.checkpoint();
  const consumer = delivery.consumer(noting(delivery.pipeline, batches));
  consumer.start();
  await expect(consumer.hold()).rejects.toMatchObject({ code: 'stream_gap' });
  await delivery.append('after the gap');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { state, error, checkpoint } = consumer.status();
  expect(state).toBe('stopped');
  expect(error?.code).toBe('stream_gap');
  expect(checkpoint, 'retention must not go by it').toBeNull();
  expect(batches, 'nothing was delivered').toStrictEqual([]);
  expect(await delivery.pipeline.checkpoint(), 'and the checkpoint is where it was').toStrictEqual(before);
  expect(delivery.log).toStrictEqual(['The orders consumer has stopped']);
  return { message: error?.message, hint: error?.hint };
}

/** Brings records into the store. */
async function deliver(invoices: readonly string[]): Promise<string[]> {
  const sequences = await delivery.appendAll(invoices);
  const consumer = delivery.consumer(delivery.pipeline);
  consumer.start();
  await delivery.reached(consumer, sequences.at(-1) ?? '');
  await consumer.stop();
  return sequences;
}

describe('stream_gap', () => {
  test('a new store on a stream that has lost its beginning', async () => {
    const sequences = await delivery.appendAll(numbered(3));
    await delivery.stream.trim(sequences.at(-1) ?? null, ALL);
    expect(await gap()).toMatchInlineSnapshot(`
      {
        "hint": "Nothing was skipped and nothing is lost: the lake has every line. tillstream rebuild orders builds the store anew from it; or put the store back as it was and start again.",
        "message": "The orders store is new, but the stream no longer has its records up to 0000000000000003.",
      }
    `);
  });

  test('a store that belongs to another stream', async () => {
    await deliver(numbered(2));
    await delivery.openStream('another');
    await delivery.appendAll(numbered(5));
    expect(await gap()).toMatchInlineSnapshot(`
      {
        "hint": "Nothing was skipped and nothing is lost: the lake has every line. tillstream rebuild orders builds the store anew from it; or put the store back as it was and start again.",
        "message": "The orders store belongs to another stream (id of stream; this one is id of another).",
      }
    `);
  });

  test('a store that is ahead of a stream which was restored from a backup, or made anew', async () => {
    const checkpoint = { streamId: delivery.stream.id, sequence: '0000000000000009' };
    await delivery.pipeline.process([], checkpoint);
    expect(await gap()).toMatchInlineSnapshot(`
      {
        "hint": "Nothing was skipped and nothing is lost: the lake has every line. tillstream rebuild orders builds the store anew from it; or put the store back as it was and start again.",
        "message": "The orders store is ahead of the stream (0000000000000009; its newest record is none).",
      }
    `);
  });

  test('ahead of a stream with records', async () => {
    await delivery.appendAll(numbered(3));
    await delivery.pipeline.process([], { streamId: delivery.stream.id, sequence: '0000000000000004' });
    expect((await gap()).message).toMatchInlineSnapshot(
      `"The orders store is ahead of the stream (0000000000000004; its newest record is 0000000000000003)."`,
    );
  });

  test('a store, restored from a backup, that is behind what the stream has kept', async () => {
    const [first, , third] = await deliver(numbered(3));
    await delivery.append('536400');
    await delivery.stream.trim(third ?? null, ALL);
    await delivery.pipeline.process([], { streamId: delivery.stream.id, sequence: first ?? '' });
    expect(await gap()).toMatchInlineSnapshot(`
      {
        "hint": "Nothing was skipped and nothing is lost: the lake has every line. tillstream rebuild orders builds the store anew from it; or put the store back as it was and start again.",
        "message": "The orders store is at 0000000000000001, but the stream no longer has its records up to 0000000000000003.",
      }
    `);
  });

  test('a lake cannot be built anew from itself: the way out is another', async () => {
    const lake = createArchiveRaw(openFileStore(`${delivery.directory}/lake`));
    const sequences = await delivery.appendAll(numbered(3));
    await delivery.stream.trim(sequences.at(-1) ?? null, ALL);
    const consumer = delivery.consumer(lake);
    consumer.start();
    await expect(consumer.hold()).rejects.toMatchObject({
      code: 'stream_gap',
      hint: expect.stringContaining('backup'),
    });
  });
});

describe('no gap', () => {
  test('a new store on a stream that is whole, or new', async () => {
    expect(await deliver(numbered(2))).toHaveLength(2);
  });

  test('a store that has passed exactly what the stream has removed', async () => {
    const invoices = numbered(4);
    const sequences = await deliver(invoices.slice(0, 2));
    await delivery.stream.trim(sequences.at(-1) ?? null, ALL);
    expect(await delivery.stream.bounds()).toMatchObject({ trimmed: sequences.at(-1) });
    await deliver(invoices.slice(2));
    expect(await delivery.stored(invoices)).toStrictEqual(invoices);
  });

  test('a store at the newest record of a stream that was removed whole', async () => {
    const sequences = await deliver(numbered(2));
    await delivery.stream.trim(sequences.at(-1) ?? null, ALL);
    await delivery.openStream('stream');
    const consumer = delivery.consumer(delivery.pipeline);
    consumer.start();
    await consumer.hold();
    expect(consumer.status()).toMatchObject({ state: 'held', checkpoint: sequences.at(-1), error: null });
  });
});
