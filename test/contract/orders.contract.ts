// What every order store must do: run against each adapter.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { totalsOf } from '../../src/model/digest.ts';
import type { AcceptedLine } from '../../src/model/line.ts';
import type { OrderStore } from '../../src/stores/orders/order-store.ts';
import { dataset } from '../support/dataset.ts';
import { readDataset } from '../support/read-dataset.ts';
import { anyLine, documentOf, expectState, lineIdOf, orderLine, pageNos, sequenceOf } from './orders-lines.ts';

/** Where an order store lies: opened any number of times, each opening seeing what the others have stored. */
export interface OrdersBackend {
  open(): Promise<OrderStore>;
  /** Makes the stored total of an invoice another than its lines give. */
  spoilTotal(invoiceNo: string): Promise<void>;
  /** Closes what open() gave, and removes everything. */
  dispose(): Promise<void>;
}

/** It takes ten seconds on a quiet machine, most of them for reading the CSV. */
const REAL_DATA_MS_MAX = 300_000;

export function orderStoreContract(name: string, makeBackend: () => Promise<OrdersBackend>): void {
  describe(`orders (${name})`, () => {
    let backend: OrdersBackend;
    let store: OrderStore;

    beforeEach(async () => {
      backend = await makeBackend();
      store = await backend.open();
    });

    afterEach(() => backend.dispose());

    test('an invoice is answered with its header, its fields in order, and exact amounts', async () => {
      await store.apply([
        orderLine(2, { lineId: '000002', unitPrice: 0.1, quantity: 3, description: null }),
        orderLine(1, { unitPrice: 0.2, quantity: 1, description: 'CUP "ROSE" £5\n' }),
      ]);
      expect((await store.invoice('536365'))?.json.toString('utf8')).toBe(
        '{"invoiceNo":"536365","customerId":"17850","country":"United Kingdom","invoiceDate":"2010-12-01T08:26:00",' +
          '"cancellation":false,"total":0.5,"lineCount":2,"lines":[' +
          '{"invoiceNo":"536365","lineId":"000001","stockCode":"85123A","description":"CUP \\"ROSE\\" £5\\n",' +
          '"quantity":1,"invoiceDate":"2010-12-01T08:26:00","unitPrice":0.2,"customerId":"17850",' +
          '"country":"United Kingdom","amount":0.2},' +
          '{"invoiceNo":"536365","lineId":"000002","stockCode":"85123A","description":null,' +
          '"quantity":3,"invoiceDate":"2010-12-01T08:26:00","unitPrice":0.1,"customerId":"17850",' +
          '"country":"United Kingdom","amount":0.3}]}',
      );
    });

    test('is new until something is stored', async () => {
      expect(await store.isNew()).toBe(true);
      await store.apply([orderLine(1)]);
      expect(await store.isNew()).toBe(false);
    });

    test('what was never stored is null, whatever is asked for', async () => {
      await store.apply([orderLine(1)]);
      for (const id of ['1', '', '53636', '5363650', '\u0000', '../536365', 'x'.repeat(5000), '𝄞']) {
        expect(await store.invoice(id)).toBeNull();
        expect(await store.customer(id)).toBeNull();
        expect(await store.history(id, { limit: 10, cursor: null })).toEqual({ invoices: [], next: null });
      }
      expect(await store.checkpoint()).toBeNull();
    });

    test('versions in any order, in any batches, any number of times: the same state', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ line: anyLine, cut: fc.boolean() }), { minLength: 1, maxLength: 40 }),
          async (arrivals) => {
            const fresh = await makeBackend();
            try {
              const other = await fresh.open();
              let batch: AcceptedLine[] = [];
              for (const arrival of arrivals) {
                batch.push(arrival.line);
                if (!arrival.cut) continue;
                await other.apply(batch);
                batch = [];
              }
              await other.apply(batch);
              await expectState(
                other,
                arrivals.map((arrival) => arrival.line),
              );
            } finally {
              await fresh.dispose();
            }
          },
        ),
        { numRuns: 60 },
      );
    });

    test('a version delivered again changes nothing and is no correction', async () => {
      const lines = [orderLine(1), orderLine(2, { lineId: '000002' })];
      await store.apply(lines);
      const before = await documentOf(store);
      expect(await store.apply(lines)).toEqual({ replaced: 0 });
      expect(await store.apply([...lines, ...lines])).toEqual({ replaced: 0 });
      expect(await documentOf(store)).toEqual(before);
    });

    test('a newer version that says the same is no correction, one that differs is', async () => {
      await store.apply([orderLine(1)]);
      expect(await store.apply([orderLine(2)])).toEqual({ replaced: 0 });
      expect(await store.apply([orderLine(3, { quantity: 7 })])).toEqual({ replaced: 1 });
      expect(await store.apply([orderLine(2, { quantity: 8 })])).toEqual({ replaced: 0 });
      expect(await documentOf(store)).toMatchObject({ total: 17.85, lines: [{ quantity: 7 }] });
      expect(await store.replaced()).toBe(1);
    });

    test('two versions in one batch: the newest stands, also when it comes first, and when both come again', async () => {
      const versions = [orderLine(3, { quantity: 3 }), orderLine(2, { quantity: 2 }), orderLine(4, { quantity: 4 })];
      expect(await store.apply(versions)).toEqual({ replaced: 1 });
      expect(await store.apply(versions)).toEqual({ replaced: 0 });
      expect(await documentOf(store)).toMatchObject({ lineCount: 1, lines: [{ quantity: 4 }] });
    });

    test('versions of the same instant are told apart by sequence, then by position', async () => {
      await store.apply([orderLine(1, { quantity: 1 })]);
      await store.apply([orderLine(1, { quantity: 2, position: 1 })]);
      await store.apply([orderLine(1, { quantity: 1 })]);
      expect(await documentOf(store)).toMatchObject({ lines: [{ quantity: 2 }] });
      await store.apply([orderLine(1, { quantity: 3, sequence: sequenceOf(2) })]);
      await store.apply([orderLine(1, { quantity: 2, position: 9 })]);
      expect(await documentOf(store)).toMatchObject({ lines: [{ quantity: 3 }] });
    });

    test('an invoice of 10,000 lines, and the largest sums, are exact; the 10,001st line stores nothing', async () => {
      const lines = Array.from({ length: 10_000 }, (_, index) =>
        orderLine(index, { lineId: lineIdOf(index + 1), quantity: 100_000, unitPrice: 1_000_000 }),
      );
      await store.apply(lines.slice(5_000));
      await store.apply(lines.slice(0, 5_000));
      const { invoices } = await store.history('17850', { limit: 1, cursor: null });
      expect(invoices[0]).toMatchObject({ totalE4: 10n ** 19n, lineCount: 10_000 });
      const checkpoint = { streamId: 's', sequence: sequenceOf(1) };
      await expect(
        store.apply([orderLine(1, { invoiceNo: '7' }), orderLine(20_000, { lineId: lineIdOf(10_001) })], checkpoint),
      ).rejects.toMatchObject({ code: 'invoice_too_large', message: expect.stringContaining('536365') });
      expect(await store.invoice('7')).toBeNull();
      expect(await store.checkpoint()).toBeNull();
      await store.apply([orderLine(20_000, { lineId: lineIdOf(10_000), quantity: 1, unitPrice: 0.0001 })]);
      const digest = await store.digest();
      expect(digest).toMatchObject({ invoices: 1, replaced: 1, wrongHeader: null });
      expect(digest.days).toMatchObject([{ lines: 10_000, amountE4: 9_999n * 10n ** 15n + 1n }]);
    });

    test('lines and checkpoint are stored together, and a checkpoint alone is stored too', async () => {
      await store.apply([orderLine(1)], { streamId: 's', sequence: sequenceOf(1) });
      expect(await store.checkpoint()).toEqual({ streamId: 's', sequence: sequenceOf(1) });
      await store.apply([], { streamId: 's', sequence: sequenceOf(2) });
      await store.apply([orderLine(9, { invoiceNo: '2' })]);
      expect(await store.checkpoint()).toEqual({ streamId: 's', sequence: sequenceOf(2) });
    });

    test('calls that do not wait for one another lose nothing', async () => {
      const calls = Array.from({ length: 40 }, (_, index) =>
        store.apply([orderLine(index, { lineId: lineIdOf(1 + (index % 20)), quantity: 1 + index })]),
      );
      await Promise.all(calls);
      expect(await documentOf(store)).toMatchObject({ lineCount: 20, total: 2.55 * 610 });
    });

    test('another opening sees what is stored at once, and a new one finds it again', async () => {
      const other = await backend.open();
      for (let at = 1; at <= 20; at++) {
        await store.apply([orderLine(at, { lineId: lineIdOf(at) })], { streamId: 's', sequence: sequenceOf(at) });
        expect(await documentOf(other)).toMatchObject({ lineCount: at });
      }
      await store.close();
      await other.close();
      const again = await backend.open();
      expect(await documentOf(again)).toMatchObject({ lineCount: 20 });
      expect(await again.checkpoint()).toEqual({ streamId: 's', sequence: sequenceOf(20) });
      expect(await pageNos(again, '17850')).toEqual([['536365']]);
    });

    test('a line that ingest would not have let in is refused with its record, and nothing of the call is stored', async () => {
      const impossible: Partial<AcceptedLine>[] = [
        { invoiceNo: '' },
        { invoiceNo: '5'.repeat(5000) },
        { lineId: '' },
        { customerId: '17850\u00002010' },
        { customerId: 'x'.repeat(300) },
        { invoiceDate: '12/1/2010 8:26' },
      ];
      for (const fields of impossible) {
        await expect(store.apply([orderLine(1, { invoiceNo: '1' }), orderLine(2, fields)])).rejects.toMatchObject({
          code: 'unusable_record',
          message: expect.stringContaining(sequenceOf(2)),
        });
      }
      expect(await store.invoice('1')).toBeNull();
    });

    test('the digest holds every header against its lines, and names the one that is wrong', async () => {
      const lines = Array.from({ length: 60 }, (_, index) => orderLine(index, { invoiceNo: String(1_000 + index) }));
      await store.apply(lines);
      expect((await store.digest()).wrongHeader).toBeNull();
      await backend.spoilTotal('1033');
      expect((await store.digest()).wrongHeader).toBe('1033');
    });

    test.runIf(dataset !== null)(
      'the real data set: every figure that orders can answer',
      async () => {
        let batch: AcceptedLine[] = [];
        let at = 0;
        for await (const each of readDataset()) {
          batch.push(orderLine(++at, each));
          if (batch.length < 1_000) continue;
          await store.apply(batch);
          batch = [];
        }
        await store.apply(batch, { streamId: 's', sequence: sequenceOf(at) });
        expect(at).toBe(541_909);
        expect(await documentOf(store, '536365')).toMatchObject({ customerId: '17850', total: 139.12, lineCount: 7 });
        expect(await documentOf(store, '573585')).toMatchObject({ customerId: null, lineCount: 1_114 });
        expect(await documentOf(store, '581483')).toMatchObject({ total: 168_469.6, cancellation: false });
        expect(await documentOf(store, 'C581484')).toMatchObject({ total: -168_469.6, cancellation: true });
        const digest = await store.digest();
        expect(digest).toMatchObject({ invoices: 25_900, replaced: 0, wrongHeader: null });
        expect(digest.days).toHaveLength(305);
        expect(totalsOf(digest.days)).toEqual({ lines: 541_909, amountE4: 97_477_479_340n });
      },
      REAL_DATA_MS_MAX,
    );
  });
}
