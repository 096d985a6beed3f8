// When a consumer delivers: lingering for a fuller batch, resting between batches, and standing still where it is told to.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StreamRecord } from '../../src/stream/event-stream.ts';
import { eventually } from '../support/eventually.ts';
import { Delivery, numbered } from './delivery.ts';
import { away, delaying, noting, waitingFor } from './fault-pipeline.ts';

let delivery: Delivery;
let batches: (readonly StreamRecord[])[];
beforeEach(async () => {
  delivery = await Delivery.open();
  batches = [];
});
afterEach(() => delivery.close());

const sizes = (): number[] => batches.map(({ length }) => length);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a batch', () => {
  test('lingers for what comes after its first record', async () => {
    const consumer = delivery.consumer(noting(delivery.pipeline, batches), { lingerMs: 3000 });
    consumer.start();
    for (let index = 0; index < 4; index += 1) {
      await delivery.append(String(index));
      await pause(20);
    }
    expect(sizes()).toStrictEqual([]);
    expect(consumer.status().oldestWaitingMs).not.toBeNull();
    await expect.poll(sizes).toStrictEqual([4]);
  });

  test('that is full by count or by bytes goes at once', async () => {
    const consumer = delivery.consumer(noting(delivery.pipeline, batches), { lingerMs: 60_000, recordsMax: 5 });
    consumer.start();
    const sequences = await delivery.appendAll(numbered(10));
    await delivery.reached(consumer, sequences.at(-1) ?? '');
    expect(sizes()).toStrictEqual([5, 5]);
    await consumer.stop();

    const byBytes = delivery.consumer(noting(delivery.pipeline, batches), { lingerMs: 60_000, bytesMax: 500 });
    byBytes.start();
    await delivery.append(...numbered(20));
    await expect.poll(sizes).toStrictEqual([5, 5, 1]);
  });

  test('never has more than it may, however much is there', async () => {
    const sequences = await delivery.appendAll(numbered(50));
    const consumer = delivery.consumer(noting(delivery.pipeline, batches), { recordsMax: 7, bytesMax: 600 });
    consumer.start();
    await delivery.reached(consumer, sequences.at(-1) ?? '');
    expect(batches.flat()).toHaveLength(50);
    for (const batch of batches) {
      const bytes = batch.reduce((sum, { data }) => sum + data.length, 0);
      expect(batch.length).toBeLessThanOrEqual(7);
      expect(bytes - (batch.at(-1)?.data.length ?? 0), 'the last record may go beyond').toBeLessThan(600);
    }
  });

  test('that comes alone does not wait; the next ones share a batch while it rests', async () => {
    const consumer = delivery.consumer(noting(delivery.pipeline, batches), { restMs: 600_000 });
    consumer.start();
    await delivery.reached(consumer, await delivery.append('alone'));
    let last = '';
    for (let index = 0; index < 5; index += 1) last = await delivery.append(String(index));
    expect(sizes()).toStrictEqual([1]);
    // Who holds ends the rest.
    await consumer.hold(last);
    expect(batches.flat()).toHaveLength(6);
    expect(sizes().length, 'one batch, or the last beside it').toBeLessThanOrEqual(3);
  });

  test('shows how long its newest record took', async () => {
    const consumer = delivery.consumer(delaying(delivery.pipeline, 60));
    consumer.start();
    expect(consumer.status()).toMatchObject({ store: 'orders', freshnessMs: null, checkpoint: null });
    await delivery.append('536365');
    await expect.poll(() => consumer.status().freshnessMs).toBeGreaterThanOrEqual(59);
  });
});

describe('hold', () => {
  test('stands still after the batch under way, until release', async () => {
    let goOn = (): void => {};
    const until = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const consumer = delivery.consumer(noting(waitingFor(delivery.pipeline, until), batches));
    consumer.start();
    const first = await delivery.append('first');
    await eventually(() => expect(sizes()).toStrictEqual([1]), 5);
    const held = consumer.hold();
    goOn();
    await held;
    expect(consumer.status()).toMatchObject({ state: 'held', checkpoint: first });
    const later = await delivery.append('later');
    await pause(100);
    expect(sizes()).toStrictEqual([1]);
    expect(consumer.status()).toMatchObject({ state: 'held', checkpoint: first });
    consumer.release();
    await delivery.reached(consumer, later);
    expect(consumer.status().state).toBe('running');
  });

  test('of an idle or a new consumer resolves at once', async () => {
    const consumer = delivery.consumer(delivery.pipeline);
    consumer.start();
    await pause(20);
    const started = performance.now();
    await consumer.hold();
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(consumer.status()).toMatchObject({ state: 'held', checkpoint: null });
  });

  test('ends a lingering: what is there is delivered', async () => {
    const consumer = delivery.consumer(noting(delivery.pipeline, batches), { lingerMs: 60_000 });
    consumer.start();
    const sequence = await delivery.append('536365');
    await expect.poll(() => consumer.status().oldestWaitingMs).not.toBeNull();
    const started = performance.now();
    await consumer.hold(sequence);
    expect(performance.now() - started).toBeLessThan(30_000);
    expect(consumer.status()).toMatchObject({ state: 'held', checkpoint: sequence });
  });

  test('at a record: up to it and not beyond, then on to a later one', async () => {
    const sequences = await delivery.appendAll(numbered(10));
    const consumer = delivery.consumer(noting(delivery.pipeline, batches));
    await Promise.all([consumer.hold(sequences[3]), Promise.resolve().then(() => consumer.start())]);
    expect(consumer.status()).toMatchObject({ state: 'held', checkpoint: sequences[3] });
    expect(batches.flat()).toHaveLength(4);
    await consumer.hold(sequences[7]);
    expect(batches.flat()).toHaveLength(8);
    await consumer.hold(sequences[2]);
    expect(consumer.status().checkpoint, 'it never goes back').toBe(sequences[7]);
    consumer.release();
    await delivery.reached(consumer, sequences.at(-1) ?? '');
    expect(batches.flat().map(({ sequence }) => sequence)).toStrictEqual(sequences);
  });

  test('at a record that is not there yet leaves the thread to its other work, and ends when it comes', async () => {
    const consumer = delivery.consumer(delivery.pipeline);
    consumer.start();
    const first = await delivery.append('first');
    const next = String(Number(first) + 1).padStart(first.length, '0');
    let turns = 0;
    const turning = setInterval(() => {
      turns += 1;
    }, 5);
    const held = consumer.hold(next);
    await eventually(() => expect(turns).toBeGreaterThan(5));
    clearInterval(turning);
    expect(await delivery.append('second')).toBe(next);
    await held;
    expect(consumer.status()).toMatchObject({ state: 'held', checkpoint: next });
  });

  test('of a store that is away is refused with its reason, and succeeds when it is back', async () => {
    let back = false;
    const consumer = delivery.consumer(away(delivery.pipeline, () => back));
    consumer.start();
    const sequence = await delivery.append('536365');
    await expect(consumer.hold(sequence)).rejects.toMatchObject({ code: 'unavailable' });
    back = true;
    consumer.release();
    await expect.poll(() => consumer.status().state).toBe('running');
    await consumer.hold(sequence);
    expect(consumer.status()).toMatchObject({ state: 'held', checkpoint: sequence, error: null });
  });

  test('of a consumer that stops is refused, not left waiting', async () => {
    const consumer = delivery.consumer(delivery.pipeline);
    consumer.start();
    const held = consumer.hold('9999999999999999');
    await pause(20);
    const refused = expect(held).rejects.toMatchObject({ code: 'shutting_down' });
    await consumer.stop();
    await refused;
    await expect(consumer.hold()).rejects.toMatchObject({ code: 'shutting_down' });
  });

  test('again right after release still stands still', async () => {
    const consumer = delivery.consumer(noting(delivery.pipeline, batches));
    consumer.start();
    await consumer.hold();
    await delivery.append('536365');
    for (let time = 0; time < 10; time += 1) {
      consumer.release();
      await consumer.hold();
    }
    const before = sizes().length;
    await delivery.append('536366');
    await pause(100);
    expect(sizes().length).toBe(before);
    expect(consumer.status().state).toBe('held');
  });
});
