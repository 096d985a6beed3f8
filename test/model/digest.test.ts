import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DigestBuilder, firstDifference, lineHash, totalsOf } from '../../src/model/digest.ts';
import type { Line } from '../../src/model/line.ts';
import { canonicalLine } from './arbitraries.ts';

const LINE: Line = {
  invoiceNo: '536365',
  lineId: '000001',
  stockCode: '85123A',
  description: null,
  quantity: 6,
  invoiceDate: '2010-12-01T08:26:00',
  unitPrice: 2.55,
  customerId: null,
  country: 'United Kingdom',
};

function digestOf(lines: readonly Line[]) {
  const builder = new DigestBuilder();
  for (const line of lines) builder.add(line);
  return builder.days();
}

/** Lines of few days, so that days hold several. */
const lines = fc.array(
  fc.tuple(canonicalLine, fc.integer({ min: 1, max: 3 })).map(([line, day]) => ({
    ...line,
    invoiceDate: `2010-12-0${day}T08:26:00`,
  })),
  { maxLength: 20 },
);

describe('the digest of a store', () => {
  test('does not depend on the order of its lines', () => {
    fc.assert(
      fc.property(lines, fc.infiniteStream(fc.nat()), (some, keys) => {
        const shuffled = some
          .map((line) => ({ line, at: keys.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ line }) => line);
        expect(digestOf(shuffled)).toStrictEqual(digestOf(some));
        expect(firstDifference(digestOf(some), digestOf(shuffled))).toBeNull();
      }),
    );
  });

  test('is in order of the days, and its totals are exact', () => {
    fc.assert(
      fc.property(lines, (some) => {
        const days = digestOf(some);
        expect(days.map(({ day }) => day)).toStrictEqual(
          [...new Set(some.map((l) => l.invoiceDate.slice(0, 10)))].sort(),
        );
        const amountE4 = some.reduce(
          (sum, l) => sum + BigInt(l.quantity) * BigInt(Math.round(l.unitPrice * 10_000)),
          0n,
        );
        expect(totalsOf(days)).toStrictEqual({ lines: some.length, amountE4 });
      }),
    );
  });

  test('shows one line more, one less, one twice, and one that differs', () => {
    fc.assert(
      fc.property(lines, canonicalLine, (some, other) => {
        const whole = digestOf([...some, other]);
        const day = other.invoiceDate.slice(0, 10);
        expect(firstDifference(whole, digestOf(some))?.day).toBe(day);
        expect(firstDifference(digestOf(some), whole)?.day).toBe(day);
        expect(firstDifference(whole, digestOf([...some, other, other]))?.day).toBe(day);
        expect(firstDifference(whole, digestOf([...some, { ...other, country: `${other.country}!` }]))?.day).toBe(day);
      }),
    );
  });

  test.each<[string, Partial<Line>]>([
    ['invoice', { invoiceNo: '536366' }],
    ['line', { lineId: '000002' }],
    ['product', { stockCode: '85123B' }],
    ['description', { description: '' }],
    ['quantity', { quantity: -6 }],
    ['time', { invoiceDate: '2010-12-01T08:26:01' }],
    ['price', { unitPrice: 2.5501 }],
    ['customer', { customerId: '' }],
    ['country', { country: 'EIRE' }],
    ['field that ends elsewhere', { invoiceNo: '53636', lineId: '5000001' }],
  ])('two lines that differ in the %s have different hashes', (_, changed) => {
    expect(lineHash({ ...LINE, ...changed })).not.toBe(lineHash(LINE));
  });

  test('a hash is the first 60 bits of an MD5: what every store computes alike', () => {
    expect(lineHash(LINE)).toMatchInlineSnapshot(`407061283093435805n`);
    fc.assert(fc.property(canonicalLine, (line) => lineHash(line) >= 0n && lineHash(line) < 2n ** 60n));
  });

  test('the first difference names both sides, a day that is missing as null', () => {
    const [one] = digestOf([LINE]);
    expect(firstDifference(digestOf([LINE]), [])).toStrictEqual({ day: '2010-12-01', expected: one, actual: null });
    expect(firstDifference([], digestOf([LINE]))).toStrictEqual({ day: '2010-12-01', expected: null, actual: one });
    expect(firstDifference([], [])).toBeNull();
  });
});
