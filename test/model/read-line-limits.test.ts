// Nothing that is sent crashes the reader, and every limit holds at its edge.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { catalogue, type Refusal } from '../../src/model/errors.ts';
import { lineLimits } from '../../src/model/line.ts';
import { LineReader } from '../../src/model/read-line.ts';
import { anyExtra, anyText, canonicalLine, objectText, spellings } from './arbitraries.ts';

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

function refusalOf(input: unknown): Refusal | null {
  const result = new LineReader('UTC').read(input);
  return 'refusal' in result ? result.refusal : null;
}

describe('no input crashes the reader', () => {
  const read = (input: unknown): void => {
    const result = new LineReader('Europe/London').read(input);
    if (!('refusal' in result)) return;
    const { code, field, value, message } = result.refusal;
    expect(catalogue).toHaveProperty(code);
    expect((field ?? '').length).toBeLessThan(250);
    expect((value ?? '').length).toBeLessThan(250);
    expect(message).toMatch(/\.$/);
  };

  test('anything that JSON can say', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }), (value) => {
        read(value);
      }),
      { numRuns: 1000 },
    );
  });

  test('anything in any field of an otherwise good line', () => {
    const names = Object.values(spellings).flat();
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }),
      anyText,
      fc.double(),
      fc.bigInt().map(String),
      fc.constantFrom(Number.MAX_VALUE, 1e21, -0, '9'.repeat(400), '1e999', '0x10', 'NaN', 'Infinity', '１２'),
    );
    fc.assert(
      fc.property(
        canonicalLine,
        fc.dictionary(fc.constantFrom(...names, '__proto__', 'constructor', 'extra'), value, { maxKeys: 4 }),
        anyExtra,
        (line, changed, extra) => {
          read(JSON.parse(objectText([...Object.entries(line), ...Object.entries(changed), ...Object.entries(extra)])));
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('nesting deeper than the stack', () => {
    const nested = JSON.parse('['.repeat(200_000) + ']'.repeat(200_000));
    read(nested);
    for (const name of [...Object.keys(SENT), 'LineNo', 'extra', 'Till']) {
      expect(refusalOf({ ...SENT, [name]: nested })?.value).toBe('nested too deeply to be shown');
    }
  });

  test('a field with a long name is cut in the message', () => {
    const refusal = refusalOf({ ...SENT, ['x'.repeat(5000)]: 1 });
    expect(refusal?.code).toBe('extra_too_large');
    expect(refusal?.field).toHaveLength(201);
  });

  test('a hundred thousand fields', () => {
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`field${index}`, index]));
    expect(refusalOf({ ...SENT, ...many })?.code).toBe('extra_too_large');
  });
});

describe('limits, at their edge', () => {
  const UMLAUT = 'ü'; // two bytes of UTF-8
  test.each([
    ['InvoiceNo', lineLimits.invoiceNoBytesMax, 'invalid_invoice_no'],
    ['LineId', lineLimits.lineIdBytesMax, 'invalid_line_id'],
    ['StockCode', lineLimits.stockCodeBytesMax, 'invalid_stock_code'],
    ['Description', lineLimits.descriptionBytesMax, 'invalid_description'],
    ['CustomerID', lineLimits.customerIdBytesMax, 'invalid_customer_id'],
    ['Country', lineLimits.countryBytesMax, 'invalid_country'],
  ])('%s: %i bytes of UTF-8', (field, bytesMax, code) => {
    for (const fits of [
      'x'.repeat(bytesMax),
      UMLAUT.repeat(bytesMax / 2),
      `${'€'.repeat(10)}${'x'.repeat(bytesMax - 30)}`,
    ]) {
      expect(refusalOf({ ...SENT, [field]: fits })).toBeNull();
      expect(refusalOf({ ...SENT, [field]: `  ${fits}  ` })).toBeNull();
      expect(refusalOf({ ...SENT, [field]: `${fits}x` })?.code).toBe(code);
      expect(refusalOf({ ...SENT, [field]: `x${fits.slice(0, -1)}${UMLAUT}` })?.code).toBe(code);
    }
  });

  test.each([
    ['Quantity', lineLimits.quantityMax, 1, 'invalid_quantity'],
    ['UnitPrice', lineLimits.unitPriceMax, 0.0001, 'invalid_price'],
  ])('%s: %d either way', (field, max, step, code) => {
    const small = { ...SENT, Quantity: 1, UnitPrice: 1 };
    for (const most of [max, -max, String(max), String(-max)]) {
      expect(refusalOf({ ...small, [field]: most })).toBeNull();
      const beyond = Number(most) + Math.sign(Number(most)) * step;
      expect(refusalOf({ ...small, [field]: typeof most === 'string' ? String(beyond) : beyond })?.code).toBe(code);
    }
  });

  test('amount: 10^11 either way', () => {
    expect(refusalOf({ ...SENT, Quantity: 10_000_000, UnitPrice: 10_000 })).toBeNull();
    expect(refusalOf({ ...SENT, Quantity: -10_000_000, UnitPrice: 10_000 })).toBeNull();
    expect(refusalOf({ ...SENT, Quantity: 10_000_000, UnitPrice: 10_000.0001 })?.code).toBe('amount_too_large');
    expect(refusalOf({ ...SENT, Quantity: 10_000_000, UnitPrice: -10_000.0001 })?.code).toBe('amount_too_large');
    expect(refusalOf({ ...SENT, Quantity: 10_000_000, UnitPrice: 1_000_000 })?.code).toBe('amount_too_large');
  });

  test('additional fields: 2,048 bytes of JSON', () => {
    const emptyBytes = JSON.stringify({ Till: '' }).length;
    const fits = 'x'.repeat(lineLimits.extraBytesMax - emptyBytes);
    expect(refusalOf({ ...SENT, Till: fits })).toBeNull();
    expect(refusalOf({ ...SENT, Till: `${fits}x` })?.code).toBe('extra_too_large');
    expect(refusalOf({ ...SENT, Till: `${fits.slice(0, -1)}ü` })?.code).toBe('extra_too_large');
    expect(refusalOf({ ...SENT, extra: { Till: fits } })).toBeNull();
  });
});
