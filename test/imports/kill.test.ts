// kill -9 at random moments of an import: resumed, it leaves the same stores as one that was never killed. And lines that come in
// live while they are imported: the newest version stands in every store.
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { dataset } from '../support/dataset.ts';
import { endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';
import { dice } from '../support/seed.ts';
import { beginFromInbox, settled } from './watched.ts';

const KILLS = process.env.TILLSTREAM_TEST_LONG === '1' ? 30 : 2;
/** Without the data set: enough for two parts. */
const GENERATED_LINES = 250_000;
/** An import takes about that long; later ones come upon what is left of it. */
const MOMENT_MS_MAX = 4000;

afterEach(endPlatforms);

let file: string;
beforeAll(async () => {
  if (dataset !== null) file = dataset;
  else {
    file = join(await freshDirectory('generated'), 'sales.csv');
    expect((await runCli(['generate', '--lines', String(GENERATED_LINES), '--out', file])).code).toBe(0);
  }
});

it(`kill -9 at ${KILLS} moments of an import: it goes on, and the stores are those of one that was never killed`, async () => {
  const chance = dice('import kill');
  const untouched = await startPlatform(await freshDirectory('import-whole'));
  await copyFile(file, join(untouched.directory, 'lake', 'inbox', 'sales'));
  const whole = await settled(untouched, await beginFromInbox(untouched, 'sales'));
  expect(whole.state).toBe('done');
  const expected = await untouched.verify();
  expect(expected.agrees).toBe(true);
  await untouched.stop();

  const directory = await freshDirectory('import-kill');
  let platform = await startPlatform(directory);
  await copyFile(file, join(directory, 'lake', 'inbox', 'sales'));
  const id = await beginFromInbox(platform, 'sales');
  for (let kill = 0; kill < KILLS; kill += 1) {
    await pause(chance.between(0, MOMENT_MS_MAX));
    await platform.kill();
    platform = await startPlatform(directory);
  }
  const report = await settled(platform, id);
  expect(report).toMatchObject({ state: 'done', counts: whole.counts, error: null });
  const { stores, agrees } = await platform.verify();
  expect(agrees).toBe(true);
  expect(stores).toEqual(expected.stores);
  expect(await platform.stop()).toBe(0);
});
