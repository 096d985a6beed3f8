// What every warehouse must do: run against each adapter.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type DayDigest, DigestBuilder, totalsOf } from '../../src/model/digest.ts';
import type { Line } from '../../src/model/line.ts';
import { textFromE4 } from '../../src/model/money.ts';
import { parseRecord, recordLine } from '../../src/model/record.ts';
import type { LoadRecord, SqlValue, Warehouse } from '../../src/stores/warehouse/warehouse.ts';
import { random } from '../warehouse/lines.ts';

const SEED = 31_536;
const LIMITS = { rowsMax: 20_000, timeoutMs: 20_000 };

const LINE: Line = {
  invoiceNo: '536365',
  lineId: '000001',
  stockCode: '85123A',
  description: 'WHITE HANGING HEART T-LIGHT HOLDER',
  quantity: 6,
  invoiceDate: '2010-12-01T08:26:00',
  unitPrice: 2.55,
  customerId: '17850',
  country: 'United Kingdom',
};

/** One way a line was sent: `at` is its receivedAt. */
interface Sent extends Partial<Line> {
  readonly at?: number;
  readonly position?: number;
}

function sequenceOf(number: number): string {
  return String(number).padStart(16, '0');
}

function record(number: number, ...sent: readonly Sent[]): LoadRecord {
  const text = sent.map(({ at, position, ...fields }, index) =>
    recordLine({ ...LINE, ...fields }, at ?? 1_700_000_000_000_000 + number, position ?? index, 'api', undefined),
  );
  return { sequence: sequenceOf(number), data: Buffer.from(text.join('')) };
}

/** By the model's own rule. */
function isRecord(sequence: string, data: Buffer): boolean {
  try {
    return parseRecord(sequence, data).length === 1;
  } catch {
    return false;
  }
}

function digestOf(...lines: readonly Partial<Line>[]): DayDigest[] {
  const builder = new DigestBuilder();
  for (const line of lines) builder.add({ ...LINE, ...line });
  return builder.days();
}

export function warehouseContract(name: string, open: (directory: string) => Promise<Warehouse>): void {
  describe(`warehouse (${name})`, () => {
    let directory: string;
    let warehouse: Warehouse;

    beforeEach(async () => {
      directory = await mkdtemp(path.join(tmpdir(), 'tillstream-warehouse-'));
      warehouse = await open(directory);
    });

    afterEach(async () => {
      await warehouse.close();
      await rm(directory, { recursive: true, force: true });
    });

    async function rows(sql: string): Promise<readonly (readonly SqlValue[])[]> {
      return (await warehouse.select(sql, LIMITS)).rows;
    }

    test('a line is there when load() resolves, every field of it', async () => {
      await warehouse.load([record(7, LINE)]);
      const answer = await warehouse.select(
        `SELECT invoice_no, line_id, stock_code, description, quantity, invoice_date, unit_price, customer_id, country,
           amount, is_cancellation, is_adjustment, received_at, sequence, position, source FROM sales`,
        LIMITS,
      );
      expect(answer.rows).toEqual([
        [
          '536365',
          '000001',
          '85123A',
          'WHITE HANGING HEART T-LIGHT HOLDER',
          6,
          '2010-12-01T08:26:00',
          '2.5500',
          '17850',
          'United Kingdom',
          '15.3000',
          false,
          false,
          '2023-11-14T22:13:20.000007',
          '0000000000000007',
          0,
          'api',
        ],
      ]);
    });

    test('text comes through as it was: quotes, backslashes, other scripts, braces, nulls', async () => {
      const lines: Partial<Line>[] = [
        { lineId: 'quoted "x" \\ {"sequence":"9"}', description: null, customerId: null },
        { lineId: 'k:Ünïcode-😀', description: "'); DROP TABLE sales; --", country: 'Österreich' },
        { lineId: '01J', description: 'a\tb\u2028c', stockCode: 'null', customerId: 'null' },
      ];
      await warehouse.load([record(1, ...lines)]);
      expect((await warehouse.digest()).days).toEqual(digestOf(...lines));
    });

    test('of two versions the newer stands, in whichever order they come', async () => {
      const older: Sent = { at: 1_000, quantity: 1 };
      const newer: Sent = { at: 2_000, quantity: 2 };
      await warehouse.load([record(1, { ...older, lineId: '000001' })]);
      await warehouse.load([record(2, { ...newer, lineId: '000001' })]);
      await warehouse.load([record(3, { ...newer, lineId: '000002' })]);
      await warehouse.load([record(4, { ...older, lineId: '000002' })]);
      expect(await rows('SELECT line_id, quantity FROM sales ORDER BY line_id')).toEqual([
        ['000001', 2],
        ['000002', 2],
      ]);
    });

    test('of two versions in one batch the newer alone goes in, whether the line is new or known', async () => {
      const batch = [record(5, { at: 2_000, quantity: 2 }), record(6, { at: 1_000, quantity: 1 })];
      await warehouse.load(batch);
      expect(await rows('SELECT quantity FROM sales')).toEqual([[2]]);
      await warehouse.load([record(8, { at: 3_000, quantity: 3 }), record(7, { at: 4_000, quantity: 4 })]);
      expect(await rows('SELECT quantity FROM sales')).toEqual([[4]]);
    });

    test('versions of the same microsecond are told apart by sequence, then by position', async () => {
      await warehouse.load([record(11, { at: 1_000, quantity: 11 })]);
      await warehouse.load([record(10, { at: 1_000, quantity: 10 })]);
      expect(await rows('SELECT quantity FROM sales')).toEqual([[11]]);
      await warehouse.load([
        record(11, { at: 1_000, quantity: 12, position: 9 }, { at: 1_000, quantity: 13, position: 5 }),
      ]);
      expect(await rows('SELECT quantity FROM sales')).toEqual([[12]]);
    });

    test('the same batch again, whole or in part, counts once', async () => {
      const batch = [record(1, { lineId: '000001' }, { lineId: '000002' }), record(2, { invoiceNo: '536366' })];
      await warehouse.load(batch);
      await warehouse.load(batch);
      await warehouse.load(batch.slice(1));
      expect((await warehouse.digest()).days).toEqual(
        digestOf({ lineId: '000001' }, { lineId: '000002' }, { invoiceNo: '536366' }),
      );
    });

    test('a corrected customer, date and price replace what was there, also in another year', async () => {
      await warehouse.load([record(1, {})]);
      const corrected: Partial<Line> = { customerId: null, invoiceDate: '2012-02-29T23:59:59', unitPrice: 2.95 };
      await warehouse.load([record(2, corrected)]);
      expect((await warehouse.digest()).days).toEqual(digestOf(corrected));
    });

    test('an invoice of 10,000 lines, in many records, loaded twice', async () => {
      const lines = Array.from({ length: 10_000 }, (_, index) => ({
        lineId: String(index + 1).padStart(6, '0'),
        quantity: (index % 17) - 3,
        unitPrice: index / 10_000,
      }));
      const batch: LoadRecord[] = [];
      for (let start = 0; start < lines.length; start += 500) {
        batch.push(record(start, ...lines.slice(start, start + 500)));
      }
      await warehouse.load(batch);
      await warehouse.load(batch.reverse());
      expect((await warehouse.digest()).days).toEqual(digestOf(...lines));
    });

    test('what kind of invoice it is follows from its number', async () => {
      const numbers = ['536365', 'C536379', 'A563185', 'c1', 'INV-2024-1', 'É1', '', ' C1', 'C'];
      await warehouse.load(numbers.map((invoiceNo, index) => record(index, { invoiceNo, lineId: `${index}` })));
      expect(await rows('SELECT invoice_no, is_cancellation, is_adjustment FROM sales ORDER BY line_id')).toEqual([
        ['536365', false, false],
        ['C536379', true, false],
        ['A563185', false, true],
        ['c1', false, true],
        ['INV-2024-1', false, true],
        ['É1', false, false],
        ['', false, false],
        [' C1', false, false],
        ['C', true, false],
      ]);
    });

    test('a customer’s first and last purchase are no cancellation and no adjustment, unless there is nothing else', async () => {
      const sent: [string, string, number][] = [
        ['C1', 'a', 1],
        ['2', 'a', 2],
        ['3', 'a', 3],
        ['A4', 'a', 4],
        ['C5', 'b', 5],
        ['A6', 'b', 6],
      ];
      await warehouse.load(
        sent.map(([invoiceNo, customerId, day]) =>
          record(day, { invoiceNo, customerId, invoiceDate: `2011-01-0${day}T10:00:00` }),
        ),
      );
      const sql = 'SELECT customer_id, first_purchase, last_purchase, orders FROM customers ORDER BY customer_id';
      expect(await rows(sql)).toEqual([
        ['a', '2011-01-02T10:00:00', '2011-01-03T10:00:00', 2],
        ['b', '2011-01-05T10:00:00', '2011-01-06T10:00:00', 0],
      ]);
    });

    test('money is exact, to the ten-thousandth, at every size', async () => {
      const prices = [0, -0.0001, 0.0001, 0.1, 0.3, 1.005, 2.675, 4.35, 1.1111, 99.9999, 12_345.6789, 999_999.9999];
      prices.push(1_000_000, -1_000_000, -11_062.06);
      for (let cents = 1; cents < 2_000; cents += 7) prices.push(cents / 100, (cents * 31) / 10_000);
      const lines = prices.map((unitPrice, index) => ({ lineId: `${index}`, unitPrice, quantity: (index % 100) - 30 }));
      lines.push({ lineId: 'most', unitPrice: 1_000_000, quantity: 100_000 });
      lines.push({ lineId: 'least', unitPrice: 0.0001, quantity: -10_000_000 });
      await warehouse.load([record(1, ...lines)]);
      const expected = digestOf(...lines);
      expect((await warehouse.digest()).days).toEqual(expected);
      const [[sum] = []] = await rows('SELECT CAST(SUM(amount) AS DECIMAL(38, 4)) FROM sales');
      expect(String(sum).replace(/\.?0+$/, '')).toBe(textFromE4(expected[0]?.amountE4 ?? 0n));
    });

    test('what the model takes and refuses, and how it rounds, is what the warehouse does', async () => {
      const next = random(SEED);
      const taken: Partial<Line>[] = [];
      const edges: [number, number][] = [
        [1_000_000, 100_000],
        [1_000_000, 100_001],
        [-999_999.9999, -100_000],
        [10_000.0001, 10_000_000],
        [9999.9999, -10_000_000],
        [1.005, 3],
        [-0, 1],
        [2.55 + 2 ** -50, 1],
        [0.1 + 0.2, 1],
      ];
      for (let round = 0; round < 40; round++) {
        const digits = Math.floor(next() * 12);
        const [unitPrice, quantity] = edges[round] ?? [
          Number((next() * 10 ** (Math.floor(next() * 9) - 2)).toFixed(digits)),
          Math.round((next() - 0.5) * 10 ** Math.floor(next() * 9)),
        ];
        const { sequence, data } = record(round, { lineId: `${round}`, unitPrice, quantity });
        const what = `seed ${SEED}: ${quantity} at ${unitPrice}`;
        const refused = await warehouse.load([{ sequence, data }]).then(
          () => null,
          (error) => error.code,
        );
        expect(refused, what).toBe(isRecord(sequence, data) ? null : 'unusable_record');
        const { days } = await warehouse.digest();
        if (refused === null) taken.push({ lineId: `${round}`, unitPrice, quantity });
        expect(days, what).toEqual(digestOf(...taken));
      }
      expect(taken.length).toBeGreaterThan(5);
      expect(taken.length).toBeLessThan(40);
    });

    test.each([
      ['a row', [record(1, {})], undefined],
      ['a checkpoint', [], { streamId: 's1', sequence: sequenceOf(2) }],
    ])('is new until there is %s', async (_what, records, checkpoint) => {
      expect(await warehouse.isNew()).toBe(true);
      await warehouse.load(records, checkpoint);
      expect(await warehouse.isNew()).toBe(false);
    });

    test('rows and checkpoint are stored together, and stay when it is opened again', async () => {
      expect(await warehouse.checkpoint()).toBeNull();
      await warehouse.load([record(1, {})], { streamId: 's1', sequence: sequenceOf(1) });
      await warehouse.load([], { streamId: 's1', sequence: sequenceOf(2) });
      await warehouse.load([record(3, { lineId: '000002' })]);
      await warehouse.close();
      warehouse = await open(directory);
      expect(await warehouse.checkpoint()).toEqual({ streamId: 's1', sequence: sequenceOf(2) });
      expect((await warehouse.digest()).days).toEqual(digestOf({}, { lineId: '000002' }));
    });

    const good = record(1, { lineId: 'good' }).data.toString();
    const bad: Record<string, string | Buffer> = {
      'not JSON': 'hello\n',
      'cut off': good.slice(0, 100),
      'two lines run together': `${good.trim()}${good}`,
      'a JSON array': '[1]\n',
      'a JSON null': 'null\n',
      empty: '',
      'an empty object': '{}\n',
      'without an invoice number': good.replace('"invoiceNo"', '"invoice"'),
      'without a country': good.replace('"United Kingdom"', 'null'),
      'without a time of receipt': good.replace('"receivedAt"', '"received"'),
      'with a word for a quantity': good.replace('"quantity":6', '"quantity":"six"'),
      'with half a piece': good.replace('"quantity":6', '"quantity":6.5'),
      'with a quantity beyond 32 bits': good.replace('"quantity":6', '"quantity":6000000000'),
      'with a price of five decimals': good.replace('2.55', '2.55555'),
      'with a price of ten decimals': good.replace('2.55', '2.5500000001'),
      'with a quantity of nine decimals': good.replace('"quantity":6', '"quantity":6.000000001'),
      'with a quantity beyond the limit': good.replace('"quantity":6', '"quantity":10000001'),
      'with a price beyond the limit': good.replace('2.55', '1000000.0001'),
      'with an amount beyond the limit': good.replace('2.55', '1000000').replace('"quantity":6', '"quantity":100001'),
      'with a day that is none': good.replace('2010-12-01', '2010-13-01'),
      'with a sequence of its own': good.replace('{', '{"sequence":"9",'),
      'not UTF-8': Buffer.concat([
        Buffer.from(good.slice(0, 60)),
        Buffer.from([0xff, 0xfe]),
        Buffer.from(good.slice(60)),
      ]),
    };
    test.each(Object.entries(bad))(
      'a record %s: refused as unusable, and nothing of its batch is stored',
      async (_, data) => {
        await warehouse.load([record(1, {})], { streamId: 's1', sequence: sequenceOf(1) });
        const neighbour = record(2, { lineId: '000002' });
        const unusable = { sequence: sequenceOf(3), data: Buffer.from(data) };
        const checkpoint = { streamId: 's1', sequence: sequenceOf(3) };
        await expect(warehouse.load([neighbour, unusable], checkpoint)).rejects.toMatchObject({
          code: 'unusable_record',
        });
        await expect(warehouse.load([unusable], checkpoint)).rejects.toMatchObject({ code: 'unusable_record' });
        expect((await warehouse.digest()).days).toEqual(digestOf({}));
        expect(await warehouse.checkpoint()).toEqual({ streamId: 's1', sequence: sequenceOf(1) });
        await warehouse.load([neighbour], checkpoint);
        expect((await warehouse.digest()).days).toEqual(digestOf({}, { lineId: '000002' }));
      },
    );

    test('days and invoices are digested at one moment, while loads go on', async () => {
      const loads = Array.from({ length: 10 }, (_, number) =>
        warehouse.load([record(number, { invoiceNo: `${number}` })]),
      );
      for (let round = 0; round < 20; round++) {
        const { days, invoices } = await warehouse.digest();
        expect(invoices).toBe(totalsOf(days).lines);
      }
      await Promise.all(loads);
      expect(await warehouse.digest()).toMatchObject({ invoices: 10 });
      await warehouse.load([record(11, { invoiceNo: '1', lineId: '2' })]);
      expect(await warehouse.digest()).toMatchObject({ invoices: 10 });
    });

    test('loads, questions and SELECTs at once: each sees whole loads', async () => {
      const loads = Array.from({ length: 20 }, (_, number) =>
        warehouse.load([
          record(number, ...Array.from({ length: 50 }, (_, index) => ({ lineId: `${number}-${index}` }))),
        ]),
      );
      const counts = Array.from({ length: 10 }, async () => Number((await rows('SELECT COUNT(*) FROM sales'))[0]?.[0]));
      const digests = [warehouse.digest(), warehouse.digest(), warehouse.checkpoint()];
      await Promise.all([...loads, ...digests]);
      for (const count of await Promise.all(counts)) expect(count % 50).toBe(0);
      expect(await rows('SELECT COUNT(*) FROM sales')).toEqual([[1000]]);
    });
  });
}
