// Lenient at the door, canonical inside: one object of a sender → a canonical line, or the reason it cannot be one.
//
// Pure and total: no input makes it throw. Reading a canonical line gives the same line (normalising is idempotent).
// Identity is not decided here: see ingest/identify.ts.
import { type Field, fieldOf } from './columns.ts';
import { type DateOrder, readDate } from './dates.ts';
import type { ErrorCode, Refusal } from './errors.ts';
import { type Extra, type Line, lineLimits as limits } from './line.ts';
import { amountE4, toE4 } from './money.ts';
import { Remembered } from './remembered.ts';
import { cut, jsonOf, shown } from './shown.ts';

export interface ReadLine {
  /** `lineId` is empty when the sender gave none. */
  readonly line: Line;
  readonly extra: Extra | undefined;
}

export type ReadResult = ReadLine | { readonly refusal: Refusal };

/** Control characters, and halves of surrogate pairs: what UTF-8 or a store could not give back as it came. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: most texts have none of them, and are asked nothing more
const SUSPECT = /[\u0000-\u001f\u007f\ud800-\udfff]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what is refused in every text but a description
const CONTROL = /[\u0000-\u001f\u007f]/;
/** A description may hold line breaks and tabs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: what is refused in a description
const CONTROL_IN_PROSE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** JSON.stringify escapes a half of a surrogate pair and nothing else so; DuckDB's reader refuses it. */
const LONE_SURROGATE = /(?:^|[^\\])(?:\\\\)*\\ud[89a-f]/;

const WHOLE = /^[+-]?\d{1,15}(?:\.0*)?$/;
const DECIMAL = /^[+-]?(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})$/;

/**
 * Reads lines, one after the other. Lines that come together have the same columns and share most of their keys and dates,
 * so the last of each is remembered: with it the rows of the real data set are read in 1.0 µs each, without it in 2.5.
 */
export class LineReader {
  readonly #timeZone: string;
  readonly #dateOrder: DateOrder | null | undefined;
  /** Names of the columns of the line before, and what they mean. */
  readonly #names: string[] = [];
  readonly #fields: (Field | undefined)[] = [];
  readonly #invoiceNo = new Remembered();
  readonly #customer = new Remembered();
  readonly #country = new Remembered();
  readonly #wallClock = new Remembered();
  /** Set by the readers of single fields. */
  #refusal: Refusal | null = null;

  /**
   * @param timeZone IANA name of the zone that dates with an offset are converted to
   * @param dateOrder of a file, see readDate(); left out: as the door has it
   */
  constructor(timeZone: string, dateOrder?: DateOrder | null) {
    this.#timeZone = timeZone;
    this.#dateOrder = dateOrder;
  }

  read(input: unknown): ReadResult {
    if (typeof input !== 'object' || input === null || Array.isArray(input)) return { refusal: notAnObject(input) };
    this.#refusal = null;
    const line: Line = {
      invoiceNo: '',
      lineId: '',
      stockCode: '',
      description: null,
      quantity: 0,
      invoiceDate: '',
      unitPrice: 0,
      customerId: null,
      country: '',
    };
    const object = input as Readonly<Record<string, unknown>>;
    let extra: Record<string, unknown> | undefined;
    let column = 0;
    let given = 0;
    for (const name in object) {
      const field = this.#fieldAt(column, name);
      column += 1;
      const value = object[name];
      if (field === undefined || field === 'extra') {
        extra = keep(extra, field, name, value);
        continue;
      }
      const bit = BITS[field];
      if ((given & bit) !== 0) return { refusal: this.#duplicate(object, field, name) };
      given |= bit;
      this.#readField(line, field, name, value);
      if (this.#refusal !== null) return { refusal: this.#refusal };
    }
    if ((given & REQUIRED_BITS) !== REQUIRED_BITS) return { refusal: missing(given) };
    this.#checkWhole(line, extra);
    if (this.#refusal !== null) return { refusal: this.#refusal };
    return { line, extra };
  }

  #fieldAt(column: number, name: string): Field | undefined {
    if (this.#names[column] === name) return this.#fields[column];
    const field = fieldOf(name);
    if (column < COLUMNS_REMEMBERED_MAX) {
      this.#names[column] = name;
      this.#fields[column] = field;
    }
    return field;
  }

  #readField(line: Line, field: Exclude<Field, 'extra'>, name: string, value: unknown): void {
    switch (field) {
      case 'invoiceNo':
        line.invoiceNo = this.#invoiceNo.last(value) ?? this.#readInvoiceNo(name, value);
        break;
      case 'lineId':
        line.lineId = this.#lineId(name, value);
        break;
      case 'stockCode':
        line.stockCode = this.#key(name, value, limits.stockCodeBytesMax, 'invalid_stock_code');
        break;
      case 'description':
        line.description = this.#description(name, value);
        break;
      case 'quantity':
        line.quantity = this.#quantity(name, value);
        break;
      case 'invoiceDate':
        line.invoiceDate = this.#wallClock.last(value) ?? this.#readDate(name, value);
        break;
      case 'unitPrice':
        line.unitPrice = this.#price(name, value);
        break;
      case 'customerId':
        line.customerId = value === null ? null : (this.#customer.last(value) ?? this.#readCustomerId(name, value));
        break;
      case 'country':
        line.country = this.#country.last(value) ?? this.#readCountry(name, value);
        break;
    }
  }

  #readInvoiceNo(name: string, value: unknown): string {
    const key = this.#key(name, value, limits.invoiceNoBytesMax, 'invalid_invoice_no');
    return this.#invoiceNo.keep(value, key);
  }

  #readCountry(name: string, value: unknown): string {
    const key = this.#key(name, value, limits.countryBytesMax, 'invalid_country', false);
    return this.#country.keep(value, key);
  }

  /** What can only be said of the whole line: the amount, the size of what is kept beside. */
  #checkWhole(line: Line, extra: Record<string, unknown> | undefined): void {
    if (Math.abs(amountE4(line)) > toE4(limits.amountMax)) {
      const amount = shown(line.quantity * line.unitPrice);
      const message = `Quantity × UnitPrice is ${amount}; expected at most 100,000,000,000 either way.`;
      this.#refusal = { code: 'amount_too_large', field: null, value: amount, message };
    } else if (extra !== undefined) {
      this.#checkExtra(extra);
    }
  }

  #duplicate(object: Readonly<Record<string, unknown>>, field: Field, name: string): Refusal {
    const other = Object.keys(object).find((key) => fieldOf(key) === field) ?? name;
    return {
      code: 'duplicate_field',
      field: cut(name),
      value: shown(object[name]),
      message: `${cut(other)} and ${cut(name)} mean the same field; give one of them.`,
    };
  }

  #checkExtra(extra: Record<string, unknown>): void {
    const first = Object.keys(extra)[0] ?? 'extra';
    const json = jsonOf(extra);
    if (json === null || !isWithin(json, limits.extraBytesMax)) {
      const expected = `additional fields of at most ${limits.extraBytesMax} bytes of JSON altogether`;
      this.#refuse('extra_too_large', first, extra[first], expected);
    } else if (LONE_SURROGATE.test(json)) {
      this.#refuse('invalid_extra', first, extra[first], 'additional fields of valid Unicode text');
    }
  }

  /** A text by which things are found: no control characters, no blanks around it, bounded. Numbers are taken as text. */
  #key(name: string, value: unknown, bytesMax: number, code: ErrorCode, numbers = true): string {
    if (typeof value === 'number' && numbers) {
      if (Number.isSafeInteger(value) && value >= 0) return String(value);
    } else if (typeof value === 'string') {
      const text = value.trim();
      if (text !== '' && isClean(text, CONTROL) && isWithin(text, bytesMax)) return text;
    }
    this.#refuse(
      code,
      name,
      value,
      `${numbers ? 'text or a whole number' : 'text'} of 1 to ${bytesMax} bytes without control characters`,
    );
    return '';
  }

  #lineId(name: string, value: unknown): string {
    if (value === null || value === '') return '';
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return paddedNumber(value);
    if (typeof value === 'string') {
      const text = value.trim();
      if (/^\d+$/.test(text) && isWithin(text, limits.lineIdBytesMax)) return padded(text);
      if (text !== '' && isClean(text, CONTROL) && isWithin(text, limits.lineIdBytesMax)) return text;
    }
    this.#refuse(
      'invalid_line_id',
      name,
      value,
      `a whole number from 0, or text of 1 to ${limits.lineIdBytesMax} bytes without control characters`,
    );
    return '';
  }

  #description(name: string, value: unknown): string | null {
    if (value === null) return null;
    const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : undefined;
    if (text === '') return null;
    if (text !== undefined && isClean(text, CONTROL_IN_PROSE) && isWithin(text, limits.descriptionBytesMax))
      return text;
    this.#refuse(
      'invalid_description',
      name,
      value,
      `text of at most ${limits.descriptionBytesMax} bytes without control characters other than line breaks and tabs, empty or null`,
    );
    return null;
  }

  #readCustomerId(name: string, value: unknown): string | null {
    const id = typeof value === 'string' ? customerIdOf(value) : value;
    if (id === '') return null;
    return this.#customer.keep(value, this.#key(name, id, limits.customerIdBytesMax, 'invalid_customer_id'));
  }

  #quantity(name: string, value: unknown): number {
    const number =
      typeof value === 'number' ? value : typeof value === 'string' && WHOLE.test(value.trim()) ? Number(value) : NaN;
    if (Number.isInteger(number) && Math.abs(number) <= limits.quantityMax) return number + 0;
    this.#refuse('invalid_quantity', name, value, 'a whole number from -10,000,000 to 10,000,000');
    return 0;
  }

  #price(name: string, value: unknown): number {
    const number =
      typeof value === 'number' ? value : typeof value === 'string' && DECIMAL.test(value.trim()) ? Number(value) : NaN;
    // With at most four decimals the number is the double nearest to its ten-thousandths, and only then.
    if (Math.abs(number) <= limits.unitPriceMax && toE4(number) / 10_000 === number) return number + 0;
    this.#refuse(
      'invalid_price',
      name,
      value,
      'a number from -1,000,000 to 1,000,000 with a decimal point and at most four decimals',
    );
    return 0;
  }

  #readDate(name: string, value: unknown): string {
    const wallClock = typeof value === 'string' ? readDate(value.trim(), this.#timeZone, this.#dateOrder) : null;
    if (wallClock !== null) return this.#wallClock.keep(value, wallClock);
    const numbers = { 'month-first': 'M/D/YYYY H:MM or ', 'day-first': 'D/M/YYYY H:MM or ' };
    const expected = `${this.#dateOrder === null ? '' : numbers[this.#dateOrder ?? 'month-first']}ISO 8601 (YYYY-MM-DDTHH:MM:SS), from ${limits.yearMin} to ${limits.yearMax}`;
    this.#refuse('invalid_date', name, value, expected);
    return '';
  }

  #refuse(code: ErrorCode, field: string, value: unknown, expected: string): void {
    this.#refusal ??= {
      code,
      field: cut(field),
      value: shown(value),
      message: `${cut(field)} is ${shown(value)}; expected ${expected}.`,
    };
  }
}

/** Empty: nobody. Spreadsheets make 17850.0 of 17850, where a column has gaps. */
export function customerIdOf(text: string): string {
  const id = text.trim();
  return /^\d+\.0+$/.test(id) ? id.slice(0, id.indexOf('.')) : id;
}

/** More columns than a line has; a sender can invent any number. */
const COLUMNS_REMEMBERED_MAX = 32;

const BITS: Readonly<Record<Exclude<Field, 'extra'>, number>> = {
  invoiceNo: 1,
  stockCode: 2,
  quantity: 4,
  invoiceDate: 8,
  unitPrice: 16,
  country: 32,
  lineId: 64,
  description: 128,
  customerId: 256,
};

const REQUIRED: readonly (readonly [Exclude<Field, 'extra'>, string])[] = [
  ['invoiceNo', 'InvoiceNo'],
  ['stockCode', 'StockCode'],
  ['quantity', 'Quantity'],
  ['invoiceDate', 'InvoiceDate'],
  ['unitPrice', 'UnitPrice'],
  ['country', 'Country'],
];
const REQUIRED_BITS = REQUIRED.reduce((bits, [field]) => bits | BITS[field], 0);

const NEEDED = 'InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice and Country';

function missing(given: number): Refusal {
  const [, name] = REQUIRED.find(([field]) => (given & BITS[field]) === 0) ?? ['', 'A field'];
  return {
    code: 'missing_field',
    field: name,
    value: null,
    message: `${name} is missing; every line needs ${NEEDED}.`,
  };
}

function notAnObject(input: unknown): Refusal {
  return {
    code: 'not_an_object',
    field: null,
    value: shown(input),
    message: `The line is ${shown(input) ?? 'missing'}; expected a JSON object with ${NEEDED}.`,
  };
}

/** Digits → at least six of them, so that numbered lines order as text. */
function padded(digits: string): string {
  return digits.replace(/^0+(?=\d)/, '').padStart(6, '0');
}

/** The same of a whole number. */
function paddedNumber(value: number): string {
  return value < 1_000_000 ? String(value + 1_000_000).slice(1) : String(value);
}

function isClean(text: string, control: RegExp): boolean {
  return !SUSPECT.test(text) || (!control.test(text) && text.isWellFormed());
}

function isWithin(text: string, bytesMax: number): boolean {
  return text.length * 3 <= bytesMax || (text.length <= bytesMax && Buffer.byteLength(text) <= bytesMax);
}

/** Adds an unknown field; the members of an object under `extra` (a line of the lake, sent again) one by one. */
function keep(
  extra: Record<string, unknown> | undefined,
  field: Field | undefined,
  name: string,
  value: unknown,
): Record<string, unknown> | undefined {
  if (field === 'extra' && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const members = Object.entries(value);
    let all = extra;
    for (const [member, memberValue] of members) all = keep(all, undefined, member, memberValue);
    return all;
  }
  // No prototype: a field named `__proto__` is a field like any other.
  const all: Record<string, unknown> = extra ?? Object.create(null);
  all[name] = value;
  return all;
}
