import { describe, expect, test } from 'vitest';
import { compareLineIds, headerOf, isAdjustment, isCancellation } from '../../src/model/invoice.ts';
import type { AcceptedLine } from '../../src/model/line.ts';

function line(receivedAt: number, fields: Partial<AcceptedLine> = {}): AcceptedLine {
  return {
    invoiceNo: '536365',
    lineId: '000001',
    stockCode: '85123A',
    description: null,
    quantity: 6,
    invoiceDate: '2010-12-01T08:26:00',
    unitPrice: 2.55,
    customerId: '17850',
    country: 'United Kingdom',
    receivedAt,
    sequence: '0000000000000001',
    position: 0,
    source: 'api',
    ...fields,
  };
}

describe('invoice header', () => {
  test('date of the earliest line, country of the newest, customer of the newest that names one', () => {
    const header = headerOf([
      line(3, { customerId: null, country: 'EIRE' }),
      line(2, { customerId: '13047', invoiceDate: '2010-12-01T08:25:00', country: 'France' }),
      line(1),
    ]);
    expect(header).toEqual({
      invoiceNo: '536365',
      customerId: '13047',
      country: 'EIRE',
      invoiceDate: '2010-12-01T08:25:00',
      cancellation: false,
      totalE4: 459_000n,
      lineCount: 3,
    });
  });

  test('does not depend on the order of the lines, also when they came in the same microsecond', () => {
    const lines = [
      line(1, { country: 'A', position: 2 }),
      line(1, { country: 'B', sequence: '0000000000000002' }),
      line(1, { country: 'C', position: 3 }),
    ];
    for (const order of [lines, lines.toReversed(), [...lines.slice(1), ...lines.slice(0, 1)]]) {
      expect(headerOf(order).country).toBe('B');
    }
  });

  test('sums are exact where floating point is not: three times 0.1, and 10,000 of the largest amounts', () => {
    const tenth = line(1, { quantity: 1, unitPrice: 0.1 });
    expect(headerOf([tenth, tenth, tenth]).totalE4).toBe(3_000n);
    const largest = line(1, { quantity: 100_000, unitPrice: 1_000_000 });
    const smallest = line(1, { quantity: 1, unitPrice: 0.0001 });
    const lines = [...Array.from({ length: 9_999 }, () => largest), smallest];
    expect(headerOf(lines).totalE4).toBe(9_999n * 10n ** 15n + 1n);
  });

  test('a guest has no customer; without lines there is no invoice', () => {
    expect(headerOf([line(1, { customerId: null })]).customerId).toBeNull();
    expect(() => headerOf([])).toThrow(RangeError);
  });

  test('numbers tell cancellations and adjustments', () => {
    expect(['536365', 'C536379', 'A563185', 'c1', ''].map(isCancellation)).toEqual([false, true, false, false, false]);
    expect(['536365', 'C536379', 'A563185', 'c1', ''].map(isAdjustment)).toEqual([false, false, true, true, false]);
  });

  test('lines stand by number, generated ids after them', () => {
    const ids = ['k:order-7', '000010', '01HZXQ', '000002', '010000'];
    expect(ids.map((lineId) => ({ lineId })).sort(compareLineIds)).toEqual(
      ['000002', '000010', '010000', '01HZXQ', 'k:order-7'].map((lineId) => ({ lineId })),
    );
  });
});
