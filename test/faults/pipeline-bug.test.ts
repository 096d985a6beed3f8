// A release whose pipelines throw on one record, and the release that mends it: what waited comes to every store.
import { afterEach, expect, it } from 'vitest';
import type { QuarantineEntryAnswer } from '../../src/cli/answers.ts';
import { runCli } from '../support/cli.ts';
import { endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';
import { accept, line, lines } from './lines.ts';

afterEach(endPlatforms);

const BUG = { NODE_OPTIONS: `--import=${new URL('./buggy-release.mjs', import.meta.url)}` };
/** The invoice that the release with the bug cannot take; its lines are one record. */
const POISON = '666666';

it('is quarantined by each, its neighbours land; redriven after the fix, all stores hold it and agree', async () => {
  const directory = await freshDirectory('bug');
  const buggy = await startPlatform(directory, { env: BUG });
  await accept(buggy, [...lines('800001', 50), ...lines(POISON, 3), ...lines('800002', 50)]);
  const waiting = { agrees: true, lines: 100, quarantined: 1 };
  expect(await buggy.verify()).toMatchObject({ agrees: true, stores: [waiting, waiting, waiting] });
  const { body } = await buggy.get('/v1/quarantine');
  expect(body.entries.map(({ store, code, message }: QuarantineEntryAnswer) => [store, code, message]).sort()).toEqual(
    ['lake', 'orders', 'warehouse'].map((store) => [store, 'pipeline_failed', 'price is not a function']),
  );
  expect((await buggy.get(`/v1/invoices/${POISON}`)).status).toBe(404);
  expect(await buggy.stop()).toBe(0);

  const mended = await startPlatform(directory);
  // What came later wins over what waited, though it landed first: the record keeps the version it had.
  await accept(mended, [line(POISON, 3, { Quantity: 5 })]);
  await mended.verify();
  const redrive = await runCli(['quarantine', 'redrive', '--all', '--url', mended.url]);
  expect(redrive).toMatchObject({ code: 0, stderr: '' });
  expect(redrive.stdout.match(/^(lake|orders|warehouse)-\d+ {2}redriven$/gm)).toHaveLength(3);

  expect((await mended.get(`/v1/invoices/${POISON}`)).body).toMatchObject({ lineCount: 3, total: 8.75 });
  const quantities = `SELECT line_id, quantity FROM sales WHERE invoice_no = '${POISON}' ORDER BY line_id`;
  expect(await mended.select(quantities)).toEqual([
    ['000001', 1],
    ['000002', 1],
    ['000003', 5],
  ]);
  const store = { lines: 103, revenue: '133.75', agrees: true, quarantined: 0, discarded: 0 };
  expect(await mended.verify()).toMatchObject({ agrees: true, stores: [store, store, store] });
  expect((await mended.status()).quarantine).toEqual({ waiting: 0, redriven: 3, discarded: 0 });
});
