// Lines that come in live while a file with the same lines is imported: of each the newest version stands, in every store.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';
import { dice } from '../support/seed.ts';
import { beginFromInbox, begun, settled } from './watched.ts';

const LINES = 60_000;
const CORRECTED = 200;
/** No line of the sample is sold at it. */
const PRICE = 4321.5;

afterEach(endPlatforms);

it('import with corrections of its lines arriving meanwhile: the corrections stand, in every store', async () => {
  const chance = dice('import live');
  const platform = await startPlatform(await freshDirectory('import-live'));
  const file = join(platform.directory, 'lake', 'inbox', 'sales.csv');
  const made = await runCli(['generate', '--lines', String(LINES), '--out', join(platform.directory, 'sales.csv')]);
  expect(made.code, made.stderr).toBe(0);
  const csv = await readFile(join(platform.directory, 'sales.csv'), 'utf8');
  await writeFile(file, csv);
  // The first line of an invoice each: its number is 1 in the import.
  const rows = csv
    .split('\n')
    .slice(1, -1)
    .map((row) => row.split(','));
  const firsts = [...new Map(rows.toReversed().map((row) => [row[0] ?? '', row])).values()];
  const chosen = Array.from({ length: CORRECTED }, () => firsts[chance.between(0, firsts.length - 1)] ?? []);

  const id = await beginFromInbox(platform, 'sales.csv');
  // Before it is staged, a line is one of another source that would change: the import would ask.
  await begun(platform, id);
  for (const [invoiceNo = ''] of chosen) {
    await pause(chance.between(0, 15));
    const correction = { ...line(invoiceNo), LineNo: 1 };
    expect((await platform.send([correction])).body).toMatchObject({ accepted: 1 });
  }
  const report = await settled(platform, id);
  expect(report).toMatchObject({ state: 'done', counts: { lines: LINES, rejected: 0 } });
  const { agrees, stores } = await platform.verify();
  expect(agrees).toBe(true);
  expect(stores.map(({ lines }) => lines)).toEqual([LINES, LINES, LINES]);
  const corrected = new Set(chosen.map(([invoiceNo = '']) => invoiceNo));
  for (const invoiceNo of corrected) {
    const { body } = await platform.get(`/v1/invoices/${invoiceNo}`);
    expect(body.lines[0]).toMatchObject({ lineId: '000001', unitPrice: PRICE });
  }
  const [[count] = []] = await platform.select(`SELECT count(*) FROM sales WHERE unit_price = ${PRICE}`);
  expect(count).toBe(corrected.size);
});

function line(invoiceNo: string) {
  return {
    InvoiceNo: invoiceNo,
    StockCode: 'X1',
    Description: null,
    Quantity: 1,
    UnitPrice: PRICE,
    InvoiceDate: '2011-01-01T00:00:00',
    CustomerID: null,
    Country: 'France',
  };
}
