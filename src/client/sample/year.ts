// Sample data: a year of a gift shop that does not exist, shaped like the real data set, the same bytes for the same seed.
//
// In order of time. Cancellations take back lines that were sold before. Memory does not depend on the number of lines
// (a day's invoices are drawn together: 16,000 of them, without their lines, at 50 million lines).
import { TillstreamError } from '../../model/errors.ts';
import { type Buyer, Customers } from './buyers.ts';
import { type TradingDay, tradingDays } from './calendar.ts';
import { makeProducts, type Product, productRanks } from './products.ts';
import { Random } from './random.ts';
import * as shape from './shape.ts';

export interface SampleOptions {
  readonly lines: number;
  /** A whole number from 0. */
  readonly seed: number;
}

/** As a row of the data set. */
export interface SampleRow {
  readonly invoiceNo: string;
  readonly stockCode: string;
  readonly description: string;
  readonly quantity: number;
  /** `11/27/2025 8:26` */
  readonly invoiceDate: string;
  /** Pence. */
  readonly price: number;
  readonly customerId: string;
  readonly country: string;
}

/** Not to be taken for the real data set's, which end at 581587. */
const INVOICE_FIRST = 600_000;
const LINES_MAX = 1_000_000_000;

/** A line that is entered twice, to the letter: 1.3 % of customers' lines. */
const REPEATED_CHANCE = 0.013;
/** A product that comes up again in an invoice, in another quantity. */
const PRODUCT_AGAIN_CHANCE = 0.012;
const BULK_PRICE_CHANCE = 0.15;
const GIFT_CHANCE = 0.000_1;
const POSTAGE_CHANCE = 0.35;
/** Of invoices that are the last in their minute: entered while the clock went on. 43 in the real data set. */
const STRADDLE_CHANCE = 0.003;
const NOTE_CHANCE = 0.31;
const NOTES = ['counted again', 'chipped', 'soaked', 'back on the shelf', 'two too many', 'gone', 'no label'];
const POSTAGE = { stockCode: 'POST', description: 'CARRIAGE, ABROAD', pence: [1_500, 1_800, 1_800, 2_800, 4_000] };

/** Sales that may still be brought back, and how many lines of each. */
const REMEMBERED_MAX = 8_192;
const REMEMBERED_LINES_MAX = 24;

/** One afternoon of the year, a debt is written off, in three goes, as in the real data set. */
const ADJUSTED_ON = '8/12/2025';
const ADJUSTED_AT_MINUTE = 14 * 60 + 50;
const ADJUSTED_PENCE = [934_712, -934_712, -934_712];
const ADJUSTED_LINES_MIN = 10_000;

interface PlannedInvoice {
  readonly kind: shape.InvoiceKind | 'adjustment';
  /** Of the day. */
  readonly minute: number;
  readonly lines: number;
}

const sizes = {
  customer: shape.customerInvoiceLines,
  guest: shape.guestInvoiceLines,
  cancellation: shape.cancellationLines,
};

/** What an invoice's rows have in common. */
interface Head extends Buyer {
  readonly invoiceNo: string;
  readonly invoiceDate: string;
}

/** @throws wrong_usage */
export function generateRows({ lines, seed }: SampleOptions): Generator<SampleRow, void> {
  if (!Number.isSafeInteger(lines) || lines < 1 || lines > LINES_MAX) {
    throw new TillstreamError('wrong_usage', `--lines is ${lines}; expected a whole number from 1 to 1,000,000,000.`);
  }
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new TillstreamError('wrong_usage', `--seed is ${seed}; expected a whole number from 0.`);
  }
  return new SampleYear(lines, seed).rows();
}

class SampleYear {
  readonly #lines: number;
  readonly #random: Random;
  readonly #products: readonly Product[];
  readonly #customers: Customers;
  readonly #remembered: (readonly SampleRow[])[] = [];
  /** Rank → last invoice that has the product, so that it comes once in an invoice. */
  readonly #inInvoice = new Float64Array(shape.PRODUCTS);
  #invoices = 0;
  #made = 0;

  constructor(lines: number, seed: number) {
    this.#lines = lines;
    this.#random = new Random(seed);
    this.#products = makeProducts(this.#random);
    this.#customers = new Customers(this.#random, lines);
  }

  *rows(): Generator<SampleRow, void> {
    for (const day of tradingDays()) {
      const plan = this.#planDay(day);
      for (const [index, invoice] of plan.entries()) {
        yield* this.#upTo(this.#invoice(day, invoice, plan[index + 1]?.minute !== invoice.minute));
        if (this.#made === this.#lines) return;
      }
    }
    // Cancellations may have come out shorter than planned: some last orders on the last evening.
    const lastDay = tradingDays().at(-1);
    while (this.#made < this.#lines && lastDay !== undefined) {
      yield* this.#upTo(this.#invoice(lastDay, { kind: 'customer', minute: 21 * 60, lines: 20 }, false));
    }
  }

  #upTo(rows: SampleRow[]): SampleRow[] {
    if (rows.length > this.#lines - this.#made) rows.length = this.#lines - this.#made;
    this.#made += rows.length;
    return rows;
  }

  /** The invoices of a day, in order of time. What a day falls short of, or has too much, the next one makes up for. */
  #planDay({ date, isSunday, shareUntil }: TradingDay): PlannedInvoice[] {
    const invoices: PlannedInvoice[] = [];
    const hours = isSunday ? shape.sundayHours : shape.weekdayHours;
    for (let planned = this.#made; planned < this.#lines * shareUntil; ) {
      const kind = shape.invoiceKinds.draw(this.#random);
      const lines = this.#size(kind);
      invoices.push({ kind, lines, minute: hours.draw(this.#random) * 60 + this.#random.below(60) });
      planned += lines;
    }
    if (date === ADJUSTED_ON && this.#lines >= ADJUSTED_LINES_MIN) {
      for (const index of ADJUSTED_PENCE.keys()) {
        invoices.push({ kind: 'adjustment', lines: 1, minute: ADJUSTED_AT_MINUTE + index });
      }
    }
    return invoices.sort((a, b) => a.minute - b.minute);
  }

  #size(kind: shape.InvoiceKind): number {
    return kind === 'stocktake' ? 1 : Math.floor(sizes[kind].draw(this.#random));
  }

  #invoice(day: TradingDay, { kind, minute, lines }: PlannedInvoice, isLastOfMinute: boolean): SampleRow[] {
    const sold = kind === 'cancellation' ? this.#forget() : null;
    const number = INVOICE_FIRST + this.#invoices++;
    const invoiceDate = dateText(day, minute);
    if (sold !== null) return this.#cancellation(`C${number}`, invoiceDate, sold, lines);
    if (kind === 'stocktake') return [this.#stocktake(String(number), invoiceDate)];
    if (kind === 'adjustment') return [adjustment(`A${number}`, invoiceDate, minute - ADJUSTED_AT_MINUTE)];
    const buyer =
      kind === 'guest' ? { customerId: '', country: shape.guestCountries.draw(this.#random) } : this.#customers.next();
    const rows = this.#sale({ invoiceNo: String(number), invoiceDate, ...buyer }, lines);
    this.#remember(rows);
    if (isLastOfMinute && rows.length >= 3 && this.#random.chance(STRADDLE_CHANCE)) {
      const later = dateText(day, minute + 1);
      for (let at = 1 + this.#random.below(rows.length - 1); at < rows.length; at += 1) {
        rows[at] = { ...(rows[at] as SampleRow), invoiceDate: later };
      }
    }
    return rows;
  }

  #sale(head: Head, lines: number): SampleRow[] {
    const rows: SampleRow[] = [];
    const isGuest = head.customerId === '';
    while (rows.length < lines) {
      const earlier = rows.length > 0 && !isGuest ? rows[this.#random.below(rows.length)] : undefined;
      if (earlier !== undefined && this.#random.chance(REPEATED_CHANCE)) {
        rows.push({ ...earlier });
      } else if (earlier !== undefined && this.#random.chance(PRODUCT_AGAIN_CHANCE)) {
        rows.push({ ...earlier, quantity: earlier.quantity + 1 + this.#random.below(6) });
      } else {
        rows.push(this.#line(head, this.#otherProduct(), isGuest));
      }
    }
    if (head.country !== shape.HOME && lines > 1 && this.#random.chance(POSTAGE_CHANCE)) {
      const price = POSTAGE.pence[this.#random.below(POSTAGE.pence.length)] ?? 0;
      const { stockCode, description } = POSTAGE;
      rows[rows.length - 1] = lineOf(head, stockCode, description, 1 + this.#random.below(4), price);
    }
    return rows;
  }

  #line(head: Head, product: Product, isGuest: boolean): SampleRow {
    let quantity: number;
    let price: number;
    if (isGuest) {
      quantity = shape.guestQuantities.draw(this.#random);
      price = product.guestPrice;
    } else {
      const band = shape.customerQuantities.find(({ below }) => product.price < below);
      quantity = band?.quantities.draw(this.#random) ?? 1;
      price = product.price;
      const luck = this.#random.unit();
      if (luck < shape.BULK_CHANCE) quantity *= 2 + this.#random.below(shape.BULK_FACTOR_MAX);
      else if (luck < shape.BULK_CHANCE + GIFT_CHANCE) price = 0;
      else if (luck > 1 - BULK_PRICE_CHANCE && quantity >= 10) price = product.bulkPrice;
    }
    return lineOf(head, product.stockCode, product.description, quantity, price);
  }

  /** A product that the invoice does not have yet; the larger the invoice, the further it looks. */
  #otherProduct(): Product {
    let rank = productRanks.draw(this.#random);
    for (let tries = 0; this.#inInvoice[rank] === this.#invoices; tries += 1) {
      rank = tries < 8 ? productRanks.draw(this.#random) : (rank + 1) % shape.PRODUCTS;
    }
    this.#inInvoice[rank] = this.#invoices;
    return this.#products[rank] as Product;
  }

  #stocktake(invoiceNo: string, invoiceDate: string): SampleRow {
    const { stockCode } = this.#products[productRanks.draw(this.#random)] as Product;
    const note = this.#random.chance(NOTE_CHANCE) ? (NOTES[this.#random.below(NOTES.length)] ?? '') : '';
    const quantity = Math.floor(shape.stocktakeQuantity.draw(this.#random)) || 1;
    return lineOf({ invoiceNo, invoiceDate, customerId: '', country: shape.HOME }, stockCode, note, quantity, 0);
  }

  #cancellation(invoiceNo: string, invoiceDate: string, sold: readonly SampleRow[], lines: number): SampleRow[] {
    const count = Math.min(lines, sold.length);
    const first = this.#random.below(sold.length - count + 1);
    return sold.slice(first, first + count).map((row) => {
      const isWhole = row.quantity === 1 || this.#random.chance(0.6);
      const quantity = -(isWhole ? row.quantity : 1 + this.#random.below(row.quantity));
      return { ...row, invoiceNo, invoiceDate, quantity };
    });
  }

  #remember(rows: readonly SampleRow[]): void {
    const kept = rows.slice(0, REMEMBERED_LINES_MAX);
    if (this.#remembered.length < REMEMBERED_MAX) this.#remembered.push(kept);
    else this.#remembered[this.#random.below(REMEMBERED_MAX)] = kept;
  }

  /** A sale to bring back, once; null when there is none yet. */
  #forget(): readonly SampleRow[] | null {
    const last = this.#remembered.pop();
    if (last === undefined) return null;
    const at = this.#random.below(this.#remembered.length + 1);
    const sold = this.#remembered[at];
    if (sold === undefined) return last;
    this.#remembered[at] = last;
    return sold;
  }
}

function lineOf(head: Head, stockCode: string, description: string, quantity: number, price: number): SampleRow {
  const { invoiceNo, invoiceDate, customerId, country } = head;
  return { invoiceNo, stockCode, description, quantity, invoiceDate, price, customerId, country };
}

function adjustment(invoiceNo: string, invoiceDate: string, index: number): SampleRow {
  const head = { invoiceNo, invoiceDate, customerId: '', country: shape.HOME };
  return lineOf(head, 'B', 'Debt written off', 1, ADJUSTED_PENCE[index] ?? 0);
}

function dateText({ date }: TradingDay, minute: number): string {
  const minutes = minute % 60;
  return `${date} ${Math.floor(minute / 60)}:${minutes < 10 ? '0' : ''}${minutes}`;
}
