// What every order store must answer about customers: their purchase history, page by page, their profile, and what they may see.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OrderStore } from '../../src/stores/orders/order-store.ts';
import type { OrdersBackend } from './orders.contract.ts';
import { documentOf, orderLine, PAGES_MAX, pageNos } from './orders-lines.ts';

export function orderHistoryContract(name: string, makeBackend: () => Promise<OrdersBackend>): void {
  describe(`orders (${name}), histories and profiles`, () => {
    let backend: OrdersBackend;
    let store: OrderStore;

    beforeEach(async () => {
      backend = await makeBackend();
      store = await backend.open();
    });

    afterEach(() => backend.dispose());

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
  });
}
