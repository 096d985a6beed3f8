// Every way in which a line is refused, as its sender reads it.
import { describe, expect, test } from 'vitest';
import type { Refusal } from '../../src/model/errors.ts';
import { LineReader } from '../../src/model/read-line.ts';

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

/** Code, field and value, then the message: what a person sees of a refusal. */
function refused(changed: unknown): string {
  const whole = typeof changed !== 'object' || changed === null || Array.isArray(changed);
  const refusal = refusalOf(whole ? changed : { ...SENT, ...changed });
  if (refusal === null) throw new Error('It was accepted');
  return `${refusal.code} ${refusal.field} ${refusal.value}\n${refusal.message}`;
}

function without(field: keyof typeof SENT): string {
  const { [field]: _, ...rest } = SENT;
  const refusal = refusalOf(rest);
  return `${refusal?.code} ${refusal?.field} ${refusal?.value}\n${refusal?.message}`;
}

describe('the refusal names the field, the value and what is expected', () => {
  test('what is not an object', () => {
    expect(refused(null)).toMatchInlineSnapshot(`
      "not_an_object null null
      The line is null; expected a JSON object with InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice and Country."
    `);
    expect(refused(undefined)).toMatchInlineSnapshot(`
      "not_an_object null null
      The line is missing; expected a JSON object with InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice and Country."
    `);
    expect(refused([1, 2])).toMatchInlineSnapshot(`
      "not_an_object null [1,2]
      The line is [1,2]; expected a JSON object with InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice and Country."
    `);
    expect(refused('536365,85123A')).toMatchInlineSnapshot(`
      "not_an_object null "536365,85123A"
      The line is "536365,85123A"; expected a JSON object with InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice and Country."
    `);
  });

  test('missing fields', () => {
    expect(without('InvoiceNo')).toMatchInlineSnapshot(`
      "missing_field InvoiceNo null
      InvoiceNo is missing; every line needs InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice and Country."
    `);
    expect(without('StockCode')).toMatchInlineSnapshot(`
      "missing_field StockCode null
      StockCode is missing; every line needs InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice and Country."
    `);
    expect(without('Quantity')).toMatchInlineSnapshot(`
      "missing_field Quantity null
      Quantity is missing; every line needs InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice and Country."
    `);
    expect(without('InvoiceDate')).toMatchInlineSnapshot(`
      "missing_field InvoiceDate null
      InvoiceDate is missing; every line needs InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice and Country."
    `);
    expect(without('UnitPrice')).toMatchInlineSnapshot(`
      "missing_field UnitPrice null
      UnitPrice is missing; every line needs InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice and Country."
    `);
    expect(without('Country')).toMatchInlineSnapshot(`
      "missing_field Country null
      Country is missing; every line needs InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice and Country."
    `);
  });

  test('a field under two names', () => {
    expect(refused({ Price: 2.55 })).toMatchInlineSnapshot(`
      "duplicate_field Price 2.55
      UnitPrice and Price mean the same field; give one of them."
    `);
  });

  test('invoice number', () => {
    expect(refused({ InvoiceNo: '' })).toMatchInlineSnapshot(`
      "invalid_invoice_no InvoiceNo ""
      InvoiceNo is ""; expected text or a whole number of 1 to 32 bytes without control characters."
    `);
    expect(refused({ InvoiceNo: null })).toMatchInlineSnapshot(`
      "invalid_invoice_no InvoiceNo null
      InvoiceNo is null; expected text or a whole number of 1 to 32 bytes without control characters."
    `);
    expect(refused({ InvoiceNo: -1 })).toMatchInlineSnapshot(`
      "invalid_invoice_no InvoiceNo -1
      InvoiceNo is -1; expected text or a whole number of 1 to 32 bytes without control characters."
    `);
    expect(refused({ InvoiceNo: 536365.5 })).toMatchInlineSnapshot(`
      "invalid_invoice_no InvoiceNo 536365.5
      InvoiceNo is 536365.5; expected text or a whole number of 1 to 32 bytes without control characters."
    `);
    expect(refused({ InvoiceNo: '5363\u000065' })).toMatchInlineSnapshot(`
      "invalid_invoice_no InvoiceNo "5363\\u000065"
      InvoiceNo is "5363\\u000065"; expected text or a whole number of 1 to 32 bytes without control characters."
    `);
  });

  test('line number', () => {
    expect(refused({ LineNo: -1 })).toMatchInlineSnapshot(`
      "invalid_line_id LineNo -1
      LineNo is -1; expected a whole number from 0, or text of 1 to 256 bytes without control characters."
    `);
    expect(refused({ LineId: true })).toMatchInlineSnapshot(`
      "invalid_line_id LineId true
      LineId is true; expected a whole number from 0, or text of 1 to 256 bytes without control characters."
    `);
  });

  test('stock code', () => {
    expect(refused({ StockCode: ['85123A'] })).toMatchInlineSnapshot(`
      "invalid_stock_code StockCode ["85123A"]
      StockCode is ["85123A"]; expected text or a whole number of 1 to 64 bytes without control characters."
    `);
  });

  test('description', () => {
    expect(refused({ Description: { en: 'HEART' } })).toMatchInlineSnapshot(`
      "invalid_description Description {"en":"HEART"}
      Description is {"en":"HEART"}; expected text of at most 1000 bytes without control characters other than line breaks and tabs, empty or null."
    `);
    expect(refused({ Description: 'HEART\u001fHOLDER' })).toMatchInlineSnapshot(`
      "invalid_description Description "HEART\\u001fHOLDER"
      Description is "HEART\\u001fHOLDER"; expected text of at most 1000 bytes without control characters other than line breaks and tabs, empty or null."
    `);
    expect(refused({ Description: 'HALF A PAIR \ud83d' })).toMatchInlineSnapshot(`
      "invalid_description Description "HALF A PAIR \\ud83d"
      Description is "HALF A PAIR \\ud83d"; expected text of at most 1000 bytes without control characters other than line breaks and tabs, empty or null."
    `);
  });

  test('quantity', () => {
    expect(refused({ Quantity: 1.5 })).toMatchInlineSnapshot(`
      "invalid_quantity Quantity 1.5
      Quantity is 1.5; expected a whole number from -10,000,000 to 10,000,000."
    `);
    expect(refused({ Quantity: 'six' })).toMatchInlineSnapshot(`
      "invalid_quantity Quantity "six"
      Quantity is "six"; expected a whole number from -10,000,000 to 10,000,000."
    `);
    expect(refused({ Quantity: '' })).toMatchInlineSnapshot(`
      "invalid_quantity Quantity ""
      Quantity is ""; expected a whole number from -10,000,000 to 10,000,000."
    `);
    expect(refused({ Quantity: 10_000_001 })).toMatchInlineSnapshot(`
      "invalid_quantity Quantity 10000001
      Quantity is 10000001; expected a whole number from -10,000,000 to 10,000,000."
    `);
  });

  test('date', () => {
    expect(refused({ InvoiceDate: '01-12-2010 08:26' })).toMatchInlineSnapshot(`
      "invalid_date InvoiceDate "01-12-2010 08:26"
      InvoiceDate is "01-12-2010 08:26"; expected M/D/YYYY H:MM or ISO 8601 (YYYY-MM-DDTHH:MM:SS), from 1900 to 2099."
    `);
    expect(refused({ InvoiceDate: '13/25/2010 8:26' })).toMatchInlineSnapshot(`
      "invalid_date InvoiceDate "13/25/2010 8:26"
      InvoiceDate is "13/25/2010 8:26"; expected M/D/YYYY H:MM or ISO 8601 (YYYY-MM-DDTHH:MM:SS), from 1900 to 2099."
    `);
    expect(refused({ InvoiceDate: 1_291_191_960 })).toMatchInlineSnapshot(`
      "invalid_date InvoiceDate 1291191960
      InvoiceDate is 1291191960; expected M/D/YYYY H:MM or ISO 8601 (YYYY-MM-DDTHH:MM:SS), from 1900 to 2099."
    `);
  });

  test('date of a file, by the forms that it was read by', () => {
    const expected = (order: 'month-first' | 'day-first' | null): string => {
      const result = new LineReader('UTC', order).read({ ...SENT, InvoiceDate: '13.13.2010' });
      return 'refusal' in result ? result.refusal.message : 'read';
    };
    const iso = 'ISO 8601 (YYYY-MM-DDTHH:MM:SS), from 1900 to 2099.';
    expect(expected('day-first')).toBe(`InvoiceDate is "13.13.2010"; expected D/M/YYYY H:MM or ${iso}`);
    expect(expected('month-first')).toBe(`InvoiceDate is "13.13.2010"; expected M/D/YYYY H:MM or ${iso}`);
    expect(expected(null)).toBe(`InvoiceDate is "13.13.2010"; expected ${iso}`);
  });

  test('price', () => {
    expect(refused({ UnitPrice: '2,55' })).toMatchInlineSnapshot(`
      "invalid_price UnitPrice "2,55"
      UnitPrice is "2,55"; expected a number from -1,000,000 to 1,000,000 with a decimal point and at most four decimals."
    `);
    expect(refused({ UnitPrice: 2.55555 })).toMatchInlineSnapshot(`
      "invalid_price UnitPrice 2.55555
      UnitPrice is 2.55555; expected a number from -1,000,000 to 1,000,000 with a decimal point and at most four decimals."
    `);
    expect(refused({ UnitPrice: '1e2' })).toMatchInlineSnapshot(`
      "invalid_price UnitPrice "1e2"
      UnitPrice is "1e2"; expected a number from -1,000,000 to 1,000,000 with a decimal point and at most four decimals."
    `);
    expect(refused({ UnitPrice: 1_000_000.01 })).toMatchInlineSnapshot(`
      "invalid_price UnitPrice 1000000.01
      UnitPrice is 1000000.01; expected a number from -1,000,000 to 1,000,000 with a decimal point and at most four decimals."
    `);
  });

  test('customer', () => {
    expect(refused({ CustomerID: 17850.5 })).toMatchInlineSnapshot(`
      "invalid_customer_id CustomerID 17850.5
      CustomerID is 17850.5; expected text or a whole number of 1 to 64 bytes without control characters."
    `);
    expect(refused({ CustomerID: false })).toMatchInlineSnapshot(`
      "invalid_customer_id CustomerID false
      CustomerID is false; expected text or a whole number of 1 to 64 bytes without control characters."
    `);
  });

  test('country', () => {
    expect(refused({ Country: 44 })).toMatchInlineSnapshot(`
      "invalid_country Country 44
      Country is 44; expected text of 1 to 64 bytes without control characters."
    `);
    expect(refused({ Country: ' ' })).toMatchInlineSnapshot(`
      "invalid_country Country " "
      Country is " "; expected text of 1 to 64 bytes without control characters."
    `);
  });

  test('amount', () => {
    expect(refused({ Quantity: -10_000_000, UnitPrice: '10000.01' })).toMatchInlineSnapshot(`
      "amount_too_large null -100000100000
      Quantity × UnitPrice is -100000100000; expected at most 100,000,000,000 either way."
    `);
  });

  test('additional fields', () => {
    expect(refused({ Till: 'x'.repeat(3000) })).toMatchInlineSnapshot(`
      "extra_too_large Till "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
      Till is "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…; expected additional fields of at most 2048 bytes of JSON altogether."
    `);
    expect(refused({ Till: 'half a pair \udfff' })).toMatchInlineSnapshot(`
      "invalid_extra Till "half a pair \\udfff"
      Till is "half a pair \\udfff"; expected additional fields of valid Unicode text."
    `);
  });
});
