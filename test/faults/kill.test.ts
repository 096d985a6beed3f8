// kill -9 at random moments under load: nothing acknowledged is lost, nothing counts twice, in any store.
//
// A killed process alone does not show that the disk had it: sync-precedes-answer.test.ts does.
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { endPlatforms, freshDirectory, spawnPlatform, startPlatform } from '../support/platform.ts';
import { dice, diceOf } from '../support/seed.ts';
import { expectHeld } from './held-lines.ts';
import { Till } from './till.ts';

const ROUNDS = process.env.TILLSTREAM_TEST_LONG === '1' ? 200 : 8;
const TILLS = 6;
/** Everything is read and compared after so many rounds; doing it every time would leave no room for anything else. */
const ROUNDS_BETWEEN_CHECKS = 7;

afterEach(endPlatforms);

it(`kill -9 under load, ${ROUNDS} times: no acknowledged line is missing and none is there twice, in any store`, async () => {
  const chance = dice('kill');
  const directory = await freshDirectory('kill');
  const tills = Array.from({ length: TILLS }, (_, index) => new Till(`${index + 1}0`, diceOf(chance.seed + index)));
  for (let round = 1; round <= ROUNDS; round += 1) {
    if (chance.next() < 0.2) await killWhileStarting(directory, chance.between(0, 1500));
    const platform = await startPlatform(directory);
    if (round % ROUNDS_BETWEEN_CHECKS === 0) await expectHeld(platform, tills);
    const selling = Promise.all(tills.map((till) => till.sell(platform.url, () => false)));
    const momentMs = chance.between(1, 900);
    // Comparing makes all consumers deliver at once: the lake too, which otherwise waits for seconds.
    const verifying = chance.next() < 0.5 ? pause(chance.between(0, momentMs)).then(() => platform.verify()) : null;
    verifying?.catch(() => {}); // it is killed with the platform
    await pause(momentMs);
    expect(platform.alive, platform.output.stderr).toBe(true);
    await platform.kill();
    await selling;
  }
  const platform = await startPlatform(directory);
  await expectHeld(platform, tills);
  await Promise.all(tills.map((till) => till.sell(platform.url, () => true)));
  await expectHeld(platform, tills);
  const { quarantine } = await platform.status();
  expect(quarantine.waiting).toBe(0);
  const lines = tills.reduce((sum, till) => sum + till.memory.size, 0);
  expect(lines).toBeGreaterThan(ROUNDS * 20);
  expect(await platform.stop()).toBe(0);
});

async function killWhileStarting(directory: string, momentMs: number): Promise<void> {
  const { child } = spawnPlatform(directory);
  await pause(momentMs);
  const gone = new Promise((resolve) => child.on('exit', resolve));
  if (child.kill('SIGKILL')) await gone;
}
