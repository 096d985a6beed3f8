// The questions, and what they are asked in tests.
import { readdirSync, readFileSync } from 'node:fs';
import type { SqlParameter } from '../../src/stores/warehouse/warehouse.ts';

const QUERIES = new URL('../../src/stores/warehouse/queries/', import.meta.url);

export function queryNames(): string[] {
  return readdirSync(QUERIES)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length));
}

export function queryText(name: string): string {
  return readFileSync(new URL(`${name}.sql`, QUERIES), 'utf8');
}

const PERIODS = ['hour', 'day', 'month', 'year'];
const RANGES: [string | null, string | null][] = [
  [null, null],
  ['2011-02-01', '2011-05-01'],
  ['2011-03-05T10:00:00', null],
  [null, '2010-12-02T00:00:01'],
  ['2050-01-01', null],
];

/** Every question with bounds and without; a question that is missing here fails a test. */
export const ASKED: Record<string, SqlParameter[][]> = {
  sales: PERIODS.flatMap((by) =>
    RANGES.flatMap(([from, to]) => [null, 'Côte d’Ivoire', 'Nowhere'].map((country) => [by, from, to, country])),
  ),
  products: ['units', 'revenue'].flatMap((rank) =>
    RANGES.flatMap(([from, to]) => [1, 7, 1000].map((limit) => [rank, from, to, limit])),
  ),
  products_by_period: PERIODS.flatMap((by) =>
    ['units', 'revenue'].flatMap((rank) => RANGES.map(([from, to]) => [by, rank, from, to, 3])),
  ),
  invoices: ['highest', 'lowest'].flatMap((order) => [1, 10, 1000].map((limit) => [order, limit])),
};
