// Lines in columns on LMDB: the contract, and that what is loaded is, byte for byte, what apply() would have written.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AcceptedLine } from '../../src/model/line.ts';
import { openDatabase, openEnvironment } from '../../src/stores/lmdb-environment.ts';
import { openLmdbOrders } from '../../src/stores/orders/lmdb-orders.ts';
import { columnsOf, newestOf } from './orders-columns.ts';
import { lineIdOf, orderLine, sequenceOf } from './orders-lines.ts';
import { makeLmdbOrders } from './orders-lmdb.ts';
import { orderLoadContract } from './orders-load.contract.ts';

orderLoadContract('lmdb', makeLmdbOrders);

/** Everything in the store, as text. */
async function contentOf(directory: string): Promise<string[]> {
  const environment = openEnvironment(directory);
  const entries = ['invoices', 'history', 'meta'].flatMap((name) => {
    const found: string[] = [];
    for (const { key, value } of openDatabase(environment, name).getRange({})) {
      found.push(`${name} ${Buffer.from(key).toString('hex')} ${value.toString('latin1')}`);
    }
    return found;
  });
  await environment.close();
  return entries;
}

/** Both stores end with the same bytes. */
async function expectSameBytes(lines: readonly AcceptedLine[]): Promise<void> {
  const [applied, loaded] = await Promise.all([makeLmdbOrders(), makeLmdbOrders()]);
  try {
    await (await applied.open()).apply(lines);
    await (await loaded.open()).load(columnsOf(newestOf(lines)));
    expect(await contentOf(loaded.directory)).toEqual(await contentOf(applied.directory));
  } finally {
    await Promise.all([applied.dispose(), loaded.dispose()]);
  }
}

const text = (lengthMax: number) =>
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: lengthMax }),
    fc.constantFrom('', '"', '\\', 'CUP "ROSE"\t£5\n', 'ä€𝄞', '\ud834', '\udd1e', '\u2028', '\u007f'),
  );
/** Prices and quantities whose product has every number of digits and of decimals. */
const money = fc.oneof(
  fc.constantFrom(0, 1, -1, 5, 10, 100, 9_999, 10_000, 10_001, 25_500, -110_620_600, 2 ** 31, 10 ** 10, -(10 ** 10)),
  fc.integer({ min: -(10 ** 10), max: 10 ** 10 }),
  fc.integer({ min: -30_000, max: 30_000 }),
);
const pieces = fc.oneof(fc.constantFrom(0, 1, -1, 100_000, -100_000), fc.integer({ min: -100_000, max: 100_000 }));
const two = (min: number, max: number) => fc.integer({ min, max }).map((part) => String(part).padStart(2, '0'));
const when = fc
  .tuple(fc.integer({ min: 1900, max: 2099 }), two(1, 12), two(1, 28), two(0, 23), two(0, 59), two(0, 59))
  .map(([year, month, day, hour, minute, second]) => `${year}-${month}-${day}T${hour}:${minute}:${second}`);
const oddLine: fc.Arbitrary<AcceptedLine> = fc.record({
  invoiceNo: fc.constantFrom('536365', 'C536379', 'A563185', '"5"', 'ä'),
  lineId: fc.oneof(
    fc.integer({ min: 1, max: 30 }).map(lineIdOf),
    fc.constantFrom('k:ä€𝄞', 'k:\uff5e', '01HZX', 'k:"\\'),
  ),
  stockCode: text(12),
  description: fc.option(text(60)),
  quantity: pieces,
  invoiceDate: when,
  unitPrice: money.map((e4) => e4 / 10_000),
  customerId: fc.option(fc.constantFrom('17850', '17851', 'ä"')),
  country: text(12),
  receivedAt: fc.oneof(fc.constant(1_700_000_000_000_000), fc.integer({ min: 1, max: 2 ** 53 - 1 })),
  sequence: fc.constantFrom('000001', '000002', sequenceOf(3)),
  position: fc.oneof(fc.constant(2 ** 32 - 1), fc.integer({ min: 0, max: 300_000 })),
  source: fc.constantFrom('api', 'import:20261123-k7mq'),
});

test('orders (lmdb): what is loaded is, byte for byte, what is applied', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(oddLine, { minLength: 1, maxLength: 60 }), (lines) => expectSameBytes(newestOf(lines))),
    { numRuns: 60 },
  );
});

test('orders (lmdb): an invoice of 10,000 lines is loaded, byte for byte, as it is applied', async () => {
  const lines = fc.sample(oddLine, { numRuns: 10_000, seed: 20_101_201 }).map((line, index) => ({
    ...{ ...line, invoiceNo: '536365', lineId: lineIdOf(index + 1), position: index },
    ...{ receivedAt: 1_700_000_000_000_000, sequence: '000001', source: 'import:20261123-k7mq' },
  }));
  await expectSameBytes(lines);
});

test('orders (lmdb): what is loaded again as it was writes nothing', async () => {
  const backend = await makeLmdbOrders();
  const store = await backend.open();
  const columns = columnsOf([orderLine(1), orderLine(2, { invoiceNo: '7', customerId: null })]);
  await store.load(columns);
  expect(await transactionsOf(backend.directory, () => store.load(columns))).toBe(0);
  expect(await transactionsOf(backend.directory, () => store.load(columnsOf([orderLine(3)])))).toBe(1);
  await backend.dispose();
});

test('orders (lmdb): a turn ends after some megabytes, also where a line each makes large invoices larger', async () => {
  const backend = await makeLmdbOrders();
  const store = await backend.open();
  const invoiceNos = ['1', '2', '3', '4', '5', '6'];
  const large = invoiceNos.flatMap((invoiceNo) =>
    Array.from({ length: 1_000 }, (_, index) =>
      orderLine(index, { invoiceNo, lineId: lineIdOf(index + 1), description: 'x'.repeat(1_000) }),
    ),
  );
  expect(await transactionsOf(backend.directory, () => store.load(columnsOf(large)))).toBe(2);
  const more = invoiceNos.map((invoiceNo) => orderLine(1, { invoiceNo, lineId: 'more' }));
  expect(await transactionsOf(backend.directory, () => store.load(columnsOf(more)))).toBe(6);
  expect(await store.digest()).toMatchObject({ invoices: 6, wrongHeader: null, days: [{ lines: 6_006 }] });
  await backend.dispose();
});

/** How many of them `work` takes. */
async function transactionsOf(directory: string, work: () => Promise<unknown>): Promise<number> {
  const environment = openEnvironment(directory);
  const last = () => (environment.getStats() as { lastTxnId: number }).lastTxnId;
  const before = last();
  await work();
  const after = last();
  await environment.close();
  return after - before;
}

test('orders (lmdb): an opening that only looks up loads nothing; a store that is closed is away', async () => {
  const backend = await makeLmdbOrders();
  const reader = openLmdbOrders({ directory: backend.directory, readOnly: true });
  await expect(reader.load(columnsOf([orderLine(1)]))).rejects.toMatchObject({ code: 'conflict' });
  await reader.close();
  const store = openLmdbOrders({ directory: backend.directory });
  await store.close();
  await expect(store.load(columnsOf([orderLine(1)]))).rejects.toMatchObject({ code: 'unavailable' });
  await backend.dispose();
});
