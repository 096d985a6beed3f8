// A store that is away, a process that dies between a store and its checkpoint: nothing is dropped, nothing counts twice.
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createArchiveRaw } from '../../src/pipelines/archive-raw.ts';
import type { Pipeline } from '../../src/pipelines/pipeline.ts';
import { openFileStore } from '../../src/stores/lake/file-store.ts';
import type { StreamRecord } from '../../src/stream/event-stream.ts';
import { eventually } from '../support/eventually.ts';
import { Delivery, numbered } from './delivery.ts';
import { away, crashAfter, noting, waitingFor } from './fault-pipeline.ts';

let delivery: Delivery;
beforeEach(async () => {
  delivery = await Delivery.open();
});
afterEach(() => delivery.close());

describe('a store that is away for a while', () => {
  test('shows it, drops nothing, and catches up in order', async () => {
    let back = true;
    const batches: (readonly StreamRecord[])[] = [];
    const consumer = delivery.consumer(
      away(noting(delivery.pipeline, batches), () => back),
      { recordsMax: 7 },
    );
    consumer.start();
    const [before] = await delivery.appendAll(['before']);
    await delivery.reached(consumer, before ?? '');

    back = false;
    const invoices = numbered(40);
    const sequences = await delivery.appendAll(invoices);
    await expect.poll(() => consumer.status().state).toBe('waiting');
    await new Promise((resolve) => setTimeout(resolve, 150));
    const { error, checkpoint, oldestWaitingMs } = consumer.status();
    expect(error).toStrictEqual({ code: 'unavailable', message: 'The disk is full', hint: null });
    expect(checkpoint).toBe(before);
    expect(Date.now() - (oldestWaitingMs ?? 0), 'the lag shows').toBeLessThan(10_000);
    expect(await delivery.stored(invoices)).toStrictEqual([]);
    expect(delivery.log, 'said once, not at every try').toStrictEqual(['The orders store is not available']);

    back = true;
    await delivery.reached(consumer, sequences.at(-1) ?? '');
    expect(delivery.log.slice(1)).toStrictEqual(['The orders store is available again']);
    expect(consumer.status()).toMatchObject({ state: 'running', error: null, oldestWaitingMs: null });
    expect(await delivery.stored(invoices)).toStrictEqual(invoices);
    const delivered = batches.flat().map(({ sequence }) => sequence);
    expect(delivered, 'each once, in order').toStrictEqual([before, ...sequences]);
    expect(await delivery.waiting()).toStrictEqual([]);
  });

  test('already at the start: its checkpoint is waited for, too', async () => {
    let back = false;
    const sequence = await delivery.append('536365');
    const consumer = delivery.consumer(away(delivery.pipeline, () => back));
    consumer.start();
    await expect.poll(() => consumer.status().state).toBe('waiting');
    const { oldestWaitingMs } = consumer.status();
    expect(Date.now() - (oldestWaitingMs ?? 0), 'it is behind at least since then').toBeLessThan(10_000);
    back = true;
    await delivery.reached(consumer, sequence);
    expect(consumer.status()).toMatchObject({ state: 'running', oldestWaitingMs: null });
  });

  test('is tried ever less often, with jitter, to a cap', async () => {
    const tries: number[] = [];
    await delivery.append('536365');
    const pipeline = away(delivery.pipeline, () => {
      tries.push(performance.now());
      return tries.length > 8;
    });
    const consumer = delivery.consumer(pipeline, {}, { random: () => 1, backoff: { firstMs: 20, maxMs: 100 } });
    consumer.start();
    await expect.poll(() => tries.length).toBeGreaterThan(8);
    const waits = tries.slice(1, 9).map((at, index) => at - (tries[index] ?? 0));
    for (const [index, least] of [20, 40, 80, 100, 100, 100, 100, 100].entries()) {
      expect(waits[index], `wait ${index + 1} of ${waits}`).toBeGreaterThanOrEqual(least - 2);
    }
  });

  test('does not keep its consumer from stopping: at once, also within a long wait', async () => {
    const sequence = await delivery.append('536365');
    let back = false;
    const pipeline = away(delivery.pipeline, () => back);
    const consumer = delivery.consumer(pipeline, {}, { backoff: { firstMs: 60_000, maxMs: 60_000 } });
    consumer.start();
    await expect.poll(() => consumer.status().state).toBe('waiting');
    const started = performance.now();
    await consumer.stop();
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(consumer.status().state).toBe('stopped');
    expect(await delivery.pipeline.checkpoint()).toBeNull();

    back = true;
    const next = delivery.consumer(pipeline);
    next.start();
    await delivery.reached(next, sequence);
    expect(await delivery.stored(['536365'])).toStrictEqual(['536365']);
  });
});

describe('stopping', () => {
  test('waits for the batch under way, and takes no other', async () => {
    const sequences = await delivery.appendAll(numbered(5));
    let goOn = (): void => {};
    const until = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const batches: (readonly StreamRecord[])[] = [];
    const consumer = delivery.consumer(noting(waitingFor(delivery.pipeline, until), batches), { recordsMax: 2 });
    consumer.start();
    await eventually(() => expect(batches).toHaveLength(1), 5);
    const stopped = consumer.stop();
    goOn();
    await stopped;
    expect(await delivery.pipeline.checkpoint()).toMatchObject({ sequence: sequences[1] });
    expect(await delivery.stored(numbered(5))).toHaveLength(2);
  });

  test('is at once when nothing is there, when a batch lingers, and before the start', async () => {
    for (const prepare of [async () => {}, () => delivery.append('536365')]) {
      const consumer = delivery.consumer(delivery.pipeline, { lingerMs: 60_000 });
      consumer.start();
      await prepare();
      await new Promise((resolve) => setTimeout(resolve, 50));
      const started = performance.now();
      await consumer.stop();
      expect(performance.now() - started).toBeLessThan(15_000);
    }
    await delivery.consumer(delivery.pipeline).stop();
    expect(await delivery.pipeline.checkpoint()).toBeNull();
  });
});

describe('a crash between the store and its checkpoint', () => {
  /** Delivers until the process dies, of which nothing is heard again; then with a new consumer to the end. */
  async function crashAndGoOn(pipeline: Pipeline, sequences: readonly string[]): Promise<void> {
    await new Promise<void>((crashed) => {
      delivery.unstopped(crashAfter(pipeline, 2, crashed), { recordsMax: 3 }).start();
    });
    expect((await pipeline.checkpoint())?.sequence).toBe(sequences[2]);
    const consumer = delivery.consumer(pipeline, { recordsMax: 3 });
    consumer.start();
    await delivery.reached(consumer, sequences.at(-1) ?? '');
  }

  test('orders: the batch comes again, and counts once', async () => {
    const invoices = numbered(9);
    const sequences = await delivery.appendAll(invoices);
    await crashAndGoOn(delivery.pipeline, sequences);
    const { days, invoices: count, replaced } = await delivery.orders.digest();
    expect(count).toBe(9);
    expect(days).toMatchObject([{ lines: 9, amountE4: 9n * 153_000n }]);
    expect(replaced, 'the same again is no correction').toBe(0);
  });

  test('lake: the batch comes again, and is the same object', async () => {
    const store = openFileStore(`${delivery.directory}/lake`);
    const sequences = await delivery.appendAll(numbered(9));
    await crashAndGoOn(createArchiveRaw(store), sequences);
    const archived: string[] = [];
    for await (const { name } of store.list('raw/')) {
      const object = await store.get(name);
      const lines = gunzipSync(object ?? Buffer.alloc(0))
        .toString()
        .trim()
        .split('\n');
      archived.push(...lines.map((line) => (JSON.parse(line) as { sequence: string }).sequence));
    }
    expect(archived.sort()).toStrictEqual(sequences);
  });
});
