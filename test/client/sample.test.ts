import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tryNextInSample } from '../../src/cli/sample.ts';
import { type CsvRow, csvRows, openCsv } from '../../src/client/csv-rows.ts';
import { generateRows, type SampleRow } from '../../src/client/sample/year.ts';
import { sampleCsv } from '../../src/client/sample-csv.ts';
import { readDate } from '../../src/model/dates.ts';
import { isTillstreamError } from '../../src/model/errors.ts';
import { isAdjustment, isCancellation } from '../../src/model/invoice.ts';
import { dataset } from '../support/dataset.ts';

const REAL_LINES = 541_909;

interface Row {
  readonly invoiceNo: string;
  readonly stockCode: string;
  readonly description: string;
  readonly quantity: number;
  readonly invoiceDate: string;
  readonly unitPrice: number;
  readonly customerId: string;
  readonly country: string;
}

/** What makes a year of this shop: shares, and counts where the number of lines is that of the real data set. */
function shapeOf(rows: Iterable<Row>) {
  const invoices = new Map<string, { lines: number; hour: number; customerId: string; dates: Set<string> }>();
  const products = new Map<string, number>();
  const seen = new Set<string>();
  const count = {
    lines: 0,
    guest: 0,
    undescribed: 0,
    free: 0,
    negative: 0,
    repeated: 0,
    home: 0,
    saturday: 0,
    sunday: 0,
    autumn: 0,
  };
  let date = '';
  let at = new Date(0);
  const countries = new Set<string>();
  const customers = new Map<string, number>();
  for (const row of rows) {
    if (row.invoiceDate !== date) {
      date = row.invoiceDate;
      at = new Date(`${readDate(date, 'UTC')}Z`);
    }
    count.lines += 1;
    if (row.customerId === '') count.guest += 1;
    if (row.description === '') count.undescribed += 1;
    if (row.unitPrice === 0) count.free += 1;
    if (row.quantity < 0) count.negative += 1;
    if (row.country === 'United Kingdom') count.home += 1;
    if (at.getUTCDay() === 6) count.saturday += 1;
    if (at.getUTCDay() === 0) count.sunday += 1;
    if (at.getUTCMonth() >= 8 && at.getUTCMonth() <= 10) count.autumn += 1;
    const { invoiceNo, stockCode, quantity, unitPrice, invoiceDate } = row;
    const text = `${invoiceNo}|${stockCode}|${quantity}|${unitPrice}|${invoiceDate}`;
    if (seen.has(text)) count.repeated += 1;
    else seen.add(text);
    countries.add(row.country);
    products.set(row.stockCode, (products.get(row.stockCode) ?? 0) + 1);
    let invoice = invoices.get(row.invoiceNo);
    if (invoice === undefined) {
      const { customerId } = row;
      invoice = { lines: 0, hour: at.getUTCHours(), customerId, dates: new Set() };
      invoices.set(row.invoiceNo, invoice);
      if (customerId !== '') customers.set(customerId, (customers.get(customerId) ?? 0) + 1);
    }
    invoice.lines += 1;
    invoice.dates.add(row.invoiceDate);
  }
  const all = [...invoices.values()];
  const share = (part: number) => part / count.lines;
  const shareOfInvoices = (is: (invoice: (typeof all)[number], no: string) => boolean) =>
    [...invoices].filter(([no, invoice]) => is(invoice, no)).length / invoices.size;
  const sizes = all.map(({ lines }) => lines).sort((a, b) => a - b);
  const popular = [...products.values()].sort((a, b) => b - a);
  const visits = [...customers.values()].sort((a, b) => a - b);
  return {
    linesPerInvoice: count.lines / invoices.size,
    medianInvoice: sizes[sizes.length >> 1] ?? 0,
    invoicesOver100Lines: shareOfInvoices(({ lines }) => lines > 100),
    largestInvoice: sizes.at(-1) ?? 0,
    cancellations: shareOfInvoices((_, no) => no.startsWith('C')),
    adjustments: [...invoices.keys()].filter((no) => no.startsWith('A')).length,
    linesOfGuests: share(count.guest),
    undescribed: share(count.undescribed),
    free: share(count.free),
    negative: share(count.negative),
    repeated: share(count.repeated),
    home: share(count.home),
    countries: countries.size,
    customers: customers.size,
    invoicesOfMedianCustomer: visits[visits.length >> 1] ?? 0,
    invoicesOfBusiestPercent:
      visits.slice(-Math.ceil(visits.length / 100)).reduce((sum, n) => sum + n, 0) / invoices.size,
    products: products.size,
    linesOf100Products: share(popular.slice(0, 100).reduce((sum, n) => sum + n, 0)),
    linesOf1000Products: share(popular.slice(0, 1000).reduce((sum, n) => sum + n, 0)),
    saturdays: share(count.saturday),
    sundays: share(count.sunday),
    autumn: share(count.autumn),
    hours: [Math.min(...all.map(({ hour }) => hour)), Math.max(...all.map(({ hour }) => hour))],
    noon: shareOfInvoices(({ hour }) => hour === 12),
    evening: shareOfInvoices(({ hour }) => hour >= 17),
    twoDates: all.filter(({ dates }) => dates.size > 1).length,
  };
}

type Shape = ReturnType<typeof shapeOf>;

/** Value of the real data set, and how far generated data may be from it. */
const expected: {
  readonly [Key in keyof Shape]: Shape[Key] extends number ? readonly [real: number, within: number] : Shape[Key];
} = {
  linesPerInvoice: [20.92, 1],
  medianInvoice: [10, 1],
  invoicesOver100Lines: [0.0236, 0.006],
  largestInvoice: [1_114, 450],
  cancellations: [0.148, 0.01],
  adjustments: [3, 0],
  linesOfGuests: [0.249, 0.015],
  undescribed: [0.0027, 0.0006],
  free: [0.0046, 0.0012],
  negative: [0.0196, 0.002],
  repeated: [0.0097, 0.001],
  home: [0.914, 0.02],
  countries: [38, 0],
  customers: [4_372, 200],
  invoicesOfMedianCustomer: [3, 1],
  invoicesOfBusiestPercent: [0.12, 0.04],
  products: [4_070, 80],
  linesOf100Products: [0.188, 0.02],
  linesOf1000Products: [0.719, 0.02],
  saturdays: [0, 0],
  sundays: [0.119, 0.012],
  autumn: [0.361, 0.03],
  hours: [6, 20],
  noon: [0.153, 0.01],
  evening: [0.069, 0.01],
  twoDates: [43, 25],
};

function expectShape(shape: Shape): void {
  for (const [name, target] of Object.entries(expected) as [keyof Shape, readonly [number, number]][]) {
    if (name === 'hours') expect(shape.hours).toEqual(target);
    else expect([name, Math.abs(shape[name] - target[0]) <= target[1] || shape[name]]).toEqual([name, true]);
  }
}

function* sample(lines: number, seed: number): Generator<Row> {
  for (const { price, ...row } of generateRows({ lines, seed })) yield { ...row, unitPrice: price / 100 };
}

const sha256 = (lines: number, seed: number) => {
  const hash = createHash('sha256');
  for (const piece of sampleCsv({ lines, seed })) hash.update(piece);
  return hash.digest('hex');
};

describe('sample data', () => {
  it('is the same, byte for byte, for the same number of lines and seed, on every machine', () => {
    // Changes only together with a line in the changelog: who replays a sample again counts on it.
    expect(sha256(50_000, 1)).toMatchInlineSnapshot(
      `"2bb549a4ab3bace70402af8819fc9627891a3f2532d5f852e610ff58b9f7bfad"`,
    );
    expect(sha256(50_000, 1)).toBe(sha256(50_000, 1));
    expect(sha256(50_000, 2)).not.toBe(sha256(50_000, 1));
  });

  it.each([1, 2])('has the shape of the real data set (seed %i)', (seed) => {
    expectShape(shapeOf(sample(REAL_LINES, seed)));
  });

  it.skipIf(dataset === null)('has a shape that the real data set has', async () => {
    const rows: Row[] = [];
    const source = await openCsv(dataset ?? '');
    for await (const block of csvRows([source])) {
      for (const { invoiceNo, values } of block.rows) rows.push(realRow(invoiceNo, values));
    }
    expectShape(shapeOf(rows));
    // Shares only: not a single description is taken from it.
    const descriptions = new Set(rows.map(({ description }) => description.toUpperCase()));
    const taken = [...sample(100_000, 1)].filter(({ description }) => descriptions.has(description.toUpperCase()));
    expect([...new Set(taken.map(({ description }) => description))]).toEqual(['']);
  });

  it('has exactly as many lines as asked for, in order of time, for any seed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6_000 }), fc.nat(), (lines, seed) => {
        const dates = [...generateRows({ lines, seed })].map(({ invoiceDate }) => readDate(invoiceDate, 'UTC') ?? '');
        expect(dates.length).toBe(lines);
        expect(dates.findIndex((date, index) => date < (dates[index - 1] ?? ''))).toBe(-1);
      }),
      { numRuns: 25 },
    );
  });

  it('cancels only what the same customer bought before, and not more of it', () => {
    const bought = new Map<string, number>();
    let cancelled = 0;
    for (const row of generateRows({ lines: 60_000, seed: 5 })) {
      const key = `${row.customerId}|${row.country}|${row.stockCode}|${row.price}`;
      if (row.invoiceNo.startsWith('C')) {
        const left = (bought.get(key) ?? 0) + row.quantity;
        if (row.quantity >= 0 || left < 0) expect(row).toEqual('a cancellation of what was bought');
        bought.set(key, left);
        cancelled += 1;
      } else if (row.quantity > 0) {
        bought.set(key, (bought.get(key) ?? 0) + row.quantity);
      }
    }
    expect(cancelled).toBeGreaterThan(500);
  });

  it('is read back by the reader of CSV files as it was made, whatever its descriptions hold', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'tillstream-sample-')), 'sample.csv');
    await writeFile(path, Buffer.concat([...sampleCsv({ lines: 30_000, seed: 9 })]));
    const made = [...generateRows({ lines: 30_000, seed: 9 })];
    const read: CsvRow[] = [];
    for await (const block of csvRows([await openCsv(path)])) read.push(...block.rows);
    expect(read.length).toBe(30_000);
    expect(made.some(({ description }) => /["£É]/.test(description))).toBe(true);
    const different = made.findIndex((row, index) => JSON.stringify(rowOf(read[index])) !== JSON.stringify(row));
    expect(rowOf(read[different])).toEqual(made[different] ?? null);
    expect(await firstBytes(path)).toMatchInlineSnapshot(`
      "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
      600000,37376,ATELIER COPPER LUGGAGE TAG,4,1/2/2025 9:48,2.1,20000,Germany
      600000,83968,OVAL ATELIER ENAMEL EGG TIMER,12,1/2/2025 9:48,0.42,20000,Germany
      600"
    `);
  });

  it('refuses sizes and seeds that cannot be', () => {
    for (const options of [
      { lines: 0, seed: 1 },
      { lines: 1.5, seed: 1 },
      { lines: 1e10, seed: 1 },
      { lines: 1, seed: -1 },
    ]) {
      expect(() => generateRows(options)).toThrow(expect.toSatisfy((error) => isTillstreamError(error, 'wrong_usage')));
    }
  });
});

function realRow(invoiceNo: string, values: readonly string[]): Row {
  const [, stockCode = '', description = '', quantity, invoiceDate = '', price, customerId = '', country = ''] = values;
  return {
    invoiceNo,
    stockCode,
    description,
    quantity: Number(quantity),
    invoiceDate,
    unitPrice: Number(price),
    customerId,
    country,
  };
}

function rowOf(row: CsvRow | undefined): SampleRow | null {
  if (row === undefined) return null;
  const { unitPrice, customerId, country, ...rest } = realRow(row.invoiceNo, row.values);
  return { ...rest, price: Math.round(unitPrice * 100), customerId, country };
}

async function firstBytes(path: string): Promise<string> {
  const chunks = createReadStream(path, { end: 240, encoding: 'latin1' });
  let text = '';
  for await (const chunk of chunks) text += chunk;
  return text;
}

it('the line that `up --sample` proposes to send is an order, of an invoice that the sample does not have', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tillstream-sample-'));
  const csv = Buffer.concat([...sampleCsv({ lines: 25_000, seed: 1 })]).toString('latin1');
  await writeFile(join(directory, 'sample.csv'), csv);
  const adminKey = null;
  const screen = tryNextInSample({ url: 'http://127.0.0.1:8080', dataDirectory: directory, adminKey });
  const invoiceNo = /"InvoiceNo": "(.*?)"/.exec(screen)?.[1] ?? '';
  expect(csv).not.toContain(`\r\n${invoiceNo},`);
  expect([isAdjustment(invoiceNo), isCancellation(invoiceNo), invoiceNo === '']).toEqual([false, false, false]);
});
