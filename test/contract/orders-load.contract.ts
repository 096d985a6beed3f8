// What every order store must do with lines in columns: the same as with the same lines given to apply().
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AcceptedLine } from '../../src/model/line.ts';
import type { OrderStore } from '../../src/stores/orders/order-store.ts';
import type { OrdersBackend } from './orders.contract.ts';
import { columnsOf, newestOf } from './orders-columns.ts';
import { anyLine, documentOf, expectState, lineIdOf, orderLine, sequenceOf } from './orders-lines.ts';

export function orderLoadContract(name: string, makeBackend: () => Promise<OrdersBackend>): void {
  describe(`orders (${name}), lines in columns`, () => {
    let backend: OrdersBackend;
    let store: OrderStore;

    beforeEach(async () => {
      backend = await makeBackend();
      store = await backend.open();
    });

    afterEach(() => backend.dispose());

    test('loaded or applied, in any order: the same documents, histories, profiles, digest and corrections', async () => {
      const parts = fc.array(
        fc.record({ lines: fc.array(anyLine, { minLength: 1, maxLength: 15 }), isLoaded: fc.boolean() }),
        { minLength: 1, maxLength: 6 },
      );
      await fc.assert(
        fc.asyncProperty(parts, async (arrivals) => {
          const [a, b] = await Promise.all([makeBackend(), makeBackend()]);
          try {
            const [applied, mixed] = await Promise.all([a.open(), b.open()]);
            for (const { lines, isLoaded } of arrivals) {
              const newest = newestOf(lines);
              const result = isLoaded ? await mixed.load(columnsOf(newest)) : await mixed.apply(newest);
              expect(result).toEqual(await applied.apply(newest));
            }
            await expectState(
              mixed,
              arrivals.flatMap(({ lines }) => lines),
            );
            expect(await mixed.digest()).toEqual(await applied.digest());
            for (const customerId of ['17850', '17851']) {
              expect(await mixed.customer(customerId)).toEqual(await applied.customer(customerId));
            }
          } finally {
            await Promise.all([a.dispose(), b.dispose()]);
          }
        }),
        { numRuns: 30 },
      );
    });

    test('nothing to load is fine, and what is loaded again changes nothing', async () => {
      expect(await store.load(columnsOf([]))).toEqual({ replaced: 0 });
      const lines = [orderLine(1), orderLine(2, { lineId: '000002' }), orderLine(3, { invoiceNo: '536366' })];
      await store.load(columnsOf(lines));
      const before = await documentOf(store);
      expect(await store.load(columnsOf(lines))).toEqual({ replaced: 0 });
      expect(await store.load(columnsOf(lines.slice(1)))).toEqual({ replaced: 0 });
      expect(await documentOf(store)).toEqual(before);
    });

    test('what a newer version says stands, and counts when it differs; an older one changes nothing', async () => {
      await store.apply([orderLine(5), orderLine(5, { invoiceNo: '2', customerId: '13047' })]);
      await store.apply([], { streamId: 's', sequence: sequenceOf(1) });
      expect(await store.load(columnsOf([orderLine(4, { quantity: 1 })]))).toEqual({ replaced: 0 });
      expect(await store.load(columnsOf([orderLine(6)]))).toEqual({ replaced: 0 });
      const moved = orderLine(7, { invoiceNo: '2', quantity: 7 });
      expect(await store.load(columnsOf([moved, orderLine(7, { quantity: 9 })]))).toEqual({ replaced: 2 });
      expect(await store.replaced()).toBe(2);
      await expectState(store, [orderLine(7, { quantity: 9 }), moved]);
      expect(await store.history('13047', { limit: 9, cursor: null })).toMatchObject({ invoices: [] });
      expect(await store.checkpoint()).toEqual({ streamId: 's', sequence: sequenceOf(1) });
    });

    test('lines that are not in the order in which they should be are all stored', async () => {
      const at = (number: number, invoiceNo: string) => orderLine(number, { invoiceNo, lineId: lineIdOf(number) });
      const scattered = [at(2, '5'), at(1, '5'), at(3, '7'), at(4, '5'), at(5, '7'), at(6, '5')];
      expect(await store.load(columnsOf(scattered))).toEqual({ replaced: 0 });
      await expectState(store, scattered);
    });

    test('lines sorted by their UTF-8 bytes, which JavaScript sorts otherwise, are all stored', async () => {
      const lines = ['k:\uff5e', 'k:𝄞'].map((lineId, index) => orderLine(index, { lineId }));
      await store.load(columnsOf(newestOf(lines)));
      await store.load(columnsOf(newestOf(lines.map((line) => ({ ...line, invoiceNo: '7', source: 'import:x' })))));
      await expectState(store, [...lines, ...lines.map((line) => ({ ...line, invoiceNo: '7' }))]);
    });

    test('more than one transaction takes, with invoices of 10,000 long lines: all of it, and again', async () => {
      const description = '"£" '.repeat(180); // ten megabytes an invoice
      const lines = ['1', '2'].flatMap((invoiceNo) =>
        Array.from({ length: 10_000 }, (_, index) =>
          orderLine(index, { invoiceNo, lineId: lineIdOf(index + 1), description, quantity: 100_000, unitPrice: 1e6 }),
        ),
      );
      const small = Array.from({ length: 5_000 }, (_, index) =>
        orderLine(index, { invoiceNo: `3${lineIdOf(index)}`, customerId: null }),
      );
      const columns = columnsOf([...lines, ...small]);
      await store.load(columns);
      expect(await store.load(columns)).toEqual({ replaced: 0 });
      const { invoices } = await store.history('17850', { limit: 100, cursor: null });
      expect(invoices.find(({ invoiceNo }) => invoiceNo === '2')).toMatchObject({
        totalE4: 10n ** 19n,
        lineCount: 10_000,
      });
      expect(await store.digest()).toMatchObject({ invoices: 5_002, replaced: 0, wrongHeader: null });
      await expect(
        store.load(columnsOf([orderLine(1, { lineId: lineIdOf(10_001), invoiceNo: '2' })])),
      ).rejects.toMatchObject({
        code: 'invoice_too_large',
        message: expect.stringContaining('Invoice 2 would have 10001 lines'),
      });
    });

    test('an invoice of 10,001 lines is refused', async () => {
      const lines = Array.from({ length: 10_001 }, (_, index) => orderLine(index, { lineId: lineIdOf(index + 1) }));
      await expect(store.load(columnsOf(lines))).rejects.toMatchObject({ code: 'invoice_too_large' });
      expect(await store.invoice('536365')).toBeNull();
    });

    test('a line that ingest would not have let in is refused, whether its invoice is there or not', async () => {
      const impossible: Partial<AcceptedLine>[] = [
        { invoiceNo: '' },
        { invoiceNo: '5'.repeat(5000) },
        { lineId: '' },
        { lineId: 'k:\u0000' },
        { customerId: '17850\u00002010' },
        { customerId: 'x'.repeat(300) },
        { customerId: '' },
        { invoiceDate: '12/1/2010 8:26' },
        { invoiceDate: '0010-12-01T08:26:00' },
        { quantity: 1.5 },
        { quantity: Number.NaN },
        { quantity: 10_000_001 },
        { unitPrice: 1_000_001 },
        { unitPrice: 1e6, quantity: 100_001 },
      ];
      for (const isThere of [false, true]) {
        if (isThere) await store.apply([orderLine(0)]);
        for (const fields of impossible) {
          await expect(store.load(columnsOf([orderLine(2, fields)]))).rejects.toMatchObject({
            code: 'unusable_record',
            message: expect.stringContaining(sequenceOf(2)),
          });
        }
      }
      await expectState(store, [orderLine(0)]);
    });
  });
}
