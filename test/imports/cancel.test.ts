// Imports that are cancelled at random moments, while DuckDB works for them: the platform stays up, and its stores agree.
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';
import { dice } from '../support/seed.ts';
import { settled } from './watched.ts';

const ROUNDS = process.env.TILLSTREAM_TEST_LONG === '1' ? 40 : 2;
/** Of several slices, so that one is read while the one before is written. */
const ROWS = 400_000;

afterAll(endPlatforms);

test(`cancelled ${ROUNDS} times, at any moment: nothing ends but the import`, async () => {
  const chance = dice('import cancel');
  const platform = await startPlatform(await freshDirectory('cancel'));
  const rows = Array.from(
    { length: ROWS },
    (_, at) =>
      `${Math.floor(at / 20)},85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,12/13/2010 8:26,2.55,17850,United Kingdom\n`,
  );
  const file = `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n${rows.join('')}`;
  const states: string[] = [];
  /** As the imports count them: each loads the same lines, as far as it comes. */
  let loaded = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const { body } = await platform.request('POST', '/v1/imports?name=large.csv', file, 'text/csv');
    // Half of them while parts are made, half while they are loaded.
    const moment = round % 2 === 0 ? 'staging' : 'loading';
    let now = '';
    while (now !== moment && now !== 'done') {
      await pause(20);
      now = (await platform.get(`/v1/imports/${body.id}`)).body.state;
    }
    await pause(chance.between(0, 400));
    await platform.request('POST', `/v1/imports/${body.id}/cancel`);
    const { state, counts } = await settled(platform, body.id);
    states.push(state);
    loaded = Math.max(loaded, counts?.lines ?? 0);
    if (state === 'done' || state === 'already_imported') break; // it was quicker, and the next would be too
  }
  expect(states).toContain('cancelled');
  expect(platform.alive, platform.output.stderr).toBe(true);
  const { agrees, stores } = await platform.verify();
  expect(agrees).toBe(true);
  expect(stores.map(({ lines }) => lines)).toEqual([loaded, loaded, loaded]);
});
