import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lineLimits } from '../../src/model/line.ts';
import { amountE4, poundsFromE4, textFromE4, toE4 } from '../../src/model/money.ts';

/** Decimal text with at most four decimals → ten-thousandths, without a floating point number on the way. */
function exactE4(text: string): bigint {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  const e4 = BigInt(whole + fraction.padEnd(4, '0'));
  return text.startsWith('-') ? -e4 : e4;
}

/** Ten-thousandths → decimal text, the long way. */
function decimalText(e4: bigint): string {
  const sign = e4 < 0n ? '-' : '';
  const digits = (e4 < 0n ? -e4 : e4).toString().padStart(5, '0');
  return `${sign}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

const MAX_E4 = 10n ** 15n; // 10^11 pounds

describe('money is exact', () => {
  test('every number with four decimals up to 10^11 is its ten-thousandths', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -MAX_E4, max: MAX_E4 }), (e4) => {
        expect(BigInt(toE4(Number(decimalText(e4))))).toBe(e4);
      }),
      { numRuns: 2000 },
    );
  });

  test('what is written reads back: as text at any size, as a JSON number to 274 thousand million', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (e4) => {
        const text = textFromE4(e4);
        expect(exactE4(text)).toBe(e4);
        expect(text).toMatch(/^(?:0|-?(?:0|[1-9]\d*)(?:\.\d{0,3}[1-9])?)$/);
      }),
    );
    const most = 2n ** 38n * 10_000n;
    fc.assert(
      fc.property(fc.bigInt({ min: -most, max: most }), (e4) => {
        const json = JSON.stringify(poundsFromE4(e4));
        expect(exactE4(json)).toBe(e4);
        expect(json).toBe(textFromE4(e4));
      }),
      { numRuns: 2000 },
    );
  });

  test('an amount is quantity times price, to the ten-thousandth, where floating point is not', () => {
    expect(3 * 1.1).not.toBe(3.3);
    expect(textFromE4(amountE4({ quantity: 3, unitPrice: 1.1 }))).toBe('3.3');
    fc.assert(
      fc.property(
        fc.integer({ min: -lineLimits.quantityMax, max: lineLimits.quantityMax }),
        fc.bigInt({ min: -(10n ** 10n), max: 10n ** 10n }),
        (quantity, priceE4) => {
          const exact = BigInt(quantity) * priceE4;
          fc.pre(exact <= MAX_E4 && exact >= -MAX_E4);
          const amount = amountE4({ quantity, unitPrice: Number(decimalText(priceE4)) });
          expect(BigInt(amount)).toBe(exact);
          expect(Object.is(amount, -0)).toBe(false);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test.each([
    [0n, '0'],
    [1n, '0.0001'],
    [-1n, '-0.0001'],
    [10_000n, '1'],
    [-12_500n, '-1.25'],
    [97_477_479_340n, '9747747.934'],
  ])('%s ten-thousandths are %s', (e4, text) => {
    expect(textFromE4(e4)).toBe(text);
    expect(textFromE4(Number(e4))).toBe(text);
  });
});
