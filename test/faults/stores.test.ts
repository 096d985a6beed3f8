// A store that was deleted, that comes from elsewhere, or that is away for a while: nothing is dropped, nothing is skipped,
// the others go on, and status says what is the matter.
import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { consumerOf, endPlatforms, freshDirectory, type Platform, startPlatform } from '../support/platform.ts';
import { accept, agreeing, lines } from './lines.ts';

afterEach(endPlatforms);

/** What every store has leaves the stream at once. */
const KEEP_NOTHING = { env: { TILLSTREAM_STREAM_HOURS: '0' } };
const STORES = ['lake', 'orders', 'warehouse'] as const;

describe('a store is deleted while the platform is down', () => {
  it('while the stream has everything, each fills again by itself', async () => {
    const directory = await freshDirectory('refill');
    let platform = await startPlatform(directory);
    await accept(platform, lines('800001', 300));
    await platform.verify();
    await platform.stop();
    for (const store of STORES) await rm(join(directory, store), { recursive: true });
    platform = await startPlatform(directory);
    await accept(platform, lines('800002', 100));
    expect(await platform.verify()).toMatchObject(agreeing(400));
    expect((await platform.get('/v1/invoices/800001')).body).toMatchObject({ lineCount: 300, total: 375 });
    expect(await platform.select('SELECT count(*) FROM sales')).toEqual([[400]]);
  });

  it.each(STORES)(
    '%s: when the stream no longer has it all, that store stops with stream_gap, the others go on',
    async (store) => {
      const directory = await freshDirectory('gap');
      let platform = await startPlatform(directory, KEEP_NOTHING);
      await accept(platform, lines('800001', 300));
      await trimmed(platform);
      await platform.stop();
      await rm(join(directory, store), { recursive: true });

      platform = await startPlatform(directory, KEEP_NOTHING);
      const newest = (await platform.status()).stream.newest;
      await expectStopped(platform, store, `is new, but the stream no longer has its records up to ${newest}`);
      await accept(platform, lines('800002', 100));
      await othersCaughtUp(platform, store);
      // Any other store is rebuilt from the lake: it holds nothing back. The lake must get all that the stream still has.
      if (store === 'lake') await pause(1500);
      else await platform.statusWhen(({ stream }) => stream.trimmed === stream.newest);
      expect((await platform.status()).stream.trimmed === newest).toBe(store === 'lake');
      const verified = await platform.request('POST', '/v1/verify');
      expect(verified).toMatchObject({ status: 409, body: { code: 'stream_gap' } });
      const screen = await runCli(['status', '--url', platform.url]);
      expect(screen.stdout).toMatch(new RegExp(`^ +${store}: stream_gap: The ${store} store is new, but`, 'm'));
      expect(await platform.stop()).toBe(0);
      if (store !== 'lake') return;
      // And it says so again after the next start.
      platform = await startPlatform(directory, KEEP_NOTHING);
      await expectStopped(platform, store, 'is new, but');
    },
  );

  it('the stream itself: every store stops with stream_gap rather than take numbers for its own; accepting goes on', async () => {
    const directory = await freshDirectory('no-stream');
    let platform = await startPlatform(directory);
    await accept(platform, lines('800001', 3));
    await platform.verify();
    await platform.stop();
    await rm(join(directory, 'stream'), { recursive: true });
    platform = await startPlatform(directory);
    for (const store of STORES) await expectStopped(platform, store, 'belongs to another stream');
    await accept(platform, lines('800001', 3, 4));
    expect((await platform.get('/v1/invoices/800001')).body).toMatchObject({ lineCount: 3 });
  });
});

describe('a store from another data directory', () => {
  let directories: string;
  let own: string;
  let other: string;
  beforeAll(async () => {
    directories = await mkdtemp(join(tmpdir(), 'tillstream-filled-')); // for all tests of this group
    [own, other] = await Promise.all([filled('800001'), filled('900001')]);
  });
  afterAll(() => rm(directories, { recursive: true, force: true }));

  async function filled(invoiceNo: string): Promise<string> {
    const directory = join(directories, invoiceNo);
    const platform = await startPlatform(directory);
    await accept(platform, lines(invoiceNo, 30));
    await platform.verify();
    await platform.stop();
    return directory;
  }

  it.each(STORES)('%s is not taken for this one: stream_gap', async (store) => {
    const directory = join(await freshDirectory('mixed'), 'data');
    await cp(own, directory, { recursive: true });
    await rm(join(directory, store), { recursive: true });
    await cp(join(other, store), join(directory, store), { recursive: true });

    const platform = await startPlatform(directory, KEEP_NOTHING);
    await expectStopped(platform, store, 'belongs to another stream');
    await accept(platform, lines('800002', 10));
    await othersCaughtUp(platform, store);
    // Its sequences are those of another stream: retention must not take them for ours.
    if (store === 'lake') await pause(1500);
    else await platform.statusWhen(({ stream }) => stream.trimmed === stream.newest);
    if (store === 'lake') expect((await platform.status()).stream.trimmed).toBeNull();
  });
});

describe('a store is away for a while', () => {
  /** What has to be a directory, for the store to work. */
  it.each([
    ['lake', 'lake/raw'],
    ['warehouse', 'warehouse/load'],
  ])('%s: nothing is dropped, its lag shows, it catches up by itself', async (store, needed) => {
    const directory = await freshDirectory('away');
    const platform = await startPlatform(directory, KEEP_NOTHING);
    await accept(platform, lines('800001', 100));
    await platform.verify();
    const path = join(directory, needed);
    await takeAway(path);
    await accept(platform, lines('800002', 100));
    const away = await platform.statusWhen((status) => consumerOf(status, store).state === 'waiting');
    expect(consumerOf(away, store)).toMatchObject({ lagRecords: 1, error: { code: 'unavailable' } });
    expect(away.accepting.open).toBe(true);
    await othersCaughtUp(platform, store);
    expect((await platform.get('/v1/invoices/800002')).body).toMatchObject({ lineCount: 100 });
    const later = await platform.statusWhen((status) => consumerOf(status, store).lagSeconds > 2);
    expect(later.stream.newest).not.toBe(later.stream.trimmed);
    expect(later.quarantine.waiting).toBe(0);

    await putBack(path);
    const back = await platform.statusWhen((status) => {
      const { lagRecords, state } = consumerOf(status, store);
      return lagRecords === 0 && state === 'running';
    });
    expect(consumerOf(back, store)).toMatchObject({ lagSeconds: 0, error: null });
    expect(await platform.verify()).toMatchObject(agreeing(200));
  });

  it('the platform is killed meanwhile: it still catches up', async () => {
    const directory = await freshDirectory('away-killed');
    let platform = await startPlatform(directory, KEEP_NOTHING);
    await accept(platform, lines('800001', 100));
    await platform.verify();
    await takeAway(join(directory, 'lake/raw'));
    await accept(platform, lines('800002', 100));
    await platform.statusWhen((status) => consumerOf(status, 'lake').state === 'waiting');
    await platform.kill();
    platform = await startPlatform(directory, KEEP_NOTHING);
    await accept(platform, lines('800003', 100));
    await platform.statusWhen((status) => consumerOf(status, 'lake').state === 'waiting');
    await putBack(join(directory, 'lake/raw'));
    expect(await platform.verify()).toMatchObject(agreeing(300));
  });
});

/** Permissions do not stop root; a file in the place of a directory does. */
async function takeAway(path: string): Promise<void> {
  await rename(path, `${path}.away`);
  await writeFile(path, '');
}

async function putBack(path: string): Promise<void> {
  await rm(path);
  // Into what the store may have made there at once.
  await cp(`${path}.away`, path, { recursive: true });
}

/** Waits until retention has removed everything, which it does only when every store has it. */
async function trimmed(platform: Platform): Promise<void> {
  await platform.verify();
  await platform.statusWhen(({ stream }) => stream.newest !== null && stream.trimmed === stream.newest);
}

async function othersCaughtUp(platform: Platform, store: string): Promise<void> {
  await platform.statusWhen(({ consumers }) =>
    consumers.every((each) => each.store === store || (each.lagRecords === 0 && each.state === 'running')),
  );
}

async function expectStopped(platform: Platform, store: string, reason: string): Promise<void> {
  const status = await platform.statusWhen((found) => consumerOf(found, store).state === 'stopped');
  const { error } = consumerOf(status, store);
  expect(error).toMatchObject({ code: 'stream_gap', message: expect.stringContaining(`The ${store} store ${reason}`) });
  // The lake cannot be built from the others.
  expect(error?.hint).toContain(store === 'lake' ? 'from a backup' : `tillstream rebuild ${store}`);
}
