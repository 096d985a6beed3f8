// A fingerprint of many lines that does not depend on their order: how stores are proved to agree.
//
// Every store computes it in its own way (JavaScript here, SQL in the warehouse); the definition is this file:
// the text of a line is its fields joined by U+001F, null as U+001E (neither can be in a field), the price in whole
// ten-thousandths; its hash is the first 15 hexadecimal digits of the text's MD5 as a number (60 bits: fits a BIGINT of
// DuckDB, PostgreSQL and Redshift); a day's hash is the sum of its lines' hashes.
import { createHash } from 'node:crypto';
import type { Line } from './line.ts';
import { amountE4, toE4 } from './money.ts';

/** All lines of one day, by the lines' own date. */
export interface DayDigest {
  /** `2010-12-01` */
  readonly day: string;
  readonly lines: number;
  readonly amountE4: bigint;
  readonly hash: bigint;
}

const SEPARATOR = '\u001f';
const NULL = '\u001e';

function digestText(line: Line): string {
  return [
    line.invoiceNo,
    line.lineId,
    line.stockCode,
    line.description ?? NULL,
    line.quantity,
    line.invoiceDate,
    toE4(line.unitPrice),
    line.customerId ?? NULL,
    line.country,
  ].join(SEPARATOR);
}

export function lineHash(line: Line): bigint {
  return BigInt(`0x${createHash('md5').update(digestText(line)).digest('hex').slice(0, 15)}`);
}

/** Adds lines up by day. Memory: one entry a day. */
export class DigestBuilder {
  readonly #days = new Map<string, { lines: number; amountE4: bigint; hash: bigint }>();

  add(line: Line): void {
    const day = line.invoiceDate.slice(0, 10);
    let sum = this.#days.get(day);
    if (sum === undefined) {
      sum = { lines: 0, amountE4: 0n, hash: 0n };
      this.#days.set(day, sum);
    }
    sum.lines += 1;
    sum.amountE4 += BigInt(amountE4(line));
    sum.hash += lineHash(line);
  }

  /** In order of the day. */
  days(): DayDigest[] {
    return [...this.#days].map(([day, sum]) => ({ day, ...sum })).sort((a, b) => (a.day < b.day ? -1 : 1));
  }
}

export interface Totals {
  readonly lines: number;
  readonly amountE4: bigint;
}

export function totalsOf(days: readonly DayDigest[]): Totals {
  let lines = 0;
  let amount = 0n;
  for (const day of days) {
    lines += day.lines;
    amount += day.amountE4;
  }
  return { lines, amountE4: amount };
}

/** The first day on which two stores differ; null when they agree. */
export function firstDifference(
  expected: readonly DayDigest[],
  actual: readonly DayDigest[],
): { day: string; expected: DayDigest | null; actual: DayDigest | null } | null {
  const byDay = new Map(actual.map((digest) => [digest.day, digest]));
  const days = [...new Set([...expected, ...actual].map(({ day }) => day))].sort();
  const wanted = new Map(expected.map((digest) => [digest.day, digest]));
  for (const day of days) {
    const a = wanted.get(day) ?? null;
    const b = byDay.get(day) ?? null;
    if (a === null || b === null || a.lines !== b.lines || a.amountE4 !== b.amountE4 || a.hash !== b.hash) {
      return { day, expected: a, actual: b };
    }
  }
  return null;
}
