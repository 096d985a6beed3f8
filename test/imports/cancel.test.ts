// Imports that are cancelled at random moments, while DuckDB works for them: the platform stays up, and its stores agree.
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { ENDED } from '../../src/imports/import.ts';
import { endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';
import { dice } from '../support/seed.ts';
import { importWhen, settled } from './watched.ts';

const ROUNDS = process.env.TILLSTREAM_TEST_LONG === '1' ? 40 : 2;
/** Of several slices, so that one is read while the one before is written. */
const ROWS = 400_000;

const IMPORT = '/v1/imports?name=large.csv&conflicts=replace';

afterAll(endPlatforms);

/** Of the same lines, but for a text: no file is one that was imported before. */
function fileOf(round: number): string {
  const row = `85123A,WHITE HANGING HEART T-LIGHT HOLDER ${round},6,12/13/2010 8:26,2.55,17850,United Kingdom\n`;
  const rows = Array.from({ length: ROWS }, (_, at) => `${Math.floor(at / 20)},${row}`);
  return `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n${rows.join('')}`;
}

test(`cancelled ${ROUNDS} times, at any moment: nothing ends but the import`, async () => {
  const chance = dice('import cancel');
  const platform = await startPlatform(await freshDirectory('cancel'));
  const states: string[] = [];
  /** As the imports count them: each loads the same lines, as far as it comes. */
  let loaded = 0;
  // One that was quicker than the wish to cancel it is no round.
  while (states.filter((state) => state === 'cancelled').length < ROUNDS) {
    const round = states.length;
    const { body } = await platform.request('POST', IMPORT, fileOf(round), 'text/csv');
    // Half of them while parts are made, half while they are loaded.
    const moment = round % 2 === 0 ? 'staging' : 'loading';
    await importWhen(platform, body.id, ({ state }) => state === moment || ENDED.has(state));
    await pause(chance.between(0, 400));
    await platform.request('POST', `/v1/imports/${body.id}/cancel`);
    const { state, counts } = await settled(platform, body.id);
    expect(['cancelled', 'done']).toContain(state);
    states.push(state);
    loaded = Math.max(loaded, counts?.lines ?? 0);
  }
  expect(platform.alive, platform.output.stderr).toBe(true);
  const { agrees, stores } = await platform.verify();
  expect(agrees).toBe(true);
  expect(stores.map(({ lines }) => lines)).toEqual([loaded, loaded, loaded]);
});
