// What every order store must do: run against each adapter.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { totalsOf } from '../../src/model/digest.ts';
import type { AcceptedLine } from '../../src/model/line.ts';
import type { OrderStore } from '../../src/stores/orders/order-store.ts';
import { dataset } from '../support/dataset.ts';
import { readDataset } from '../support/read-dataset.ts';
import { anyLine, documentOf, expectState, lineIdOf, orderLine, sequenceOf } from './orders-lines.ts';

/** Where an order store lies: opened any number of times, each opening seeing what the others have stored. */
export interface OrdersBackend {
  open(): Promise<OrderStore>;
  /** Makes the stored total of an invoice another than its lines give. */
  spoilTotal(invoiceNo: string): Promise<void>;
  /** Closes what open() gave, and removes everything. */
  dispose(): Promise<void>;
}

/** Above what any test here has. */
const PAGES_MAX = 100;

/** It takes ten seconds on a quiet machine, most of them for reading the CSV. */
const REAL_DATA_MS_MAX = 300_000;

async function pageNos(store: OrderStore, customerId: string, limit = 100): Promise<string[][]> {
  const pages: string[][] = [];
  for (let cursor: string | null = null; ; ) {
    const page = await store.history(customerId, { limit, cursor });
    pages.push(page.invoices.map(({ invoiceNo }) => invoiceNo));
    if (page.next === null) return pages;
    if (pages.length > PAGES_MAX) throw new Error(`The history of ${customerId} does not end`);
    cursor = page.next;
  }
}

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

    test('a corrected customer moves the invoice from one history to the other', async () => {
      await store.apply([orderLine(1), orderLine(2, { invoiceNo: '536366' })]);
      await store.apply([orderLine(3, { customerId: '13047' })]);
      expect(await pageNos(store, '17850')).toEqual([['536366']]);
      expect(await pageNos(store, '13047')).toEqual([['536365']]);
      expect((await store.invoice('536365'))?.customerId).toBe('13047');
      expect(await store.customer('17850')).toMatchObject({ invoices: 1 });
    });

    test('an invoice that loses its customer leaves the history; one that gains one enters it', async () => {
      await store.apply([orderLine(1), orderLine(2, { invoiceNo: '536366', customerId: null })]);
      expect(await pageNos(store, '17850')).toEqual([['536365']]);
      await store.apply([orderLine(3, { customerId: null }), orderLine(4, { invoiceNo: '536366' })]);
      expect(await pageNos(store, '17850')).toEqual([['536366']]);
      expect((await store.invoice('536365'))?.customerId).toBeNull();
    });

    test('what its customer may see of an invoice with several is without the others, to the sum; a key sees all', async () => {
      await store.apply([
        orderLine(1, { customerId: '111', description: 'SECRET', country: 'EIRE', invoiceDate: '2010-11-01T08:00:00' }),
        orderLine(3, { lineId: '000003', customerId: null, quantity: 1 }),
        orderLine(2, { lineId: '000002', customerId: '222', country: 'France' }),
      ]);
      const whole = { customerId: '222', invoiceDate: '2010-11-01T08:00:00', total: 33.15, lineCount: 3 };
      expect(await documentOf(store)).toMatchObject(whole);
      const own = await store.invoice('536365', 'own');
      expect(own?.customerId).toBe('222');
      expect(own?.json.toString('utf8')).not.toMatch(/SECRET|111|EIRE|2010-11/);
      expect(await documentOf(store, '536365', 'own')).toMatchObject({
        ...{ customerId: '222', invoiceDate: '2010-12-01T08:26:00', total: 17.85, lineCount: 2 },
        lines: [{ lineId: '000002' }, { lineId: '000003', customerId: null }],
      });
      const wish = { limit: 10, cursor: null };
      expect((await store.history('222', wish, 'own')).invoices).toMatchObject([
        { invoiceDate: '2010-12-01T08:26:00', totalE4: 178_500n, lineCount: 2 },
      ]);
      expect((await store.history('222', wish)).invoices).toMatchObject([{ totalE4: 331_500n, lineCount: 3 }]);
      expect(await store.customer('222', 'own')).toMatchObject({
        ...{ spentE4: 178_500n, firstPurchase: '2010-12-01T08:26:00', lastPurchase: '2010-12-01T08:26:00' },
      });
      expect(await store.customer('222')).toMatchObject({ spentE4: 331_500n });
      // The correction reaches the other line: one customer, and whole again.
      await store.apply([orderLine(4, { customerId: '222' })]);
      expect(await store.invoice('536365', 'own')).toEqual(await store.invoice('536365'));
      expect((await store.digest()).wrongHeader).toBeNull();
    });

    test("pages of what a customer may see neither repeat nor miss an invoice, nor tell of another's date", async () => {
      const dates = ['2010-12-03T08:26:00', '2010-12-02T08:26:00', '2010-12-01T08:26:00'];
      await store.apply(dates.map((invoiceDate, index) => orderLine(index, { invoiceNo: `${index}`, invoiceDate })));
      // Of another customer, and earlier than all: the invoice goes to the end of the history.
      const theirs = { lineId: '000002', customerId: '13047', invoiceDate: '2010-01-01T08:26:00', receivedAt: 1 };
      await store.apply([orderLine(9, { invoiceNo: '0', ...theirs })]);
      const found: string[] = [];
      for (let cursor: string | null = null; ; ) {
        const page = await store.history('17850', { limit: 1, cursor }, 'own');
        found.push(...page.invoices.map(({ invoiceNo }) => invoiceNo));
        if (page.next === null) break;
        expect(Buffer.from(page.next, 'base64url').toString('utf8')).not.toContain('2010-01');
        cursor = page.next;
        if (found.length > PAGES_MAX) throw new Error('It does not end');
      }
      expect(found).toEqual(['1', '2', '0']);
      await store.apply([orderLine(9, { invoiceNo: '1', ...theirs, invoiceDate: '2010-01-02T08:26:00' })]);
      expect(await pageNos(store, '17850', 1)).toEqual([['2'], ['1'], ['0']]);
      const first = await store.history('17850', { limit: 2, cursor: null }, 'own');
      expect(Buffer.from(first.next ?? '', 'base64url').toString('utf8')).toContain('2010-12-02');
      const second = await store.history('17850', { limit: 2, cursor: first.next }, 'own');
      expect(second.invoices.map(({ invoiceNo }) => invoiceNo)).toEqual(['0']);
    });

    test('a corrected date moves the invoice within the history', async () => {
      await store.apply([orderLine(1), orderLine(2, { invoiceNo: '536366', invoiceDate: '2010-12-02T08:26:00' })]);
      expect(await pageNos(store, '17850')).toEqual([['536366', '536365']]);
      await store.apply([orderLine(3, { invoiceDate: '2010-12-03T08:26:00' })]);
      expect(await pageNos(store, '17850')).toEqual([['536365', '536366']]);
    });

    test('an earlier line gives the invoice its date, a guest keeps out of every history', async () => {
      await store.apply([orderLine(1, { lineId: '000002' }), orderLine(2, { invoiceNo: '9', customerId: null })]);
      await store.apply([orderLine(3, { invoiceDate: '2010-11-30T23:59:59' })]);
      expect(await documentOf(store)).toMatchObject({ invoiceDate: '2010-11-30T23:59:59', lineCount: 2 });
      const { invoices } = await store.history('17850', { limit: 10, cursor: null });
      expect(invoices.map(({ invoiceDate }) => invoiceDate)).toEqual(['2010-11-30T23:59:59']);
      expect(await documentOf(store, '9')).toMatchObject({ customerId: null });
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

    test('a history is paged newest first, ties by the higher number, each invoice once', async () => {
      const dates = ['2010-12-01T08:26:00', '2010-12-01T08:26:00', '2010-12-02T08:26:00', '2010-11-30T08:26:00'];
      const lines = Array.from({ length: 20 }, (_, index) =>
        orderLine(index, { invoiceNo: String(536_300 + index), invoiceDate: dates[index % 4] ?? '' }),
      );
      await store.apply([
        ...lines,
        orderLine(99, { invoiceNo: 'C536300', quantity: -6 }),
        orderLine(98, { customerId: '1785' }),
      ]);
      const all = (await pageNos(store, '17850')).flat();
      expect(all).toHaveLength(21);
      expect(all.slice(0, 5)).toEqual(['536318', '536314', '536310', '536306', '536302']);
      expect(all[5]).toBe('C536300');
      expect(all.slice(6, 9)).toEqual(['536317', '536316', '536313']);
      for (const limit of [1, 2, 7, 20, 21]) {
        const pages = await pageNos(store, '17850', limit);
        expect(pages.flat()).toEqual(all);
        expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true);
        expect(pages.at(-1)?.length).toBeGreaterThan(0);
      }
    });

    test('a cursor is opaque base64url; one that is not ours is refused', async () => {
      await store.apply([orderLine(1), orderLine(2, { invoiceNo: '536366' })]);
      const { next } = await store.history('17850', { limit: 1, cursor: null });
      expect(next).toMatch(/^[A-Za-z0-9_-]+$/);
      for (const cursor of ['', 'x', `${next}=`, `${next}A`, 'é', Buffer.from('536365').toString('base64url')]) {
        await expect(store.history('17850', { limit: 1, cursor })).rejects.toMatchObject({
          code: 'invalid_parameter',
          field: 'cursor',
        });
      }
    });

    test("a cursor of one customer's history opens nobody else's", async () => {
      await store.apply([
        orderLine(1),
        orderLine(2, { invoiceNo: '536366' }),
        orderLine(3, { invoiceNo: '1', customerId: '13047' }),
      ]);
      const { next } = await store.history('17850', { limit: 1, cursor: null });
      const page = await store.history('13047', { limit: 10, cursor: next });
      expect(page.invoices.every(({ customerId }) => customerId === '13047')).toBe(true);
    });

    test('a profile counts what was bought, what was sent back, and what is left to pay', async () => {
      await store.apply([
        orderLine(1),
        orderLine(2, { invoiceNo: '536370', invoiceDate: '2011-01-02T10:00:00', country: 'EIRE', quantity: 100 }),
        orderLine(3, { invoiceNo: 'C536380', invoiceDate: '2011-02-02T10:00:00', country: 'France', quantity: -6 }),
        orderLine(4, { invoiceNo: 'A536380', invoiceDate: '2010-02-02T10:00:00', quantity: 1, unitPrice: -11062.06 }),
      ]);
      expect(await store.customer('17850')).toEqual({
        customerId: '17850',
        country: 'France',
        firstPurchase: '2010-12-01T08:26:00',
        lastPurchase: '2011-01-02T10:00:00',
        invoices: 2,
        cancellations: 1,
        spentE4: 2_550_000n - 110_620_600n,
      });
    });

    test('the profile of a customer with many invoices lets others go first, and is of one moment', async () => {
      const invoices = Array.from({ length: 20_000 }, (_, index) => `5${String(index).padStart(5, '0')}`);
      await store.apply(invoices.map((invoiceNo, index) => orderLine(index, { invoiceNo })));
      let turns = 0;
      const timer = setInterval(() => {
        turns += 1;
      }, 1);
      const asked = store.customer('17850');
      await new Promise((resolve) => setTimeout(resolve, 1));
      // Meanwhile, from the end to the front of the history.
      await store.apply([
        orderLine(30_000, { invoiceNo: invoices.at(-1) ?? '', invoiceDate: '2009-12-01T08:26:00', quantity: 1 }),
      ]);
      const profile = await asked;
      clearInterval(timer);
      expect(turns).toBeGreaterThan(2);
      expect(profile).toMatchObject({ invoices: 20_000, spentE4: 153_000n * 20_000n });
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
