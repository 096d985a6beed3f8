// The disk runs full: what was acknowledged is there once space returns, and accepting goes on by itself.
//
// On a small tmpfs, which has to be mounted; where this user may not, these tests count as skipped.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { consumerOf, endPlatforms, spawnPlatform, startPlatform } from '../support/platform.ts';
import { diceOf } from '../support/seed.ts';
import { canMount, fillBut, mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';
import { expectHeld } from './held-lines.ts';
import { Till } from './till.ts';

const MB = 1_000_000;
let disk: SmallDisk | null = null;

afterEach(async () => {
  await endPlatforms();
  disk?.unmount();
  disk = null;
});

function smallDisk(size: string): SmallDisk {
  disk = mountSmallDisk(`size=${size}`);
  return disk;
}

/** Waits until a till was refused with one of these codes, and told when to come back. */
async function refused(tills: readonly Till[], codes: readonly string[]): Promise<void> {
  const untilMs = Date.now() + 60_000;
  for (;;) {
    const refusals = tills.flatMap((till) => [...till.refusals]);
    const given = refusals.find(([code]) => codes.includes(code));
    if (given !== undefined) return expect(given[1], given[0]).toBeGreaterThan(0);
    if (Date.now() > untilMs) throw new Error(`Nobody was refused: ${JSON.stringify(refusals)}`);
    await pause(50);
  }
}

describe.runIf(canMount())('the disk is nearly full', () => {
  it('answers 503 with Retry-After while there is still room for the stores, and goes on by itself', async () => {
    const { directory, remount } = smallDisk('128m');
    // What is accepted until the door sees the disk takes a few MB, of 45 that LMDB still writes to (disk-room.ts).
    const env = { TILLSTREAM_DISK_RESERVE_BYTES: String(64 * MB) };
    const platform = await startPlatform(join(directory, 'data'), { env });
    const tills = [1, 2, 3, 4].map((number) => new Till(`${number}0`, diceOf(number)));
    let enough = false;
    const selling = Promise.all(tills.map((till) => till.sell(platform.url, () => enough)));
    await pause(1000);
    // Somebody else takes what is left but 62 MB.
    const other = fillBut(directory, 62 * MB);
    const full = await platform.statusWhen(({ accepting }) => !accepting.open);
    expect(full.accepting.reason).toContain('MB are kept for what was accepted before');
    await refused(tills, ['disk_low']);
    expect((await platform.get('/readyz')).status).toBe(503);
    // What was accepted gets into every store all the same, and can be read.
    await expectHeld(platform, tills);

    remount('size=256m');
    await platform.statusWhen(({ accepting }) => accepting.open);
    await rm(other);
    await pause(500);
    enough = true;
    await selling;
    await expectHeld(platform, tills);
    expect((await platform.status()).quarantine.waiting).toBe(0);
    expect(await platform.stop()).toBe(0);
  });
});

describe.runIf(canMount())('the disk is full to the last byte', () => {
  it.each([
    ['goes on by itself', false],
    ['goes on after a kill', true],
  ])('nothing acknowledged is lost, the process does not end, and it %s once there is space', async (_how, killed) => {
    const { directory, remount } = smallDisk('48m');
    const env = { TILLSTREAM_DISK_RESERVE_BYTES: '0', TILLSTREAM_WAREHOUSE_MEMORY_MB: '128' };
    const data = join(directory, 'data');
    let platform = await startPlatform(data, { env });
    const tills = [1, 2, 3, 4].map((number) => new Till(`${number}0`, diceOf(number)));
    let enough = false;
    let selling = Promise.all(tills.map((till) => till.sell(platform.url, () => enough)));
    await pause(1000);
    // LMDB stops before the end (disk-room.ts), and what it is at has room to end.
    fillBut(directory, 12 * MB);
    await refused(tills, ['unavailable', 'try_again']);
    await platform.statusWhen((status) => {
      const { state, lagRecords } = consumerOf(status, 'orders');
      return state === 'waiting' || lagRecords === 0;
    });
    // The last byte is for DuckDB and the lake.
    fillBut(directory, 0);
    // For longer than all retries and backoffs take.
    await pause(6000);
    expect(platform.alive, platform.output.stderr).toBe(true);
    expect((await platform.get('/healthz')).status).toBe(200);
    expect((await platform.status()).quarantine.waiting).toBe(0);

    if (killed) {
      await platform.kill();
      await selling;
    }
    remount('size=256m');
    if (killed) {
      platform = await startPlatform(data, { env });
      selling = Promise.all(tills.map((till) => till.sell(platform.url, () => enough)));
    }
    await platform.statusWhen(({ consumers }) => consumers.every(({ state }) => state === 'running'));
    enough = true;
    await selling;
    const report = await platform.verify();
    expect(report).toMatchObject({ agrees: true });
    await expectHeld(platform, tills);
    expect((await platform.status()).quarantine.waiting).toBe(0);
    expect(await platform.stop()).toBe(0);
  });

  it.each([
    ['a disk that was full before', '128k', 0],
    ['one that would be full before all is made', '8m', 5 * MB],
  ])('up says so, does not start, and does once there is space: %s', async (_case, size, leftBytes) => {
    const { directory, remount } = smallDisk(size);
    fillBut(directory, leftBytes);
    const data = join(directory, 'data');
    const { child, output } = spawnPlatform(data);
    const code = await new Promise((resolve) => child.on('close', resolve));
    const { stdout, stderr } = output;
    expect(stdout).toBe('');
    expect(stderr.slice(stderr.indexOf('disk_full')).replaceAll(directory, '…')).toMatchInlineSnapshot(`
      "disk_full: The disk of the data directory …/data is full.
      Make room there, or choose another directory with --data-dir. What was accepted before is not lost.
      "
    `);
    expect(code).toBe(1);
    remount('size=64m');
    const platform = await startPlatform(data, { env: { TILLSTREAM_DISK_RESERVE_BYTES: '0' } });
    expect(await platform.verify()).toMatchObject({ agrees: true });
  });
});
