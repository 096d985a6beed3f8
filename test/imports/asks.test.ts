// What only the owner of a file can say is asked before anything is written; answered, the import goes on. A dry run writes
// nothing at all. The tests go by one platform, in order.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { endPlatforms, freshDirectory, type Platform, startPlatform } from '../support/platform.ts';
import { csvOf, sampleRows } from './staging.ts';
import { answered, upload } from './watched.ts';

const ROWS = 400;
const [header = [], ...data] = sampleRows(ROWS);
const at = (name: string): number => header.indexOf(name);

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform(await freshDirectory('asks'));
});
afterAll(endPlatforms);

/** All that an import can write, beside what it keeps of itself. */
async function written() {
  const { agrees, stores } = await platform.verify();
  expect(agrees).toBe(true);
  const { quarantine } = await platform.status();
  return { stores, quarantine };
}

/** With as many rows spoiled, spread over the file, and invoices of its own. */
function file(prefix: string, spoiled = 0, change: (row: string[]) => string[] = (row) => row): string {
  const rows = data.map((row, index) => {
    const isSpoiled = Math.floor(((index + 1) * spoiled) / ROWS) > Math.floor((index * spoiled) / ROWS);
    const own = row.with(0, `${prefix}${row[0]}`);
    return change(isSpoiled ? own.with(at('Quantity'), 'six') : own);
  });
  return csvOf([header, ...rows]);
}

it('a dry run counts, looks, and writes nothing; the file is as new as before', async () => {
  const before = await written();
  const report = await upload(platform, [file('D', 8)], { dryRun: true });
  expect(report).toMatchObject({ state: 'checked', counts: { rows: ROWS, lines: ROWS - 8, rejected: 8, replaced: 0 } });
  expect(report.firstRejects).toHaveLength(8);
  expect(report.firstRejects.map(({ row }) => row)).toEqual(
    report.firstRejects.map(({ row }) => row).sort((a, b) => a - b),
  );
  const directory = join(platform.directory, 'lake', 'imports', report.id);
  await eventually(async () => expect(await readdir(directory)).toEqual(['manifest.json', 'rejects.ndjson']));
  const rejects = await fetch(`${platform.url}/v1/imports/${report.id}/rejects`);
  expect((await rejects.text()).trim().split('\n')).toHaveLength(1 + 8);
  expect(await written()).toEqual(before);
  const real = await upload(platform, [file('D', 8)]);
  expect(real).toMatchObject({ state: 'done', counts: { ...report.counts } });
  expect((await written()).quarantine.waiting).toBe(before.quarantine.waiting + 8);
  // A dry run of what would change is told so, and still changes nothing.
  const now = await written();
  const changed = file('D', 8, (row) => row.with(at('Country'), 'Nowhere'));
  const asks = await upload(platform, [changed], { dryRun: true });
  expect(asks).toMatchObject({ question: { kind: 'conflicts', lines: ROWS - 8 } });
  expect(await written()).toEqual(now);
});

it('more than a tenth of the rows rejected: asked, and nothing is written until that is answered', async () => {
  const before = await written();
  const report = await upload(platform, [file('R', 44)]);
  expect(report).toMatchObject({
    state: 'needs_answer',
    question: { kind: 'too_many_rejects', rows: ROWS, rejected: 44, percentMax: 10 },
  });
  expect(await written()).toEqual(before);
  // Not enough: asked again.
  expect(await answered(platform, report.id, { maxRejects: 10.9 })).toMatchObject({
    state: 'needs_answer',
    question: { kind: 'too_many_rejects', percentMax: 10.9 },
  });
  expect(await written()).toEqual(before);
  const done = await answered(platform, report.id, { maxRejects: 11 });
  expect(done).toMatchObject({ state: 'done', counts: { lines: ROWS - 44, rejected: 44 } });
  const after = await written();
  expect(after.quarantine.waiting).toBe(before.quarantine.waiting + 44);
  expect(after.stores[0]?.lines).toBe((before.stores[0]?.lines ?? 0) + ROWS - 44);
});

it('a tenth of the rows, and no more, goes to quarantine unasked; none at all where that is wished', async () => {
  expect(await upload(platform, [file('T', 40)])).toMatchObject({ state: 'done', counts: { rejected: 40 } });
  const before = await written();
  const strict = await upload(platform, [file('N', 1)], { maxRejects: 0 });
  expect(strict).toMatchObject({ state: 'needs_answer', question: { kind: 'too_many_rejects', rejected: 1 } });
  expect(await written()).toEqual(before);
});

it('dates that leave the order open: both readings are shown, and the answer holds', async () => {
  const before = await written();
  const open = file('O', 0, (row) => row.with(at('InvoiceDate'), '4/5/2025 9:30'));
  const report = await upload(platform, [open]);
  expect(report).toMatchObject({
    state: 'needs_answer',
    question: {
      kind: 'date_order',
      file: 'file-1.csv',
      examples: [{ text: '4/5/2025 9:30', monthFirst: '2025-04-05T09:30:00', dayFirst: '2025-05-04T09:30:00' }],
    },
  });
  expect(await written()).toEqual(before);
  expect(await answered(platform, report.id, { dateOrder: 'day-first' })).toMatchObject({ state: 'done' });
  const days = await platform.select(
    "SELECT DISTINCT strftime(invoice_date, '%Y-%m-%d') FROM sales WHERE invoice_no LIKE 'O%'",
  );
  expect(days).toEqual([['2025-05-04']]);
  await written();
});

it('whose file is gone by the time of the answer fails, with the way out, and keeps nobody waiting', async () => {
  const open = file('G', 0, (row) => row.with(at('InvoiceDate'), '4/5/2025 9:30'));
  const report = await upload(platform, [open]);
  await rm(join(platform.directory, 'lake', 'imports', report.id, 'source-001'));
  expect(await answered(platform, report.id, { dateOrder: 'day-first' })).toMatchObject({
    state: 'failed',
    error: {
      code: 'file_not_found',
      message: 'file-1.csv is not in the lake any more.',
      hint: expect.stringContaining('Import the file again'),
    },
  });
});

it('columns that are missing: asked with those that the file has; named, they are read', async () => {
  const before = await written();
  const [first = '', ...rest] = file('M').split('\n');
  const renamed = [first.replace('UnitPrice', 'Each').replace('Country', 'Land'), ...rest].join('\n');
  const report = await upload(platform, [renamed]);
  expect(report).toMatchObject({
    state: 'needs_answer',
    question: { kind: 'columns', missing: ['unitPrice', 'country'], columns: expect.arrayContaining(['Each', 'Land']) },
  });
  expect(await written()).toEqual(before);
  const half = await answered(platform, report.id, { map: { unitPrice: 'Each' } });
  expect(half).toMatchObject({ state: 'needs_answer', question: { kind: 'columns', missing: ['country'] } });
  const done = await answered(platform, report.id, { map: { country: 'Land' } });
  expect(done).toMatchObject({ state: 'done', counts: { lines: ROWS, rejected: 0 } });
  await written();
});

it('of several files, one that leaves the order of dates open is read as the others show', async () => {
  const [header = ''] = file('Y').split('\n');
  const row = (invoiceNo: string, date: string): string => `${invoiceNo},85123A,MUG,1,${date},2.5,17850,France`;
  const open = [header, row('Y1', '5/6/2011 8:26')].join('\n');
  const certain = [header, row('Y2', '12/13/2010 8:26')].join('\n');
  expect(await upload(platform, [open, certain])).toMatchObject({ state: 'done', counts: { lines: 2, rejected: 0 } });
  const dates = await platform.select("SELECT strftime(invoice_date, '%Y-%m-%d') FROM sales WHERE invoice_no = 'Y1'");
  expect(dates).toEqual([['2011-05-06']]);
});

it('of several files whose dates differ, one leaves the order open: the answer is for that one', async () => {
  const [header = ''] = file('Z').split('\n');
  const row = (invoiceNo: string, date: string): string => `${invoiceNo},85123A,MUG,1,${date},2.5,17850,France`;
  const certain = [header, row('N1', '12/13/2010 8:26'), row('N2', '12/1/2010 8:26')].join('\n');
  const open = [header, row('N3', '5/6/2011 8:26')].join('\n');
  const other = [header, row('N4', '13/12/2010 8:26')].join('\n');
  const report = await upload(platform, [certain, open, other]);
  expect(report).toMatchObject({ state: 'needs_answer', question: { kind: 'date_order' } });
  const refused = { code: 'invalid_parameter', field: 'conflicts' };
  const answer = `/v1/imports/${report.id}/answer`;
  const unasked = { dateOrder: 'day-first', conflicts: 'replace' };
  expect((await platform.request('POST', answer, JSON.stringify(unasked))).body).toMatchObject(refused);
  const done = await answered(platform, report.id, { dateOrder: 'day-first' });
  expect(done).toMatchObject({ state: 'done', counts: { lines: 4, rejected: 0 } });
  const dates = await platform.select(
    "SELECT strftime(invoice_date, '%Y-%m-%d') FROM sales WHERE invoice_no IN ('N1', 'N2', 'N3') ORDER BY invoice_no",
  );
  expect(dates).toEqual([['2010-12-13'], ['2010-12-01'], ['2011-06-05']]);
});

it('a column that the file does not have is no answer, and the files stay', async () => {
  const [first = '', ...rest] = file('X').split('\n');
  const report = await upload(platform, [[first.replace('UnitPrice', 'Each'), ...rest].join('\n')]);
  const answer = `/v1/imports/${report.id}/answer`;
  const wrong = await platform.request('POST', answer, JSON.stringify({ map: { unitPrice: 'Eech' } }));
  expect(wrong).toMatchObject({ status: 400, body: { code: 'invalid_parameter', value: 'Eech' } });
  const done = await answered(platform, report.id, { map: { unitPrice: 'each' } });
  expect(done).toMatchObject({ state: 'done', counts: { lines: ROWS, rejected: 0 } });
});

it('a header without rows is an import of nothing', async () => {
  const [header = ''] = file('Y').split('\n');
  expect(await upload(platform, [`${header}\n,,,,,,,\n`])).toMatchObject({
    state: 'done',
    counts: { rows: 0, lines: 0, invoices: 0, rejected: 0 },
  });
});
