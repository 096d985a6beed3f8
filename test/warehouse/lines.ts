// Generated lines with what real data has: cancellations, adjustments, guests, repeats, corrections, edges of every field.
import { type AcceptedLine, compareVersions } from '../../src/model/line.ts';
import { recordLine } from '../../src/model/record.ts';
import type { LoadRecord } from '../../src/stores/warehouse/warehouse.ts';

export type TestLine = AcceptedLine;

/** The same numbers for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const COUNTRIES = ['United Kingdom', 'France', 'EIRE', 'Côte d’Ivoire'] as const;
const DESCRIPTIONS = ['WHITE HANGING HEART', 'WOMEN\'S "BAG"', 'ZINC É', 'a\\b', null] as const;

/** About `count` lines in order of their version, corrections among them, and the newest of each identity. */
export function generateLines(seed: number, count: number): { all: TestLine[]; newest: Map<string, TestLine> } {
  const next = random(seed);
  const below = (limit: number): number => Math.floor(next() * limit);
  const oneOf = <T>(values: readonly [T, ...T[]]): T => values[below(values.length)] ?? values[0];
  const all: TestLine[] = [];
  const newest = new Map<string, TestLine>();
  let invoice = 536_365;
  for (let record = 1; all.length < count; record++) {
    // Now and then an invoice that was there already is sent again, changed.
    const again = next() < 0.1;
    if (!again) invoice += 1;
    const number = again ? 536_365 + below(invoice - 536_364) : invoice;
    const kind = number % 7 === 0 ? 'C' : number % 101 === 0 ? 'A' : '';
    const customerId = next() < 0.25 ? null : String(12_345 + below(60));
    const country = oneOf(COUNTRIES);
    const lines = 1 + below(12);
    const started = Date.UTC(2010, 11, 1) + below(400 * 86_400) * 1000;
    for (let position = 0; position < lines; position++) {
      const stock = below(40);
      const quantity = below(30) - (next() < 0.02 ? 25 : 0);
      const line: TestLine = {
        invoiceNo: kind + String(number),
        lineId: String(position + 1).padStart(6, '0'),
        stockCode: String(20_000 + stock) + (stock % 3 === 0 ? 'A' : ''),
        description: next() < 0.7 ? `PRODUCT ${stock}` : oneOf(DESCRIPTIONS),
        quantity: kind === 'C' ? -quantity : quantity,
        invoiceDate: new Date(started + (next() < 0.02 ? 3_600_000 : 0)).toISOString().slice(0, 19),
        unitPrice: below(200_000) / (next() < 0.1 ? 10_000 : 100) / 10 ** below(2),
        customerId: next() < 0.01 ? null : customerId,
        country,
        receivedAt: 1_700_000_000_000_000 + record * 10,
        sequence: String(record).padStart(16, '0'),
        position,
        source: 'api',
      };
      const exact = { ...line, unitPrice: Math.round(line.unitPrice * 10_000) / 10_000 };
      all.push(exact);
      const identity = `${exact.invoiceNo}\n${exact.lineId}`;
      const known = newest.get(identity);
      if (known === undefined || compareVersions(exact, known) > 0) newest.set(identity, exact);
    }
  }
  return { all, newest };
}

/** As records of the stream: lines of the same sequence are one. */
export function recordsOf(lines: readonly TestLine[]): LoadRecord[] {
  const records = new Map<string, string[]>();
  for (const line of lines) {
    const text = recordLine(line, line.receivedAt, line.position, line.source, undefined);
    const texts = records.get(line.sequence);
    if (texts === undefined) records.set(line.sequence, [text]);
    else texts.push(text);
  }
  return [...records].map(([sequence, texts]) => ({ sequence, data: Buffer.from(texts.join('')) }));
}
