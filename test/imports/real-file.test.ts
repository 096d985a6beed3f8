// The real data set as it is, by each way in: every figure that is known of it stands, in all three stores. Twice, with --again,
// and before, while and after the same file is replayed, nothing is different.
import { spawn } from 'node:child_process';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ImportReport } from '../../src/imports/import.ts';
import { lineHash } from '../../src/model/digest.ts';
import { FIGURES, LINES, REVENUE } from '../e2e/dataset-figures.ts';
import { cliEnvironment, cliPath, runCli } from '../support/cli.ts';
import { dataset } from '../support/dataset.ts';
import { endPlatforms, freshDirectory, type Platform, remember, startPlatform } from '../support/platform.ts';
import { readDataset } from '../support/read-dataset.ts';
import { beginFromInbox, settled } from './watched.ts';

const INVOICES = 25_900;
const STORE = { lines: LINES, invoices: INVOICES, revenue: String(REVENUE), agrees: true, quarantined: 0 };
const COUNTS = { rows: LINES, lines: LINES, invoices: INVOICES, rejected: 0, superseded: 0, revenue: String(REVENUE) };
/** Of the first rows of the file: so many are replayed beside the import. */
const REPLAYED = process.env.TILLSTREAM_TEST_LONG === '1' ? LINES : 20_000;
const TIMEOUT_MS = 600_000;

/** The digest of model/digest.ts over all lines of the warehouse; verify says that the others have the same. */
const HASH = `SELECT CAST(sum(CAST(CAST('0x' || left(md5(concat_ws(chr(31),
  invoice_no, line_id, stock_code, coalesce(description, chr(30)), CAST(quantity AS VARCHAR),
  strftime(invoice_date, '%Y-%m-%dT%H:%M:%S'), CAST(CAST(unit_price * 10000 AS BIGINT) AS VARCHAR),
  coalesce(customer_id, chr(30)), country)), 15) AS BIGINT) AS HUGEINT)) AS VARCHAR) FROM sales`;

describe.runIf(dataset !== null)('the real file', { timeout: TIMEOUT_MS }, () => {
  const file = dataset ?? '';
  /** Of the lines as another reader has them. */
  let hash = 0n;
  beforeAll(async () => {
    for await (const line of readDataset()) {
      // Some descriptions have blanks around them.
      hash += lineHash({ ...line, description: line.description?.trim() || null });
    }
  });
  afterEach(endPlatforms);

  async function expectWhole(platform: Platform): Promise<void> {
    const { agrees, stores, replaced } = await platform.verify();
    expect({ agrees, replaced }).toEqual({ agrees: true, replaced: 0 });
    expect(stores).toMatchObject([STORE, STORE, STORE]);
    expect(await platform.select(HASH)).toEqual([[String(hash)]]);
  }

  async function upload(platform: Platform, parameters = ''): Promise<ImportReport> {
    const body = new Uint8Array(await readFile(file));
    const answer = await fetch(`${platform.url}/v1/imports?name=online-retail.csv.gz${parameters}`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body,
    });
    expect(answer.status).toBe(202);
    return settled(platform, ((await answer.json()) as ImportReport).id);
  }

  /** Its first rows; resolves once they are all accepted. */
  function replay(platform: Platform): Promise<number | null> {
    const words = ['replay', file, '--url', platform.url, '--batch', '500', '--limit', String(REPLAYED)];
    const child = spawn(process.execPath, [cliPath, ...words], {
      cwd: platform.directory,
      env: cliEnvironment(),
      stdio: 'ignore',
    });
    remember(child);
    return new Promise((resolve) => child.on('close', resolve));
  }

  it('uploaded: every figure; again and with --again nothing changes, nor by a replay afterwards', async () => {
    const platform = await startPlatform(await freshDirectory('real-upload'));
    const first = await upload(platform);
    expect(first).toMatchObject({ state: 'done', counts: { ...COUNTS, replaced: 0 }, firstRejects: [] });
    expect(first.readings).toMatchObject([
      { format: 'csv', compression: 'gzip', encoding: 'windows-1252', delimiter: ',', dateOrder: 'month-first' },
    ]);
    await expectWhole(platform);
    for (const [name, sql, expected] of FIGURES) {
      expect(Number((await platform.select(sql))[0]?.[0]), name).toBe(expected);
    }
    await expectAnswers(platform);

    expect(await upload(platform)).toMatchObject({ state: 'already_imported', sameAs: first.id, counts: COUNTS });
    const again = await upload(platform, '&again=true');
    expect(again).toMatchObject({ state: 'done', sameAs: first.id, counts: { ...COUNTS, replaced: 0 } });
    expect(await replay(platform)).toBe(0);
    await expectWhole(platform);
    expect(await platform.stop()).toBe(0);
  });

  it('from the inbox, after a replay', async () => {
    const platform = await startPlatform(await freshDirectory('real-inbox'));
    expect(await replay(platform)).toBe(0);
    await copyFile(file, join(platform.directory, 'lake', 'inbox', 'sales.csv.gz'));
    const report = await settled(platform, await beginFromInbox(platform, 'sales.csv.gz'));
    expect(report).toMatchObject({ state: 'done', origin: 'inbox', counts: { ...COUNTS, replaced: 0 } });
    await expectWhole(platform);
  });

  it('by the command, in the middle of a replay', async () => {
    const platform = await startPlatform(await freshDirectory('real-command'));
    const replaying = replay(platform);
    await platform.statusWhen(({ accepted }) => accepted.lines > 0);
    const { code, stdout, stderr } = await runCli(['import', file, '--json', '--data-dir', platform.directory]);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'done', counts: COUNTS });
    expect(await replaying).toBe(0);
    await expectWhole(platform);
  });
});

/** What is known of single invoices, days and customers. */
async function expectAnswers(platform: Platform): Promise<void> {
  const answer = async (path: string): Promise<unknown> => (await platform.get(path)).body;
  expect(await answer('/v1/invoices/536365')).toMatchObject({
    lineCount: 7,
    total: 139.12,
    customerId: '17850',
    country: 'United Kingdom',
    invoiceDate: '2010-12-01T08:26:00',
  });
  const largest = (await platform.get('/v1/invoices/573585')).body.lines as { lineId: string }[];
  expect(largest.map(({ lineId }) => Number(lineId))).toEqual(Array.from({ length: 1114 }, (_, at) => at + 1));
  expect(await answer('/v1/analytics/invoices?order=highest&limit=1')).toMatchObject({
    invoices: [{ invoiceNo: '581483', total: 168_469.6, customerId: '16446' }],
  });
  const sales = (await platform.get('/v1/analytics/sales?by=day')).body;
  expect(sales.periods).toHaveLength(305);
  expect(sales.totals).toMatchObject({ revenue: REVENUE, lines: LINES, customers: 4372 });
  expect(await answer('/v1/customers/17850')).toMatchObject({ customerId: '17850', country: 'United Kingdom' });
}
