// Who buys: customers who come again, some of them very often, and new ones all through the year.
import type { Random } from './random.ts';
import { CUSTOMER_INVOICES_OF_REAL, CUSTOMERS_OF_REAL, customersAbroad, HOME } from './shape.ts';

export interface Buyer {
  /** Empty for a guest. */
  readonly customerId: string;
  readonly country: string;
}

/** The real data set has 12346 to 18287: sample data mixed in by mistake can be told apart. */
const CUSTOMER_FIRST = 20_000;

/** Customers' countries repeat after so many, in an order without a pattern: every country is there, in its share. */
const COUNTRY_SLOTS = 2_000;
const COUNTRY_STEP = 1_237;

/** Purchases remembered: enough for a year of the real shop; beyond, old ones are forgotten at random. 4 MB. */
const PURCHASES_MAX = 2 ** 20;

/** Of those who come again, so many are drawn by customer, the rest by purchase: who bought often buys again. */
const EVEN_SHARE = 0.5;

export class Customers {
  readonly #random: Random;
  readonly #countries: string[] = [];
  readonly #newChance: number;
  readonly #purchases: Int32Array;
  #purchaseCount = 0;
  #count = 0;

  constructor(random: Random, lines: number) {
    this.#random = random;
    this.#newChance = CUSTOMERS_OF_REAL / CUSTOMER_INVOICES_OF_REAL;
    this.#purchases = new Int32Array(Math.min(PURCHASES_MAX, Math.ceil(lines)));
    for (const [country, customers] of Object.entries(customersAbroad)) {
      for (let index = 0; index < customers; index += 1) this.#countries.push(country);
    }
    while (this.#countries.length < COUNTRY_SLOTS) this.#countries.push(HOME);
  }

  /** Who comes next. */
  next(): Buyer {
    const customer = this.#pick();
    const at =
      this.#purchaseCount < this.#purchases.length ? this.#purchaseCount : this.#random.below(this.#purchases.length);
    this.#purchases[at] = customer;
    this.#purchaseCount += 1;
    const country = this.#countries[(customer * COUNTRY_STEP) % COUNTRY_SLOTS] ?? HOME;
    return { customerId: String(CUSTOMER_FIRST + customer), country };
  }

  #pick(): number {
    if (this.#count === 0 || this.#random.chance(this.#newChance)) return this.#count++;
    if (this.#random.chance(EVEN_SHARE)) return this.#random.below(this.#count);
    return this.#purchases[this.#random.below(Math.min(this.#purchaseCount, this.#purchases.length))] ?? 0;
  }
}
