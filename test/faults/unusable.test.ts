// Records that a store cannot use: they wait in quarantine with the reason, their neighbours land, verify accounts for them.
//
// Nothing like them comes in by the door, so they are written straight to the stream while the platform is down.

import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { QuarantineEntryAnswer } from '../../src/cli/answers.ts';
import { appendUnusable } from '../support/append-unusable.ts';
import { runCli } from '../support/cli.ts';
import { endPlatforms, freshDirectory, type Platform, startPlatform } from '../support/platform.ts';
import { accept, line, lines } from './lines.ts';

afterEach(endPlatforms);

/** As ingest writes it. */
const RECORD = {
  invoiceNo: '800009',
  lineId: '000001',
  stockCode: 'MUG',
  description: null,
  quantity: 1,
  invoiceDate: '2011-12-24T09:00:00',
  unitPrice: 1.25,
  customerId: '17850',
  country: 'France',
  receivedAt: 1_700_000_000_000_000,
  position: 0,
  source: 'api',
};
const record = (changes: object): string => `${JSON.stringify({ ...RECORD, ...changes })}\n`;

/** A platform that has run, with `unusable` on its stream between two good invoices of 50 lines each. */
async function platformWith(unusable: readonly string[]): Promise<Platform> {
  const directory = await freshDirectory('unusable');
  let platform = await startPlatform(directory);
  await accept(platform, lines('800001', 50));
  await platform.stop();
  await appendUnusable(join(directory, 'stream'), unusable);
  platform = await startPlatform(directory);
  await accept(platform, lines('800002', 50));
  return platform;
}

async function waiting(platform: Platform, store?: string): Promise<QuarantineEntryAnswer[]> {
  const { body } = await platform.get(`/v1/quarantine${store === undefined ? '' : `?store=${store}`}`);
  return body.entries;
}

describe('a record that is not JSON', () => {
  it('waits in quarantine for every store, its neighbours land, and it can be shown, redriven and discarded', async () => {
    const platform = await platformWith(['what is this?\n']);
    const cli = async (...words: string[]) => {
      const { code, stdout, stderr } = await runCli(['quarantine', ...words, '--url', platform.url]);
      return { code, text: stdout + stderr };
    };
    const store = { lines: 100, revenue: '125', agrees: true, quarantined: 1, discarded: 0 };
    expect(await platform.verify()).toMatchObject({ agrees: true, stores: [store, store, store] });
    expect((await platform.get('/v1/invoices/800001')).body).toMatchObject({ lineCount: 50 });
    expect((await platform.get('/v1/invoices/800002')).body).toMatchObject({ lineCount: 50 });

    const entries = await waiting(platform);
    expect(entries.map((entry) => entry.store).sort()).toEqual(['lake', 'orders', 'warehouse']);
    for (const entry of entries) {
      expect(entry).toMatchObject({ state: 'waiting', code: 'unusable_record', attempts: 1, bytes: 14 });
      expect(entry.message).toMatch(/^Record 0000000000000002 (is not|holds)/);
    }
    const list = await cli('list');
    expect(list.text).toMatch(/^ {2}orders-0000000000000002 .*\n {4}unusable_record: /m);
    expect(await cli('show', 'orders-0000000000000002')).toMatchObject({
      code: 0,
      text: expect.stringMatching(/what is this\?\n$/),
    });

    // Nothing was fixed: it fails again, and waits again.
    expect(await platform.request('POST', '/v1/quarantine/warehouse-0000000000000002/redrive')).toMatchObject({
      status: 200,
      body: { state: 'waiting', message: expect.stringContaining('is not NDJSON') },
    });
    expect(await cli('redrive', 'orders-0000000000000002')).toMatchObject({
      code: 1,
      text: expect.stringContaining('waits again'),
    });
    expect((await waiting(platform)).map(({ store: of, attempts }) => [of, attempts]).sort()).toEqual([
      ['lake', 1],
      ['orders', 2],
      ['warehouse', 2],
    ]);

    expect(await cli('discard', 'orders-0000000000000002')).toMatchObject({ code: 0 });
    expect((await platform.request('DELETE', '/v1/quarantine/lake-0000000000000002')).body).toMatchObject({
      state: 'discarded',
    });
    expect((await waiting(platform)).map(({ id }) => id)).toEqual(['warehouse-0000000000000002']);
    expect((await platform.status()).quarantine).toEqual({ waiting: 1, redriven: 0, discarded: 2 });
    const given = { lines: 100, agrees: true, quarantined: 0, discarded: 1 };
    expect(await platform.verify()).toMatchObject({ agrees: true, stores: [given, given, { quarantined: 1 }] });

    // It is all there after the next start, and nothing is tried of its own accord.
    await platform.stop();
    const next = await startPlatform(platform.directory);
    expect((await next.status()).quarantine).toEqual({ waiting: 1, redriven: 0, discarded: 2 });
    expect(await next.verify()).toMatchObject({ agrees: true });
  });
});

/** Each would count on a day of its own, so that a difference names it. */
const NOT_LINES: Readonly<Record<string, (day: string) => string>> = {
  'something else': () => '{"hello":"world"}\n',
  'an array': () => '[1,2,3]\n',
  null: () => 'null\n',
  'nothing at all': () => '',
  'cut off': () => record({}).slice(0, 60),
  'a line and then garbage': (day) => `${record({ invoiceDate: day })}garbage\n`,
  'no date': () => record({ invoiceDate: 'yesterday' }),
  'a day that no month has': () => record({ invoiceDate: '2011-02-30T09:00:00' }),
  'no lineId': (day) => record({ invoiceDate: day, lineId: undefined }),
  'half a piece': (day) => record({ invoiceDate: day, quantity: 1.5 }),
  'a quantity beyond all limits': (day) => record({ invoiceDate: day, quantity: 9_000_000_000 }),
  'a quantity beyond ours': (day) => record({ invoiceDate: day, quantity: 10_000_001 }),
  'a price with too many decimals': (day) => record({ invoiceDate: day, unitPrice: 1.234567 }),
  'a price beyond all limits': (day) => record({ invoiceDate: day, unitPrice: 1e17 }),
  'text for a number': (day) => record({ invoiceDate: day, quantity: 'many' }),
  'a number for text': (day) => record({ invoiceDate: day, country: 7 }),
  'an invoice number with a NUL': (day) => record({ invoiceDate: day, invoiceNo: 'A\u0000B' }),
};

it('JSON that is not a line as ingest writes it: neighbours land, and verify agrees, accounting for each', async () => {
  const names = Object.keys(NOT_LINES);
  const texts = Object.values(NOT_LINES).map((text, index) => text(`2011-10-${10 + index}T09:00:00`));
  const platform = await platformWith(texts);
  const report = await platform.verify();
  expect(report.stores.map(({ store, agrees, firstDifference }) => ({ store, agrees, firstDifference }))).toEqual(
    ['lake', 'orders', 'warehouse'].map((store) => ({ store, agrees: true, firstDifference: null })),
  );
  expect((await platform.get('/v1/invoices/800001')).body).toMatchObject({ lineCount: 50 });
  expect((await platform.get('/v1/invoices/800002')).body).toMatchObject({ lineCount: 50 });
  expect(await platform.select("SELECT count(*) FROM sales WHERE invoice_no IN ('800001', '800002')")).toEqual([[100]]);
  const entries = await waiting(platform);
  for (const { message } of entries) expect(message).toMatch(/record 0{14}\d\d/i);
  const refusedBy = (index: number): string =>
    entries.flatMap(({ store, sequence }) => (Number(sequence) === index + 2 ? [store] : [])).join(', ');
  // The lake keeps what may be of use to somebody one day.
  expect(Object.fromEntries(names.map((name, index) => [name, refusedBy(index)]))).toMatchInlineSnapshot(`
    {
      "a day that no month has": "orders, warehouse",
      "a line and then garbage": "lake, orders, warehouse",
      "a number for text": "orders",
      "a price beyond all limits": "orders, warehouse",
      "a price with too many decimals": "orders, warehouse",
      "a quantity beyond all limits": "orders, warehouse",
      "a quantity beyond ours": "orders, warehouse",
      "an array": "lake, orders, warehouse",
      "an invoice number with a NUL": "orders",
      "cut off": "lake, orders, warehouse",
      "half a piece": "orders, warehouse",
      "no date": "orders, warehouse",
      "no lineId": "orders, warehouse",
      "nothing at all": "lake, orders, warehouse",
      "null": "lake, orders, warehouse",
      "something else": "orders, warehouse",
      "text for a number": "orders, warehouse",
    }
  `);
});

it('many unusable records in one batch are found one by one, and all others land', async () => {
  const texts = Array.from({ length: 60 }, (_, index) =>
    index % 3 === 0 ? `broken ${index}\n` : record({ lineId: `n${index}` }),
  );
  const platform = await platformWith(texts);
  const store = { lines: 140, revenue: '175', agrees: true, quarantined: 20 };
  expect(await platform.verify()).toMatchObject({ agrees: true, stores: [store, store, store] });
  expect(await waiting(platform, 'orders')).toHaveLength(20);
});

it('an invoice beyond 10,000 lines: the line too many waits for the order store alone', async () => {
  const platform = await startPlatform(await freshDirectory('large'));
  await accept(platform, lines('800001', 5000));
  await accept(platform, lines('800001', 5000, 5001));
  await accept(platform, [line('800001', 10_001), line('800002', 1)]);
  const report = await platform.verify();
  expect(report).toMatchObject({
    agrees: true,
    stores: [
      { store: 'lake', lines: 10_002, quarantined: 0 },
      { store: 'orders', lines: 10_001, quarantined: 1 },
      { store: 'warehouse', lines: 10_002, quarantined: 0 },
    ],
  });
  expect((await platform.get('/v1/invoices/800001')).body).toMatchObject({ lineCount: 10_000, total: 12_500 });
  expect((await platform.get('/v1/invoices/800002')).body).toMatchObject({ lineCount: 1 });
  expect(await waiting(platform)).toMatchObject([
    {
      store: 'orders',
      code: 'invoice_too_large',
      message: expect.stringContaining('would have 10001 lines'),
      attempts: 1,
    },
  ]);
  // A correction of a line that is there still gets in.
  await accept(platform, [line('800001', 10_000, { Quantity: 2 })]);
  expect(await platform.verify()).toMatchObject({ agrees: true, replaced: 1 });
  expect((await platform.get('/v1/invoices/800001')).body).toMatchObject({ lineCount: 10_000, total: 12_501.25 });
});
