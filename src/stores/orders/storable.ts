// What keys and the layout of the LMDB order store rely on: a record that was tampered with must not get further than its
// quarantine.
import { TillstreamError } from '../../model/errors.ts';
import { type AcceptedLine, lineLimits } from '../../model/line.ts';
import { toE4 } from '../../model/money.ts';
import { codeAt, lineAt } from './line-columns.ts';
import type { LineColumns, TextColumn } from './order-store.ts';

/** A date as a number has fourteen digits. */
const DATE_MIN = 1e13;
const DATE_END = 1e14;
const PRICE_E4_MAX = toE4(lineLimits.unitPriceMax);
const AMOUNT_E4_MAX = toE4(lineLimits.amountMax);
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/;

/** @throws unusable_record */
export function assertStorable(line: AcceptedLine): void {
  const storable =
    isText(line.invoiceNo, lineLimits.invoiceNoBytesMax) &&
    isText(line.lineId, lineLimits.lineIdBytesMax) &&
    (line.customerId === null || isText(line.customerId, lineLimits.customerIdBytesMax)) &&
    DATE.test(line.invoiceDate);
  if (!storable) throw unusable(line);
}

function unusable(line: AcceptedLine): TillstreamError {
  const which = `Line ${line.lineId} of invoice ${line.invoiceNo}`.slice(0, 200);
  return new TillstreamError(
    'unusable_record',
    `${which} in record ${line.sequence} is not a line as ingest writes it.`,
  );
}

/** The same for lines in columns: a text that many lines share is looked at once. Numbers too, which are written digit by digit. */
export class StorableLines {
  readonly #columns: LineColumns;
  /** By code: 1 where a key may be made of it. */
  readonly #isKey: Readonly<Record<'invoiceNo' | 'lineId' | 'customerId', Uint8Array>>;

  constructor(columns: LineColumns) {
    const { invoiceNo, lineId, customerId } = columns;
    this.#columns = columns;
    this.#isKey = {
      invoiceNo: keysOf(invoiceNo, (text) => text !== null && isText(text, lineLimits.invoiceNoBytesMax)),
      lineId: keysOf(lineId, (text) => text !== null && isText(text, lineLimits.lineIdBytesMax)),
      customerId: keysOf(customerId, (text) => text === null || isText(text, lineLimits.customerIdBytesMax)),
    };
  }

  /** @throws unusable_record */
  assert(index: number): void {
    const { invoiceNo, lineId, customerId, date, quantity, priceE4 } = this.#columns;
    const day = date[index] ?? Number.NaN;
    const count = quantity[index] ?? Number.NaN;
    const price = priceE4[index] ?? Number.NaN;
    const storable =
      this.#isKey.invoiceNo[codeAt(invoiceNo, index)] === 1 &&
      this.#isKey.lineId[codeAt(lineId, index)] === 1 &&
      this.#isKey.customerId[codeAt(customerId, index)] === 1 &&
      Number.isInteger(day) &&
      day >= DATE_MIN &&
      day < DATE_END &&
      Number.isInteger(count) &&
      Math.abs(count) <= lineLimits.quantityMax &&
      Number.isInteger(price) &&
      Math.abs(price) <= PRICE_E4_MAX &&
      Math.abs(count * price) <= AMOUNT_E4_MAX;
    if (!storable) throw unusable(lineAt(this.#columns, index));
  }
}

function keysOf({ values }: TextColumn, isKey: (text: string | null) => boolean): Uint8Array {
  return Uint8Array.from(values, (text) => (isKey(text) ? 1 : 0));
}

/** @throws invoice_too_large */
export function assertLineCount(invoiceNo: string, lineCount: number): void {
  const max = lineLimits.linesPerInvoiceMax;
  if (lineCount <= max) return;
  throw new TillstreamError(
    'invoice_too_large',
    `Invoice ${invoiceNo} would have ${lineCount} lines; ${max} are kept.`,
  );
}

export function isText(text: string, lengthMax: number): boolean {
  return text !== '' && text.length <= lengthMax && !text.includes('\u0000');
}
