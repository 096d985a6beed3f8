import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Line } from '../../src/model/line.ts';
import { LineReader, type ReadLine } from '../../src/model/read-line.ts';
import { parseRecord, recordLine } from '../../src/model/record.ts';
import { anyExtra, anyText, canonicalLine, inAnyCase, objectText, spellings } from './arbitraries.ts';

function accepted(input: unknown, timeZone = 'UTC'): ReadLine {
  const result = new LineReader(timeZone).read(input);
  if ('refusal' in result) throw new Error(result.refusal.message);
  return result;
}

const SENT = {
  InvoiceNo: '536365',
  StockCode: '85123A',
  Description: 'WHITE HANGING HEART T-LIGHT HOLDER',
  Quantity: 6,
  InvoiceDate: '12/1/2010 8:26',
  UnitPrice: 2.55,
  CustomerID: '17850',
  Country: 'United Kingdom',
};

const CANONICAL: Line = {
  invoiceNo: '536365',
  lineId: '',
  stockCode: '85123A',
  description: 'WHITE HANGING HEART T-LIGHT HOLDER',
  quantity: 6,
  invoiceDate: '2010-12-01T08:26:00',
  unitPrice: 2.55,
  customerId: '17850',
  country: 'United Kingdom',
};

describe('a line as its senders write it', () => {
  test.each<[string, object, Partial<Line>]>([
    ['the columns of the data set', {}, {}],
    ['numbers as texts', { Quantity: ' 6 ', UnitPrice: '2.550' }, {}],
    ['a quantity with an empty fraction', { Quantity: '6.0' }, {}],
    ['signs', { Quantity: '-6', UnitPrice: '+2.55' }, { quantity: -6 }],
    ['a customer as a number', { CustomerID: 17850 }, {}],
    ['a customer as a float', { CustomerID: 17850.0 }, {}],
    ['a customer as the text of a float', { CustomerID: '17850.0' }, {}],
    ['a customer as the text of a float with two decimals', { CustomerID: '017850.00' }, { customerId: '017850' }],
    ['no customer', { CustomerID: '' }, { customerId: null }],
    ['a null customer', { CustomerID: null }, { customerId: null }],
    ['an invoice and a product as numbers', { InvoiceNo: 536365, StockCode: 22633 }, { stockCode: '22633' }],
    ['no description', { Description: '  ' }, { description: null }],
    ['a null description', { Description: null }, { description: null }],
    ['a description as a number', { Description: 20713 }, { description: '20713' }],
    ['a description of several lines', { Description: 'ONE\r\nTWO\t' }, { description: 'ONE\r\nTWO' }],
    ['blanks around texts', { InvoiceNo: ' 536365 ', Country: '\tUnited Kingdom ' }, {}],
    ['a line number', { LineNo: 7 }, { lineId: '000007' }],
    ['a line number as text', { LineId: '0000000007' }, { lineId: '000007' }],
    ['a long line number', { LineId: '12345678' }, { lineId: '12345678' }],
    ['a line id of letters', { LineId: 'a-7' }, { lineId: 'a-7' }],
    ['a null line number', { LineNo: null }, { lineId: '' }],
    ['a cancellation', { InvoiceNo: 'C536379', Quantity: -1 }, { invoiceNo: 'C536379', quantity: -1 }],
    ['bad debt', { UnitPrice: -11062.06 }, { unitPrice: -11062.06 }],
    ['zero, and minus zero', { Quantity: 0, UnitPrice: -0 }, { quantity: 0, unitPrice: 0 }],
  ])('%s', (_, changed, expected) => {
    expect(accepted({ ...SENT, ...changed }).line).toStrictEqual({ ...CANONICAL, ...expected });
  });

  test('a field that is not sent is one that is empty', () => {
    const { CustomerID: _, Description: __, ...rest } = SENT;
    expect(accepted(rest).line).toStrictEqual({ ...CANONICAL, customerId: null, description: null });
  });

  test('the columns of the second edition, and ours, in any letter case', () => {
    fc.assert(
      fc.property(
        canonicalLine,
        fc.record({
          invoiceNo: inAnyCase(spellings.invoiceNo),
          lineId: inAnyCase(spellings.lineId),
          stockCode: inAnyCase(spellings.stockCode),
          description: inAnyCase(spellings.description),
          quantity: inAnyCase(spellings.quantity),
          invoiceDate: inAnyCase(spellings.invoiceDate),
          unitPrice: inAnyCase(spellings.unitPrice),
          customerId: inAnyCase(spellings.customerId),
          country: inAnyCase(spellings.country),
        }),
        (line, names) => {
          const renamed = Object.entries(names).map(([field, name]) => [name, line[field as keyof Line]]);
          expect(accepted(Object.fromEntries(renamed))).toStrictEqual({ line, extra: undefined });
        },
      ),
    );
  });

  test('a date with an offset is on the wall clock of the shop', () => {
    expect(accepted({ ...SENT, InvoiceDate: '2010-07-01T08:26:00Z' }, 'Europe/London').line.invoiceDate).toBe(
      '2010-07-01T09:26:00',
    );
  });

  test('what a reader remembers of one line changes nothing about the next', () => {
    const value = fc.constantFrom<unknown>(
      '',
      ' ',
      '17850',
      '17850.0',
      17850,
      null,
      'x',
      '12/1/2010 8:26',
      -1,
      [],
      'C1',
    );
    const changes = fc.dictionary(fc.constantFrom(...Object.keys(SENT), 'LineNo', 'Invoice'), value, { maxKeys: 3 });
    fc.assert(
      fc.property(fc.array(changes, { minLength: 2, maxLength: 6 }), (sent) => {
        const reader = new LineReader('UTC');
        for (const changed of sent) {
          const input = { ...SENT, ...changed };
          expect(reader.read(input)).toStrictEqual(new LineReader('UTC').read(input));
          expect(reader.read(input), 'twice').toStrictEqual(new LineReader('UTC').read(input));
        }
      }),
      { numRuns: 500 },
    );
  });

  test.each(Object.keys(SENT))('%s without a value is not taken for the value of the line before', (name) => {
    const reader = new LineReader('UTC');
    expect(reader.read({ ...SENT, [name]: undefined })).toHaveProperty('refusal');
    expect(reader.read(SENT)).not.toHaveProperty('refusal');
    expect(reader.read({ ...SENT, [name]: undefined })).toHaveProperty('refusal');
  });
});

describe('normalising', () => {
  test('a canonical line reads as itself', () => {
    fc.assert(
      fc.property(canonicalLine, (line) => {
        expect(accepted(line)).toStrictEqual({ line, extra: undefined });
      }),
    );
  });

  test('what was read once reads the same again, whatever it was', () => {
    const messy = fc.oneof(anyText, fc.double(), fc.integer(), fc.constantFrom(null, '17850.0', ' 1.50 ', '007'));
    const changes = fc.dictionary(fc.constantFrom(...Object.keys(SENT), 'LineNo'), messy, { maxKeys: 3 });
    fc.assert(
      fc.property(changes, fc.constantFrom('UTC', 'Europe/London', 'Asia/Kolkata'), (changed, timeZone) => {
        const first = new LineReader(timeZone).read({ ...SENT, ...changed });
        fc.pre(!('refusal' in first));
        expect(new LineReader('America/New_York').read(first.line)).toStrictEqual(first);
      }),
      { numRuns: 1000 },
    );
  });

  test('a line of the lake, with what was kept beside it, reads as the same line', () => {
    fc.assert(
      fc.property(canonicalLine, anyExtra, (line, extra) => {
        const inLake = JSON.parse(`{"shard":"local","sequence":"01",${recordLine(line, 1, 0, 'api', extra).slice(1)}`);
        const again = accepted(inLake);
        expect(again.line).toStrictEqual(line);
        expect(JSON.parse(JSON.stringify(again.extra))).toMatchObject({ shard: 'local', source: 'api' });
        for (const [name, value] of Object.entries(extra)) {
          if (!['shard', 'sequence', 'source', 'position', 'receivedAt'].includes(name)) {
            expect(Object.getOwnPropertyDescriptor(again.extra, name)?.value).toStrictEqual(value);
          }
        }
      }),
    );
  });
});

describe('what is accepted is read back unchanged', () => {
  test('any Unicode, and any fields that are not ours', () => {
    fc.assert(
      fc.property(
        canonicalLine,
        fc.option(anyExtra, { nil: undefined }),
        fc.nat(Number.MAX_SAFE_INTEGER),
        fc.nat(99_999),
        (sent, sentExtra, receivedAt, position) => {
          const text = objectText([...Object.entries(sent), ...Object.entries(sentExtra ?? {})]);
          fc.pre(Object.keys(sentExtra ?? {}).every((name) => !(name in sent)));
          const { line, extra } = accepted(JSON.parse(text));
          const data = Buffer.from(recordLine(line, receivedAt, position, 'api', extra));
          const [back, ...more] = parseRecord('0000000000000001', data);
          expect(more).toStrictEqual([]);
          const { extra: kept, ...rest } = back ?? {};
          expect(rest).toStrictEqual({ ...sent, receivedAt, position, source: 'api', sequence: '0000000000000001' });
          expect(objectText(Object.entries(kept ?? {}))).toBe(objectText(Object.entries(extra ?? {})));
          for (const [name, value] of Object.entries(sentExtra ?? {})) {
            expect(Object.getOwnPropertyDescriptor(kept, name)?.value, name).toStrictEqual(value);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('a field named __proto__ is a field like any other, and changes no prototype', () => {
    const sent = JSON.parse(`${JSON.stringify(SENT).slice(0, -1)},"__proto__":{"quantity":1},"constructor":7}`);
    const { line, extra } = accepted(sent);
    const [back] = parseRecord('1', Buffer.from(recordLine(line, 1, 0, 'api', extra)));
    expect(JSON.stringify(back?.extra)).toBe('{"__proto__":{"quantity":1},"constructor":7}');
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(({} as { quantity?: number }).quantity).toBeUndefined();
  });
});
