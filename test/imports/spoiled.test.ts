// A file with rows spoiled in ways that happen: exactly those wait in quarantine, each with its reason and its place; corrected
// they come back in under the numbers that they had, and then the clean file changes nothing.
import { afterEach, expect, it } from 'vitest';
import type { ImportReport } from '../../src/imports/import.ts';
import { endPlatforms, freshDirectory, type Platform, startPlatform } from '../support/platform.ts';
import { csvOf, sampleRows } from './staging.ts';
import { settled } from './watched.ts';

const LINES = 2000;
const EVERY = 50;
const [header = [], ...data] = sampleRows(LINES);
const at = (name: string): number => header.indexOf(name);

interface Way {
  readonly code: string;
  /** The row's text, as the file has it. */
  readonly spoil: (row: readonly string[]) => string | Buffer;
}

const changed =
  (name: string, text: string) =>
  (row: readonly string[]): string =>
    csvOf([row.with(at(name), text)]).slice(0, -1);

const WAYS: readonly Way[] = [
  { code: 'invalid_invoice_no', spoil: changed('InvoiceNo', '') },
  { code: 'invalid_invoice_no', spoil: changed('InvoiceNo', '5'.repeat(40)) },
  { code: 'invalid_stock_code', spoil: changed('StockCode', '') },
  { code: 'invalid_quantity', spoil: changed('Quantity', '1.5') },
  { code: 'invalid_quantity', spoil: changed('Quantity', 'six') },
  { code: 'invalid_price', spoil: changed('UnitPrice', '2.55555') },
  { code: 'invalid_date', spoil: changed('InvoiceDate', '13/45/2025 8:26') },
  { code: 'invalid_country', spoil: changed('Country', '') },
  { code: 'surplus_fields', spoil: (row) => `${csvOf([row]).slice(0, -1)},more` },
  { code: 'invalid_description', spoil: changed('Description', 'A\u0001B') },
  {
    code: 'open_quote',
    spoil: (row) =>
      csvOf([row.with(at('Description'), 'X')])
        .replace(',X,', ',"X,')
        .slice(0, -1),
  },
  {
    code: 'invalid_text',
    spoil: (row) => Buffer.from(csvOf([row.with(at('Description'), 'caf\u00e9')]).slice(0, -1), 'latin1'),
  },
];

afterEach(endPlatforms);

/** Second lines of invoices, so that a row that does not say its invoice stands within it. */
const spoiledRows = data
  .flatMap((row, index) => {
    const isWithin = row[0] === data[index - 1]?.[0] && row[0] === data[index + 1]?.[0];
    return isWithin ? [index] : [];
  })
  .filter((_, index) => index % EVERY === 0)
  .slice(0, 2 * WAYS.length);

function wayOf(index: number): Way | undefined {
  const place = spoiledRows.indexOf(index);
  return place < 0 ? undefined : WAYS[place % WAYS.length];
}

async function upload(platform: Platform, file: Buffer, name: string): Promise<ImportReport> {
  const answer = await fetch(`${platform.url}/v1/imports?name=${name}`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body: new Uint8Array(file),
  });
  const body = (await answer.json()) as ImportReport;
  if (answer.status !== 202) throw new Error(JSON.stringify(body));
  return settled(platform, body.id);
}

it('rows spoiled in twelve ways wait in quarantine, and come back in corrected', async () => {
  expect(spoiledRows.length).toBeGreaterThanOrEqual(WAYS.length);
  const clean = Buffer.from(`\ufeff${csvOf([header, ...data])}`);
  const truth = await startPlatform(await freshDirectory('clean'));
  expect(await upload(truth, clean, 'clean.csv')).toMatchObject({ state: 'done', counts: { lines: LINES } });
  const expected = await truth.verify();
  await truth.stop();

  const platform = await startPlatform(await freshDirectory('spoiled'));
  const texts = data.map((row, index) => {
    const text = wayOf(index)?.spoil(row) ?? csvOf([row]).slice(0, -1);
    return Buffer.concat([Buffer.from(text), Buffer.from('\n')]);
  });
  const body = Buffer.concat([Buffer.from(csvOf([header])), ...texts]);
  const report = await upload(platform, Buffer.concat([Buffer.from('\ufeff'), body]), 'spoiled.csv');
  expect(report).toMatchObject({
    state: 'done',
    counts: { rows: LINES, lines: LINES - spoiledRows.length, rejected: spoiledRows.length },
  });
  const { body: list } = await platform.get('/v1/quarantine?limit=1000');
  expect(list.entries.map(({ code }: { code: string }) => code)).toEqual(
    spoiledRows.map((index) => wayOf(index)?.code),
  );
  const { agrees } = await platform.verify();
  expect(agrees).toBe(true);

  for (const [place, { id }] of list.entries.entries()) {
    const index = spoiledRows[place] ?? -1;
    const entry = (await platform.get(`/v1/quarantine/${id}`)).body;
    const row = JSON.parse(entry.data);
    expect(row).toMatchObject({ file: 'spoiled.csv', row: index + 1 });
    const inFile = body.subarray(row.byteOffset, row.byteOffset + (texts[index]?.length ?? 0) - 1);
    expect(inFile.toString('utf8')).toBe(row.text);
    const line = Object.fromEntries(header.map((name, column) => [name, data[index]?.[column]]));
    const redriven = await platform.request(
      'POST',
      `/v1/quarantine/${id}/redrive`,
      JSON.stringify({ line }),
      'application/json',
    );
    expect(redriven.body).toMatchObject({ state: 'redriven' });
  }
  const mended = await platform.verify();
  expect(mended.agrees).toBe(true);
  expect(mended.stores).toEqual(expected.stores);

  const again = await upload(platform, clean, 'clean.csv');
  expect(again).toMatchObject({ state: 'done', counts: { lines: LINES, replaced: 0 } });
  expect((await platform.verify()).stores).toEqual(expected.stores);
});
