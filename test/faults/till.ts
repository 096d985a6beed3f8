// A till of a shop that trusts nobody: it remembers every line that was acknowledged, sends again what was not answered,
// and can say afterwards what every store must hold.
//
// One connection, one request at a time, invoices of its own: so between two forms of a line the one sent later is newer.
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'undici';
import type { Dice } from '../support/seed.ts';

/** What was sent of a line, as a request has it. */
export interface SentLine {
  readonly InvoiceNo: string;
  readonly LineNo: number;
  readonly StockCode: string;
  readonly Description: string;
  readonly Quantity: number;
  readonly InvoiceDate: string;
  readonly UnitPrice: number;
  readonly CustomerID: string | null;
  readonly Country: string;
}

export interface Remembered {
  /** Newest form that was acknowledged; null: none yet. */
  readonly acknowledged: SentLine | null;
  /** A newer form without an answer: it may be there or not. */
  readonly unanswered: SentLine | null;
}

interface Request {
  readonly lines: readonly SentLine[];
  readonly ndjson: boolean;
}

/** Beyond it a till mostly corrects: what a check has to read stays bounded however long the test goes on. */
const INVOICES_MAX = 100;
const LINES_AN_INVOICE_MAX = 60;
const LINES_A_REQUEST_MAX = 40;

export class Till {
  /** By `invoiceNo lineId`. */
  readonly memory = new Map<string, Remembered>();
  /** Codes of the 503s it was given, with the seconds after which to come back. */
  readonly refusals = new Map<string, number>();
  readonly #name: string;
  readonly #dice: Dice;
  readonly #invoices: { readonly invoiceNo: string; lines: number }[] = [];
  #forms = 0;
  #unanswered: Request | null = null;

  constructor(name: string, dice: Dice) {
    this.#name = name;
    this.#dice = dice;
  }

  /** Sends until the platform is gone, or until `enough` says so and nothing is without an answer. */
  async sell(url: string, enough: () => boolean): Promise<void> {
    const client = new Client(url);
    try {
      while (this.#unanswered !== null || !enough()) {
        const request = this.#unanswered ?? this.#newRequest();
        this.#unanswered = request;
        if (await this.#send(client, request)) this.#unanswered = null;
        else await pause(50);
        await pause(this.#dice.between(0, 4));
      }
    } catch {
      // The platform is gone, perhaps in the middle of an answer. What it said before counts, what it did not is sent again.
    } finally {
      await client.destroy();
    }
  }

  /** Answers whether it was acknowledged; throws when the connection breaks. */
  async #send(client: Client, { lines, ndjson }: Request): Promise<boolean> {
    const { statusCode, headers, body } = await client.request({
      method: 'POST',
      path: '/v1/transactions',
      headers: { 'content-type': ndjson ? 'application/x-ndjson' : 'application/json' },
      body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    });
    const answer = (await body.json()) as { accepted?: number; code?: string };
    if (statusCode === 503) {
      this.refusals.set(answer.code ?? '', Number(headers['retry-after']));
      return false;
    }
    if (statusCode !== 202) throw new Error(`The platform answers ${statusCode}: ${JSON.stringify(answer)}`);
    // Part of it may have been refused with try_again: all of it is sent again then.
    if (answer.accepted !== lines.length) return false;
    for (const line of lines) this.memory.set(keyOf(line), { acknowledged: line, unanswered: null });
    return true;
  }

  #newRequest(): Request {
    const ndjson = this.#dice.next() < 0.4;
    const count = ndjson ? this.#dice.between(1, LINES_A_REQUEST_MAX) : 1;
    const lines = Array.from({ length: count }, () => this.#newLine());
    // Of two forms of a line in one request the later one is newer: it is the one that must be found.
    for (const line of lines) {
      const key = keyOf(line);
      this.memory.set(key, { acknowledged: this.memory.get(key)?.acknowledged ?? null, unanswered: line });
    }
    return { lines, ndjson };
  }

  /** A line of a new invoice, another one of an invoice there is, or a correction. */
  #newLine(): SentLine {
    const dice = this.#dice;
    const roll = dice.next();
    let invoice = this.#invoices[dice.between(0, Math.max(0, this.#invoices.length - 1))];
    if (invoice === undefined || (roll < 0.1 && this.#invoices.length < INVOICES_MAX)) {
      const cancellation = dice.next() < 0.15 ? 'C' : '';
      invoice = { invoiceNo: `${cancellation}${this.#name}${this.#invoices.length + 1}`, lines: 0 };
      this.#invoices.push(invoice);
    }
    const another = invoice.lines === 0 || (roll < 0.75 && invoice.lines < LINES_AN_INVOICE_MAX);
    if (another) invoice.lines += 1;
    this.#forms += 1;
    return {
      InvoiceNo: invoice.invoiceNo,
      LineNo: another ? invoice.lines : dice.between(1, invoice.lines),
      StockCode: `P${dice.between(1, 500)}`,
      Description: `form ${this.#forms} of till ${this.#name}`,
      Quantity: invoice.invoiceNo.startsWith('C') ? -dice.between(1, 50) : dice.between(1, 50),
      // A correction may move a line to another day and, with its invoice, to another customer.
      InvoiceDate: `2011-0${dice.between(1, 9)}-1${dice.between(0, 9)}T1${dice.between(0, 9)}:30:00`,
      UnitPrice: dice.between(0, 99_999) / 10_000,
      CustomerID: dice.next() < 0.25 ? null : String(dice.between(10_000, 10_050)),
      Country: dice.next() < 0.9 ? 'United Kingdom' : 'France',
    };
  }
}

export function keyOf({ InvoiceNo, LineNo }: SentLine): string {
  return `${InvoiceNo} ${String(LineNo).padStart(6, '0')}`;
}
