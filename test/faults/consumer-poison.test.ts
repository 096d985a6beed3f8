// Records that cannot be used: found, put in quarantine whole and with the reason; the rest goes on, in order.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TillstreamError } from '../../src/model/errors.ts';
import type { StreamRecord } from '../../src/stream/event-stream.ts';
import { quarantineEntry } from '../../src/stream/set-aside.ts';
import { Delivery, numbered } from './delivery.ts';
import { away, failing, noting, throwingOn } from './fault-pipeline.ts';

let delivery: Delivery;
beforeEach(async () => {
  delivery = await Delivery.open();
});
afterEach(() => delivery.close());

/** Throws on records of these invoices. */
const poisonOf =
  (invoices: readonly string[]) =>
  (text: string): boolean =>
    invoices.some((invoiceNo) => text.includes(`"invoiceNo":"${invoiceNo}"`));

describe('a pipeline that throws on one record', () => {
  test('it is quarantined with the reason, whole; its neighbours land; the checkpoint goes on', async () => {
    const invoices = numbered(20);
    const sequences = await delivery.appendAll(invoices);
    const consumer = delivery.consumer(throwingOn(delivery.pipeline, poisonOf(['536372'])));
    consumer.start();
    await delivery.reached(consumer, sequences.at(-1) ?? '');

    expect(await delivery.stored(invoices)).toStrictEqual(invoices.filter((invoiceNo) => invoiceNo !== '536372'));
    const [entry, ...more] = await delivery.waiting();
    expect(more).toStrictEqual([]);
    expect(entry).toMatchObject({
      id: `orders-${sequences[7]}`,
      store: 'orders',
      sequence: sequences[7],
      state: 'waiting',
      code: 'pipeline_failed',
      message: "Cannot read properties of undefined (reading 'price')",
    });
    const [record] = await delivery.stream.read(sequences[6] ?? null, { recordsMax: 1, bytesMax: 1 });
    expect(entry?.data.equals(record?.data ?? Buffer.alloc(0))).toBe(true);
    expect(entry?.arrivedAtMs).toBe(record?.arrivedAtMs);
    expect(consumer.status()).toMatchObject({ state: 'running', error: null, oldestWaitingMs: null });
    expect(await delivery.pipeline.checkpoint()).toMatchObject({ sequence: sequences.at(-1) });
  });

  test('one that was killed between the quarantine and the checkpoint, and then lands, does not wait any more', async () => {
    const [sequence = ''] = await delivery.appendAll(['536365']);
    const [record] = await delivery.stream.read(null, { recordsMax: 1, bytesMax: 1 });
    if (record === undefined) throw new Error('nothing was read');
    await delivery.quarantine.put(quarantineEntry('orders', record, new Error('a bug that is mended now'), 1));
    const consumer = delivery.consumer(delivery.pipeline);
    consumer.start();
    await delivery.reached(consumer, sequence);
    expect(await delivery.stored(['536365'])).toStrictEqual(['536365']);
    expect(await delivery.waiting()).toStrictEqual([]);
  });

  test.each([
    ['discarded', 'first', []],
    ['discarded', 'last', []],
    ['redriven', 'last', ['poison']],
  ] as const)(
    'one that was killed there, and is %s before it comes again (as the %s of its batch): the ledger is right',
    async (state, place, stored) => {
      const invoices = place === 'first' ? ['poison', '536365'] : ['536365', 'poison'];
      const sequences = await delivery.appendAll(invoices);
      const records = await delivery.stream.read(null, { recordsMax: 2, bytesMax: 2 ** 20 });
      const poison = records[invoices.indexOf('poison')];
      if (poison === undefined) throw new Error('nothing was read');
      const entry = quarantineEntry('orders', poison, new Error('a bug that is mended now'), 1);
      await delivery.quarantine.put(entry);
      const consumer = delivery.consumer(delivery.pipeline, { lingerMs: 600_000 });
      consumer.start();
      // It lingers, and has read the ledger.
      await expect.poll(() => consumer.status().oldestWaitingMs).not.toBeNull();
      await delivery.quarantine.settle(entry.id, state);
      await consumer.hold(sequences.at(-1));
      expect(await delivery.stored(['536365', 'poison'])).toStrictEqual(['536365', ...stored]);
      expect(await delivery.quarantine.get(entry.id)).toMatchObject({ state });
      await consumer.hold(await delivery.append('later'));
      expect(consumer.status()).toMatchObject({ state: 'held', error: null });
    },
  );

  test('and goes on with what comes later, as before', async () => {
    const consumer = delivery.consumer(throwingOn(delivery.pipeline, poisonOf(['bad'])));
    consumer.start();
    await delivery.reached(consumer, await delivery.append('bad'));
    await delivery.reached(consumer, await delivery.append('good'));
    expect(await delivery.stored(['bad', 'good'])).toStrictEqual(['good']);
  });

  test("a failure that passes is nobody's fault: it is tried again before a record is blamed", async () => {
    const invoices = numbered(5);
    const sequences = await delivery.appendAll(invoices);
    const consumer = delivery.consumer(failing(delivery.pipeline, 2, new Error('a bug that comes and goes')));
    consumer.start();
    await delivery.reached(consumer, sequences.at(-1) ?? '');
    expect(await delivery.stored(invoices)).toStrictEqual(invoices);
    expect(await delivery.waiting()).toStrictEqual([]);
  });

  test('several in one batch, first and last among them: each is found, and no other', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 24 }),
        fc.constantFrom(1, 3, 100),
        async (poisoned, recordsMax) => {
          const own = await Delivery.open();
          try {
            const invoices = numbered(poisoned.length);
            const bad = invoices.filter((_, index) => poisoned[index]);
            const delivered: string[] = [];
            const pipeline = {
              ...own.pipeline,
              async process(...[records, checkpoint]: Parameters<typeof own.pipeline.process>) {
                const failures = await own.pipeline.process(records, checkpoint);
                delivered.push(...records.map(({ sequence }) => sequence));
                return failures;
              },
            };
            const consumer = own.consumer(
              throwingOn(pipeline, poisonOf(bad)),
              { recordsMax },
              { backoff: { firstMs: 1, maxMs: 1 } },
            );
            const sequences = await own.appendAll(invoices);
            consumer.start();
            await own.reached(consumer, sequences.at(-1) ?? '');
            const quarantined = (await own.waiting()).map(({ sequence }) => sequence);
            expect(quarantined).toStrictEqual(sequences.filter((_, index) => poisoned[index]));
            expect(await own.stored(invoices)).toStrictEqual(invoices.filter((_, index) => !poisoned[index]));
            expect(delivered, 'each once, in order').toStrictEqual(sequences.filter((_, index) => !poisoned[index]));
          } finally {
            await own.close();
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('records that the pipeline itself reports', () => {
  test('are quarantined, whatever stands beside them in the batch', async () => {
    const first = await delivery.append('536365');
    const broken = await delivery.appendText('{"invoiceNo":"536366"}\n');
    const garbage = await delivery.appendText('\u0000\u0001 not JSON');
    const last = await delivery.append('536367');
    const batches: (readonly StreamRecord[])[] = [];
    const consumer = delivery.consumer(noting(delivery.pipeline, batches));
    consumer.start();
    await delivery.reached(consumer, last);
    expect(await delivery.stored(['536365', '536366', '536367'])).toStrictEqual(['536365', '536367']);
    const entries = await delivery.waiting();
    expect(entries.map(({ sequence }) => sequence)).toStrictEqual([broken, garbage]);
    expect(entries.map(({ code }) => code)).toStrictEqual(['unusable_record', 'unusable_record']);
    expect(entries[0]?.message).toBe(`Record ${broken} holds something else than a line: {"invoiceNo":"536366"}`);
    expect(entries[0]?.data.toString()).toBe('{"invoiceNo":"536366"}\n');
    expect(
      batches.map(({ length }) => length),
      'without bisecting',
    ).toStrictEqual([4, 0]);
    expect(first < broken && broken < last).toBe(true);
  });

  test('an error that says itself that trying again is no use is not tried again', async () => {
    const sequences = await delivery.appendAll(['536365', 'large', '536367']);
    const error = new TillstreamError('invoice_too_large', 'Invoice large has more than 10,000 lines.');
    const batches: (readonly StreamRecord[])[] = [];
    const consumer = delivery.consumer(noting(throwingOn(delivery.pipeline, poisonOf(['large']), error), batches));
    consumer.start();
    await delivery.reached(consumer, sequences.at(-1) ?? '');
    expect(await delivery.waiting()).toMatchObject([
      { code: 'invoice_too_large', message: error.message, attempts: 1 },
    ]);
    expect(batches.map(({ length }) => length)).toStrictEqual([3, 1, 2, 1, 0, 1]);
  });
});

describe('when the quarantine is away', () => {
  test('the record waits for it: it is neither skipped nor lost', async () => {
    const sequences = await delivery.appendAll(['536365', 'bad', '536367']);
    let back = false;
    const { quarantine } = delivery;
    const consumer = delivery.consumer(
      throwingOn(delivery.pipeline, poisonOf(['bad'])),
      {},
      {
        quarantine: {
          ...quarantine,
          async put(entry) {
            if (!back) throw new TillstreamError('unavailable', 'The quarantine is away');
            await quarantine.put(entry);
          },
        },
      },
    );
    consumer.start();
    await expect.poll(() => consumer.status().state).toBe('waiting');
    expect(consumer.status()).toMatchObject({ checkpoint: sequences[0], error: { message: 'The quarantine is away' } });
    expect(await delivery.stored(['536367'])).toStrictEqual([]);
    back = true;
    await delivery.reached(consumer, sequences.at(-1) ?? '');
    expect(await delivery.waiting()).toHaveLength(1);
    expect(await delivery.stored(['536365', 'bad', '536367'])).toStrictEqual(['536365', '536367']);
  });

  test('a store that goes away while a record is looked for is waited for, and nobody else is blamed', async () => {
    const invoices = numbered(16);
    const sequences = await delivery.appendAll(invoices);
    let calls = 0;
    const flaky = away(delivery.pipeline, () => {
      calls += 1;
      return calls % 3 !== 0;
    });
    const consumer = delivery.consumer(throwingOn(flaky, poisonOf(['536370'])));
    consumer.start();
    await delivery.reached(consumer, sequences.at(-1) ?? '');
    expect((await delivery.waiting()).map(({ sequence }) => sequence)).toStrictEqual([sequences[5]]);
    expect(await delivery.stored(invoices)).toHaveLength(15);
  });
});
