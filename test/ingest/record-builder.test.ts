import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecordBuilder } from '../../src/ingest/record-builder.ts';
import { type Extra, type Line, lineLimits } from '../../src/model/line.ts';
import { parseRecord, RECORD_BYTES_MAX } from '../../src/model/record.ts';
import { anyExtra, canonicalLine } from '../model/arbitraries.ts';

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

function built(lines: readonly (Partial<Line> & { readonly extra?: Extra })[]) {
  const builder = new RecordBuilder(7, 'api');
  const taken = lines.map(({ extra, ...changed }, position) => builder.add({ ...LINE, ...changed }, extra, position));
  return { taken, records: builder.records() };
}

describe('records of a request', () => {
  test('hold each line once, of one invoice each, in the order of the request', () => {
    const some = fc.array(
      fc.tuple(canonicalLine, fc.integer({ min: 1, max: 4 }), fc.option(anyExtra, { nil: undefined })),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(some, (given) => {
        const lines = given.map(([line, invoice, extra]) => ({
          ...line,
          invoiceNo: `I${invoice}`,
          ...(extra && { extra }),
        }));
        const { records } = built(lines);
        const places = new Map<string, number[]>();
        for (const [index, { key, data, positions }] of records.entries()) {
          const parsed = parseRecord(String(index), Buffer.from(data));
          expect(parsed.map(({ position }) => position)).toStrictEqual(positions);
          for (const line of parsed) {
            expect(line.invoiceNo).toBe(key);
            expect(line.lineId).toBe(lines[line.position]?.lineId);
            expect(line.receivedAt).toBe(7);
          }
          places.set(key, [...(places.get(key) ?? []), ...positions]);
        }
        for (const positions of places.values()) expect(positions).toStrictEqual([...positions].sort((a, b) => a - b));
        expect([...places.values()].flat().sort((a, b) => a - b)).toStrictEqual(lines.map((_, index) => index));
      }),
    );
  });

  test('stay within 200 KB, whatever their lines hold', () => {
    const largest = {
      description: '€'.repeat(333),
      stockCode: '€'.repeat(21),
      extra: { note: '€'.repeat(650) },
    };
    const escaped = { description: '"\n'.repeat(400), extra: { note: '\\'.repeat(1000) } };
    for (const line of [largest, escaped, {}]) {
      const { records } = built(Array.from({ length: 2000 }, () => line));
      expect(records.length).toBeGreaterThan(1);
      const sizes = records.map(({ data }) => data.length);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(RECORD_BYTES_MAX);
      expect(Math.max(...sizes), 'and are not needlessly small').toBeGreaterThan(50_000);
      expect(records.flatMap(({ positions }) => positions)).toStrictEqual(Array.from({ length: 2000 }, (_, at) => at));
    }
  });

  test('take 10,000 lines of an invoice, and no more', () => {
    const { taken, records } = built([
      ...Array.from({ length: lineLimits.linesPerInvoiceMax + 2 }, () => ({})),
      { invoiceNo: 'another' },
    ]);
    expect(taken.filter((line) => !line)).toHaveLength(2);
    expect(taken.indexOf(false)).toBe(lineLimits.linesPerInvoiceMax);
    expect(taken.at(-1)).toBe(true);
    expect(records.flatMap(({ positions }) => positions)).toHaveLength(lineLimits.linesPerInvoiceMax + 1);
  });
});
