// What the property-based tests of the model draw from: lines as senders write them, and anything that JSON can say.
import fc from 'fast-check';
import type { Line } from '../../src/model/line.ts';
import { lineLimits } from '../../src/model/line.ts';

/** Of any Unicode, also halves of surrogate pairs and control characters. */
export const anyText = fc.string({ unit: 'binary', maxLength: 80 });

const whole = fc.string({ unit: 'binary', maxLength: 60 }).map(cleaned);
const cleanText = whole.map((text) => text.replace(/\p{Cc}/gu, '').trim());

/** Text by which things are found: what is left of any text once it is acceptable. */
function keyOf(bytesMax: number): fc.Arbitrary<string> {
  return fc
    .oneof(
      { arbitrary: cleanText, weight: 2 },
      { arbitrary: fc.nat(99_999_999).map(String), weight: 1 },
      { arbitrary: fc.stringMatching(/^[A-Z]{0,2}\d{1,6}$/), weight: 1 },
    )
    .filter((text) => text !== '' && Buffer.byteLength(text) <= bytesMax);
}

/** Without halves of surrogate pairs. */
function cleaned(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed();
}

const twoDigits = (min: number, max: number): fc.Arbitrary<string> =>
  fc.integer({ min, max }).map((value) => String(value).padStart(2, '0'));

export const wallClock: fc.Arbitrary<string> = fc
  .tuple(
    fc.integer({ min: lineLimits.yearMin, max: lineLimits.yearMax }),
    twoDigits(1, 12),
    twoDigits(1, 28),
    twoDigits(0, 23),
    twoDigits(0, 59),
    twoDigits(0, 59),
  )
  .map(([year, month, day, hour, minute, second]) => `${year}-${month}-${day}T${hour}:${minute}:${second}`);

/** Whole ten-thousandths as the number a sender writes. */
const price = fc.integer({ min: -10_000_000_000, max: 10_000_000_000 }).map((e4) => e4 / 10_000);

/** A quantity and a price whose product is within the limit. */
const quantityAndPrice = fc
  .tuple(fc.integer({ min: -lineLimits.quantityMax, max: lineLimits.quantityMax }), price)
  .map(([quantity, unitPrice]) =>
    Math.abs(quantity * unitPrice) > lineLimits.amountMax
      ? { quantity: quantity % 1000, unitPrice }
      : { quantity, unitPrice },
  )
  .map(({ quantity, unitPrice }) => ({ quantity: quantity + 0, unitPrice: unitPrice + 0 })); // JSON has no minus zero

const description = whole.map((text) => text.replace(/[^\P{Cc}\t\n\r]|[\u007f]/gu, '').trim() || null);

/** Lines in canonical form. */
export const canonicalLine: fc.Arbitrary<Line> = fc
  .record({
    invoiceNo: keyOf(lineLimits.invoiceNoBytesMax),
    lineId: fc.oneof(
      fc.nat(9_999_999).map((value) => String(value).padStart(6, '0')),
      keyOf(lineLimits.lineIdBytesMax).filter((text) => !/^\d+$/.test(text)),
    ),
    stockCode: keyOf(lineLimits.stockCodeBytesMax),
    description,
    numbers: quantityAndPrice,
    invoiceDate: wallClock,
    customerId: fc.option(keyOf(lineLimits.customerIdBytesMax).filter((text) => !/^\d+\.0+$/.test(text))),
    country: keyOf(lineLimits.countryBytesMax),
  })
  .map(({ numbers, ...line }) => ({ ...line, ...numbers }));

/** Unknown fields: any names, `__proto__` among them, and any JSON. */
export const anyExtra: fc.Arbitrary<Record<string, unknown>> = fc
  .array(
    fc.tuple(
      fc.oneof(fc.constantFrom('__proto__', 'constructor', 'toString', 'Till', 'colour'), whole),
      fc.jsonValue({ maxDepth: 3, stringUnit: 'binary-ascii' }),
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((members) => JSON.parse(objectText(members)))
  .filter((extra) => Buffer.byteLength(JSON.stringify(extra)) <= lineLimits.extraBytesMax);

/** Members as JSON text: the one way in which `__proto__` becomes a field of its own. */
export function objectText(members: readonly (readonly [string, unknown])[]): string {
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
}

/** What a sender may call each field. */
export const spellings = {
  invoiceNo: ['InvoiceNo', 'Invoice', 'invoiceNo', 'invoice_no', 'INVOICE NO', 'invoice-no'],
  lineId: ['LineNo', 'LineId', 'lineId', 'line_no', 'LINE ID'],
  stockCode: ['StockCode', 'stockCode', 'stock_code', 'STOCK CODE'],
  description: ['Description', 'description', 'DESCRIPTION'],
  quantity: ['Quantity', 'quantity', 'QUANTITY'],
  invoiceDate: ['InvoiceDate', 'invoiceDate', 'invoice_date', 'Invoice Date'],
  unitPrice: ['UnitPrice', 'Price', 'unitPrice', 'unit_price', 'PRICE'],
  customerId: ['CustomerID', 'Customer ID', 'customerId', 'customer_id', 'CUSTOMERID'],
  country: ['Country', 'country', 'COUNTRY'],
} as const satisfies Record<keyof Line, readonly string[]>;

/** A name in any letter case. */
export function inAnyCase(names: readonly string[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...names), fc.infiniteStream(fc.boolean()))
    .map(([name, upper]) => [...name].map((letter) => caseOf(letter, upper.next().value === true)).join(''));
}

function caseOf(letter: string, upper: boolean): string {
  return upper ? letter.toUpperCase() : letter.toLowerCase();
}
