// Lines for tests of order stores, and what such a store must answer after them: the definition, written once more.
import fc from 'fast-check';
import { expect } from 'vitest';
import { DigestBuilder } from '../../src/model/digest.ts';
import { compareLineIds, headerOf, type InvoiceHeader } from '../../src/model/invoice.ts';
import { type AcceptedLine, compareVersions } from '../../src/model/line.ts';
import { amountE4, poundsFromE4 } from '../../src/model/money.ts';
import type { OrderStore, View } from '../../src/stores/orders/order-store.ts';

const LINE: AcceptedLine = {
  invoiceNo: '536365',
  lineId: '000001',
  stockCode: '85123A',
  description: 'WHITE HANGING HEART T-LIGHT HOLDER',
  quantity: 6,
  invoiceDate: '2010-12-01T08:26:00',
  unitPrice: 2.55,
  customerId: '17850',
  country: 'United Kingdom',
  receivedAt: 1_700_000_000_000_000,
  sequence: sequenceOf(1),
  position: 0,
  source: 'api',
};

export function sequenceOf(number: number): string {
  return String(number).padStart(16, '0');
}

export function lineIdOf(number: number): string {
  return String(number).padStart(6, '0');
}

/** A line as it arrived `at`: a higher one is a newer version. */
export function orderLine(at: number, fields: Partial<AcceptedLine> = {}): AcceptedLine {
  return { ...LINE, receivedAt: LINE.receivedAt + at, sequence: sequenceOf(at), ...fields };
}

export async function documentOf(
  store: OrderStore,
  invoiceNo = LINE.invoiceNo,
  view: View = 'all',
): Promise<Record<string, unknown> | null> {
  const found = await store.invoice(invoiceNo, view);
  return found === null ? null : JSON.parse(found.json.toString('utf8'));
}

/** Above what any test here has. */
export const PAGES_MAX = 100;

/** Numbers of the invoices on each page of a history. */
export async function pageNos(store: OrderStore, customerId: string, limit = 100): Promise<string[][]> {
  const pages: string[][] = [];
  for (let cursor: string | null = null; ; ) {
    const page = await store.history(customerId, { limit, cursor });
    pages.push(page.invoices.map(({ invoiceNo }) => invoiceNo));
    if (page.next === null) return pages;
    if (pages.length > PAGES_MAX) throw new Error(`The history of ${customerId} does not end`);
    cursor = page.next;
  }
}

/** @param lines of one invoice, in any number of versions */
function expectedDocument(lines: readonly AcceptedLine[], view: View): Record<string, unknown> {
  const newest = new Map<string, AcceptedLine>();
  for (const form of lines) {
    const standing = newest.get(form.lineId);
    if (standing === undefined || compareVersions(form, standing) > 0) newest.set(form.lineId, form);
  }
  const standing = [...newest.values()].sort(compareLineIds);
  const owner = headerOf(standing).customerId;
  const mayBeShown = ({ customerId }: AcceptedLine) => view === 'all' || customerId === null || customerId === owner;
  const shown = standing.filter(mayBeShown);
  const { totalE4, lineCount, ...header } = headerOf(shown);
  const answered = shown.map(({ receivedAt, sequence, position, source, extra, ...fields }) => ({
    ...fields,
    amount: poundsFromE4(amountE4(fields)),
  }));
  return { ...header, total: poundsFromE4(totalE4), lineCount, lines: answered };
}

/** Few identities and few versions, so that they meet. What a line says follows from its version. */
export const anyLine: fc.Arbitrary<AcceptedLine> = fc
  .record({
    invoiceNo: fc.constantFrom('536365', 'C536379', 'A563185', '5'),
    lineId: fc.constantFrom('000001', '000002', '000010', 'k:ä€𝄞', '01HZX'),
    at: fc.integer({ min: 0, max: 5 }),
    sequence: fc.integer({ min: 1, max: 3 }),
    position: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ invoiceNo, lineId, at, sequence, position }) => {
    const kind = (at * 7 + sequence * 5 + position * 3 + lineId.length) % 11;
    return {
      ...LINE,
      invoiceNo,
      lineId,
      receivedAt: LINE.receivedAt + at,
      sequence: sequenceOf(sequence),
      position,
      source: kind % 2 === 0 ? 'api' : 'replay',
      description: kind === 3 ? null : `"${kind}" \\ £ ${'ü'.repeat(kind)}`,
      quantity: kind - 4,
      unitPrice: kind === 7 ? 0.0001 : kind * 1.1 === 0 ? -11062.06 : Number((kind * 1.13).toFixed(2)),
      invoiceDate: `2010-12-0${1 + (kind % 3)}T08:26:00`,
      customerId: kind % 4 === 0 ? null : `1785${kind % 2}`,
      country: kind % 5 === 0 ? 'EIRE' : 'United Kingdom',
    };
  });

/** Holds every answer of a store against lines that it was given, in any number of versions. */
export async function expectState(store: OrderStore, lines: readonly AcceptedLine[]): Promise<void> {
  const byInvoice = new Map<string, AcceptedLine[]>();
  for (const each of lines) byInvoice.set(each.invoiceNo, [...(byInvoice.get(each.invoiceNo) ?? []), each]);
  const builder = new DigestBuilder();
  const histories = new Map<string, Partial<InvoiceHeader>[]>();
  const spent = new Map<string, number>();
  for (const [invoiceNo, forms] of byInvoice) {
    const expected = expectedDocument(forms, 'all');
    const own = expectedDocument(forms, 'own');
    expect(await documentOf(store, invoiceNo, 'own')).toEqual(own);
    expect(await documentOf(store, invoiceNo)).toEqual(expected);
    for (const each of expected.lines as AcceptedLine[]) builder.add(each);
    if (typeof expected.customerId !== 'string') continue;
    spent.set(expected.customerId, (spent.get(expected.customerId) ?? 0) + Number(own.total));
    const { lines: _, total: __, ...header } = expected;
    histories.set(expected.customerId, [...(histories.get(expected.customerId) ?? []), header]);
  }
  for (const customerId of ['17850', '17851']) {
    const { invoices } = await store.history(customerId, { limit: 100, cursor: null });
    const expected = (histories.get(customerId) ?? []).sort((a, b) =>
      `${a.invoiceDate} ${a.invoiceNo}` < `${b.invoiceDate} ${b.invoiceNo}` ? 1 : -1,
    );
    expect(invoices).toMatchObject(expected);
    expect(invoices).toHaveLength(expected.length);
    const profile = await store.customer(customerId, 'own');
    expect(poundsFromE4(profile?.spentE4 ?? 0n)).toBeCloseTo(spent.get(customerId) ?? 0, 4);
  }
  const digest = await store.digest();
  expect(digest).toMatchObject({ days: builder.days(), invoices: byInvoice.size, wrongHeader: null });
}
