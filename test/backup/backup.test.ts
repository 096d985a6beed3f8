// A backup of a platform under load, restored elsewhere: whole, at one sequence, and going on from there; the platform that it
// was taken of notices nothing.

import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { BackupAnswer } from '../../src/cli/answers.ts';
import { openAccess } from '../../src/platform/access.ts';
import { restore } from '../../src/platform/restore.ts';
import { expectHeld } from '../faults/held-lines.ts';
import { accept, agreeing, line, lines } from '../faults/lines.ts';
import { Till } from '../faults/till.ts';
import { appendUnusable } from '../support/append-unusable.ts';
import { PROGRESS, runCli } from '../support/cli.ts';
import { consumerOf, endPlatforms, freshDirectory, type Platform, startPlatform } from '../support/platform.ts';
import { dice, diceOf } from '../support/seed.ts';

afterEach(endPlatforms);

const WELL = { code: 0, stderr: expect.stringMatching(PROGRESS) };

async function backUp(platform: Platform, path: string): Promise<BackupAnswer> {
  const { code, stdout, stderr } = await runCli(['backup', path, '--json', '--url', platform.url]);
  expect({ code, stderr }).toEqual(WELL);
  return JSON.parse(stdout);
}

async function restored(backup: string, directory: string): Promise<string> {
  const data = join(directory, 'restored');
  const run = await runCli(['restore', backup, '--data-dir', data, '--json']);
  expect(run).toMatchObject(WELL);
  return data;
}

/** Of what a till sends: a later form has a higher number. */
function formOf(description: unknown): number {
  return Number(/^form (\d+) /.exec(String(description))?.[1]);
}

/** As many as a question is answered with. */
const PAGE_ROWS = 10_000;

/** Fails unless the warehouse has every line in the form it was acknowledged in then, or in a later one. */
async function expectAtLeast(platform: Platform, then: ReadonlyMap<string, number>): Promise<void> {
  const held = new Map<string, number>();
  for (let page: readonly (readonly unknown[])[] | null = null; page === null || page.length === PAGE_ROWS; ) {
    page = await platform.select(`
      SELECT invoice_no || ' ' || line_id AS key, description FROM sales ORDER BY key LIMIT ${PAGE_ROWS} OFFSET ${held.size}`);
    for (const [key, description] of page) held.set(String(key), formOf(description));
  }
  const wrong = [...then].filter(([key, form]) => !((held.get(key) ?? -1) >= form));
  expect(wrong.slice(0, 10), `${wrong.length} lines`).toEqual([]);
}

const LATER = '9999999999999999';
const LATER_LINE = `${JSON.stringify({
  shard: 'local',
  sequence: LATER,
  invoiceNo: '700003',
  lineId: '000001',
  stockCode: 'MUG',
  description: null,
  quantity: 1,
  invoiceDate: '2011-12-24T09:00:00',
  unitPrice: 1,
  customerId: null,
  country: 'France',
  receivedAt: 1_700_000_000_000_000,
  position: 0,
  source: 'api',
})}\n`;

describe('a backup under load', () => {
  it.each(['monday', 'monday.tar'])(
    '%s: restored elsewhere it agrees, has all that was acknowledged, and goes on',
    async (name) => {
      const chance = dice('backup');
      const directory = await freshDirectory('backup');
      const platform = await startPlatform(join(directory, 'data'));
      const tills = Array.from({ length: 4 }, (_, index) => new Till(`${index + 1}0`, diceOf(chance.seed + index)));
      let enough = false;
      const selling = Promise.all(tills.map((till) => till.sell(platform.url, () => enough)));
      const then = new Map<string, number>();
      while (then.size < 500) {
        await pause(50);
        for (const till of tills) {
          for (const [key, { acknowledged }] of till.memory) {
            if (acknowledged !== null) then.set(key, formOf(acknowledged.Description));
          }
        }
      }
      const before = await platform.status();
      const report = await backUp(platform, join(directory, name));
      // The door was open all the while.
      await platform.statusWhen(({ stream }) => String(stream.newest) > String(report.sequence));
      enough = true;
      await selling;

      expect(report).toMatchObject({ path: join(directory, name), agrees: true });
      expect(String(report.sequence) >= String(before.stream.newest)).toBe(true);
      expect(String(report.streamNewest) >= String(report.sequence)).toBe(true);
      expect(report.heldSeconds).toBeLessThan(report.seconds);
      expect(tills.flatMap((till) => [...till.refusals])).toEqual([]);
      await expectHeld(platform, tills);
      expect((await readdir(directory)).sort()).toEqual(['data', name]);

      const other = await startPlatform(await restored(join(directory, name), directory));
      const { stores, sequence } = await other.verify();
      expect(stores).toMatchObject([{ agrees: true }, { agrees: true }, { agrees: true }]);
      expect(sequence).toBe(report.streamNewest);
      for (const [index, store] of report.stores.entries()) {
        expect(stores[index]?.lines).toBeGreaterThanOrEqual(store.lines);
      }
      await expectAtLeast(other, then);
      await accept(other, lines('900001', 50));
      const going = await other.statusWhen((status) => status.consumers.every(({ lagRecords }) => lagRecords === 0));
      expect(going.stream.id).toBe(before.stream.id);
      expect(String(going.stream.newest) > String(report.streamNewest)).toBe(true);
      for (const store of ['lake', 'orders', 'warehouse']) {
        expect(consumerOf(going, store)).toMatchObject({ state: 'running', error: null });
      }
      expect((await other.get('/v1/invoices/900001')).body).toMatchObject({ lineCount: 50 });
      expect(await other.verify()).toMatchObject({ agrees: true });
    },
  );

  it('has nothing that came after its sequence in any store, though the stream has it', async () => {
    const directory = await freshDirectory('pinned');
    const platform = await startPlatform(join(directory, 'data'));
    await accept(platform, lines('700001', 20));
    // As the lake has it when delivery goes on while a long backup is still being written.
    const later = join(directory, 'data/lake/raw/dt=2099-01-01/hh=00');
    await mkdir(later, { recursive: true });
    await writeFile(join(later, `local-${LATER}-${LATER}.ndjson.gz`), gzipSync(LATER_LINE));
    const path = join(directory, 'backup');
    let sending = true;
    const sender = (async () => {
      for (let number = 1; sending; number += 1) await accept(platform, [line('700002', number)]);
    })();
    const report = await backUp(platform, path);
    sending = false;
    await sender;
    const raw = (await readdir(join(path, 'lake', 'raw'), { recursive: true })).filter((name) => name.endsWith('.gz'));
    const newest = raw
      .map((name) => /-(\d+)\.ndjson\.gz$/.exec(name)?.[1] ?? '')
      .sort()
      .at(-1);
    expect(newest).toBe(report.sequence);
    expect(JSON.parse(await readFile(join(path, 'lake/state/checkpoint.json'), 'utf8')).sequence).toBe(report.sequence);
    // What was sent meanwhile, and only that, is delivered by the restored platform.
    const other = await startPlatform(await restored(path, directory));
    const { stores } = await other.verify();
    const meanwhile = Number(report.streamNewest) - Number(report.sequence);
    expect(stores.map((store) => store.lines)).toEqual(report.stores.map((store) => store.lines + meanwhile));
  });
});

describe('a restored platform', () => {
  it('has what verify found when the backup was taken: the same figures, the quarantine, keys and tokens', async () => {
    const directory = await freshDirectory('survives');
    const data = join(directory, 'data');
    let platform = await startPlatform(data);
    await accept(platform, lines('800001', 50));
    await platform.stop();
    await appendUnusable(join(data, 'stream'), ['what is this?\n']);
    platform = await startPlatform(data, { auth: true });
    const admin = { dataDir: data };
    const cli = async (words: readonly string[], { dataDir } = admin) => {
      const { code, stdout } = await runCli([...words, '--json', '--data-dir', dataDir]);
      expect(code, words.join(' ')).toBe(0);
      return JSON.parse(stdout);
    };
    const { key } = await cli(['keys', 'create', 'app', '--scope', 'ingest,read']);
    const { token } = await cli(['token', '17850']);
    const oldAdminKey = (await readFile(join(data, 'admin-key'), 'utf8')).trim();
    await expect.poll(async () => (await cli(['status'])).quarantine.waiting).toBe(3);
    const path = join(directory, 'backup.tar');
    const report: BackupAnswer = await cli(['backup', path]);
    await platform.stop();

    const otherData = await restored(path, directory);
    const other = await startPlatform(otherData, { auth: true });
    const there = { dataDir: otherData };
    const verified = await cli(['verify'], there);
    expect(verified.sequence).toBe(report.sequence);
    expect(verified.stores).toMatchObject(report.stores);
    expect(report.stores).toMatchObject([{ quarantined: 1 }, { quarantined: 1 }, { quarantined: 1 }]);
    const { entries } = await cli(['quarantine', 'list'], there);
    expect(entries).toHaveLength(3);

    const asked = (path: string, secret: string) =>
      fetch(other.url + path, { headers: { authorization: `Bearer ${secret}` } }).then(({ status }) => status);
    expect(await asked('/v1/status', key)).toBe(200);
    expect(await asked('/v1/customers/17850', token)).toBe(200);
    expect(await asked('/v1/keys', oldAdminKey)).toBe(200);
    expect(await asked('/v1/keys', 'nothing')).toBe(401);
    // With --new-keys, none of them is good, and there is an admin key all the same.
    const fresh = join(directory, 'new-keys');
    const run = await runCli(['restore', path, '--data-dir', fresh, '--new-keys']);
    expect(run.stderr).toContain('No key or token of the backup opens anything');
    const access = await openAccess({ state: join(fresh, 'state'), adminKey: join(fresh, 'admin-key') }, true);
    const unauthorized = expect.objectContaining({ code: 'unauthorized' });
    for (const old of [key, oldAdminKey]) expect(() => access.keys.callerOf(old)).toThrow(unauthorized);
    await expect(access.tokens.callerOf(token)).rejects.toEqual(unauthorized);
    expect(access.adminKey.isNew).toBe(true);
    await access.close();
    // The key of the commands on the machine is not in a backup: the restored platform has made its own.
    expect((await readFile(join(otherData, 'admin-key'), 'utf8')).trim()).not.toBe(oldAdminKey);
  });

  it('of an empty platform is empty, and takes its first line', async () => {
    const directory = await freshDirectory('empty');
    const platform = await startPlatform(join(directory, 'data'));
    const report = await backUp(platform, join(directory, 'backup'));
    expect(report).toMatchObject({ sequence: null, streamNewest: null, agrees: true });
    const other = await startPlatform(await restored(join(directory, 'backup'), directory));
    await accept(other, lines('1', 3));
    expect(await other.verify()).toMatchObject(agreeing(3));
  });

  it('is for nobody but its user, and so is the backup', async () => {
    const directory = await freshDirectory('private');
    const platform = await startPlatform(join(directory, 'data'));
    await accept(platform, lines('1', 3));
    await backUp(platform, join(directory, 'backup'));
    await backUp(platform, join(directory, 'backup.tar'));
    await restore({
      backup: join(directory, 'backup.tar'),
      dataDirectory: join(directory, 'r'),
      newKeys: false,
      onProgress: () => {},
    });
    for (const name of [
      'backup',
      'backup.tar',
      'backup/state/data.mdb',
      'backup/manifest.json',
      'r',
      'r/state/data.mdb',
    ]) {
      expect(((await stat(join(directory, name))).mode & 0o077).toString(8), name).toBe('0');
    }
  });
});
