// A backup or a restore that does not come to its end: killed, cancelled, out of room. Nothing half is taken for whole, and the
// platform sells on.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { accept, agreeing, lines } from '../faults/lines.ts';
import { cliEnvironment, cliPath, runCli } from '../support/cli.ts';
import { endPlatforms, freshDirectory, type Platform, remember, startPlatform } from '../support/platform.ts';
import { dice } from '../support/seed.ts';
import { canMount, mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';

let disk: SmallDisk | null = null;
afterEach(async () => {
  await endPlatforms();
  disk?.unmount();
  disk = null;
});

const post = (platform: Platform, path: string) =>
  platform.request('POST', '/v1/backups', JSON.stringify({ path }), 'application/json');

async function platformWith(count: number, directory: string): Promise<Platform> {
  const platform = await startPlatform(directory);
  await accept(platform, lines('500001', count));
  return platform;
}

const long = process.env.TILLSTREAM_TEST_LONG === '1';
const ROUNDS = long ? 20 : 1;

describe('a platform that is killed during a backup', () => {
  it.each(['backup', 'backup.tar'])(
    `%s, ${ROUNDS} times: what is there is whole or refused, and the platform starts and verifies`,
    async (name) => {
      const chance = dice('kill during a backup');
      const directory = await freshDirectory('killed');
      const data = join(directory, 'data');
      const path = join(directory, name);
      let platform = await platformWith(500, data);
      /** Where backups are faster than the kill, it comes sooner. */
      let latestMs = 600;
      for (let cutOff = 0; cutOff < ROUNDS; ) {
        let isOver = false;
        const asked = post(platform, path)
          .catch(() => null) // its connection ends with the platform
          .finally(() => {
            isOver = true;
          });
        const begun = join(directory, name === 'backup' ? 'backup/unfinished' : 'backup.tar.unfinished');
        while (!existsSync(begun) && !isOver) await pause(1);
        await pause(chance.between(0, latestMs));
        await platform.kill();
        await asked;
        const restored = join(directory, 'restored');
        const { code, stderr } = await runCli(['restore', path, '--data-dir', restored]);
        if (code === 0) {
          latestMs = Math.floor(latestMs / 2);
          await rm(path, { recursive: true });
          await rm(restored, { recursive: true });
        } else {
          cutOff += 1;
          expect(stderr).toMatch(
            /^(backup_damaged: .* has no manifest\.json|file_not_found: .*backup\.tar is not there)/,
          );
          expect(existsSync(restored)).toBe(false);
        }
        platform = await startPlatform(data);
        expect(await platform.verify()).toMatchObject(agreeing(500));
      }
      // The next one to the same place clears what was left.
      expect(await post(platform, path)).toMatchObject({ status: 201 });
      expect((await readdir(directory)).sort()).toEqual([name, 'data'].sort());
      expect((await runCli(['restore', path, '--data-dir', join(directory, 'last')])).code).toBe(0);
    },
  );
});

function spawnBackup(platform: Platform, path: string): ChildProcess {
  return remember(
    spawn(process.execPath, [cliPath, 'backup', path, '--url', platform.url], {
      env: cliEnvironment(),
      stdio: 'ignore',
    }),
  );
}

describe('a backup that is cancelled', () => {
  it.each(['backup', 'backup.tar'])('%s: Ctrl-C removes what was written, and delivery goes on', async (name) => {
    const directory = await freshDirectory('cancelled');
    const platform = await platformWith(500, join(directory, 'data'));
    let code: unknown = 0;
    while (code === 0) {
      await rm(join(directory, name), { recursive: true, force: true }); // of one that was faster
      const child = spawnBackup(platform, join(directory, name));
      const ended = new Promise((resolve) => child.on('exit', resolve));
      while (child.exitCode === null && (await readdir(directory)).length === 1) await pause(1);
      child.kill('SIGINT');
      code = await ended;
    }
    expect(code).toBe(130);
    await expect.poll(() => readdir(directory)).toEqual(['data']);
    await expect.poll(async () => (await platform.get('/v1/backups')).body).toEqual({ running: null });
    await accept(platform, lines('500001', 1, 501));
    expect(await platform.verify()).toMatchObject(agreeing(501));
  });

  it('by the end of the platform: it does not wait for it, and leaves nothing that looks whole and is not', async () => {
    const directory = await freshDirectory('ending');
    const platform = await platformWith(500, join(directory, 'data'));
    const path = join(directory, 'backup');
    const asked = post(platform, path);
    asked.catch(() => {});
    while (!existsSync(path)) await pause(1);
    expect(await platform.stop()).toBe(0);
    await asked.catch(() => null);
    // Else it was faster.
    const isWhole = existsSync(join(path, 'manifest.json'));
    const { code } = await runCli(['restore', path, '--data-dir', join(directory, 'restored')]);
    expect(code === 0).toBe(isWhole);
    const next = await startPlatform(platform.directory);
    expect(await next.verify()).toMatchObject(agreeing(500));
  });
});

describe('the place of a backup', () => {
  it('is taken, missing, or within the data directory: refused before anything is written', async () => {
    const directory = await freshDirectory('place');
    const data = join(directory, 'data');
    const platform = await platformWith(5, data);
    await mkdir(join(directory, 'taken', 'by-me'), { recursive: true });
    const refusals = [];
    for (const path of ['taken', 'no/parent', 'data/backup', 'data/backup.tar', 'data/lake', 'monday.tar.gz']) {
      const { status, body } = await post(platform, join(directory, path));
      refusals.push(`${status} ${body.code}: ${body.detail}`.replaceAll(directory, '…'));
    }
    expect(refusals).toMatchInlineSnapshot(`
      [
        "400 backup_exists: …/taken is not an empty directory.",
        "400 file_not_found: …/no is not there, on the machine of the platform.",
        "400 wrong_usage: …/data/backup is inside the data directory …/data.",
        "400 wrong_usage: …/data/backup.tar is inside the data directory …/data.",
        "400 wrong_usage: …/data/lake is inside the data directory …/data.",
        "400 wrong_usage: …/monday.tar.gz cannot be made: a backup is a directory, or a .tar as it is.",
      ]
    `);
    expect((await readdir(directory)).sort()).toEqual(['data', 'taken']);
    expect(await post(platform, 'relative')).toMatchObject({ status: 400, body: { code: 'invalid_parameter' } });
    expect(await platform.verify()).toMatchObject(agreeing(5));
  });
});

describe.runIf(canMount())('a disk without room', () => {
  it('is refused before anything is written, with what is needed; so is a restore to it', async () => {
    disk = mountSmallDisk('size=17m');
    const directory = await freshDirectory('no-room');
    const platform = await platformWith(2000, join(directory, 'data'));
    // What is needed is what the stores take, once they have it all.
    expect(await platform.verify()).toMatchObject(agreeing(2000));
    for (const name of ['backup', 'backup.tar']) {
      const { code, stderr } = await runCli(['backup', join(disk.directory, name), '--url', platform.url]);
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^disk_full: \S+ needs [\d.]+ MB, and 16\.8 MB are to stay free; its disk has [\d.]+ MB\.\n/,
      );
    }
    expect(await readdir(disk.directory)).toEqual([]);
    const path = join(directory, 'backup');
    expect(await post(platform, path)).toMatchObject({ status: 201 });
    const { code, stderr } = await runCli(['restore', path, '--data-dir', join(disk.directory, 'data')]);
    expect(code).toBe(1);
    expect(stderr).toContain('disk_full');
    expect(await readdir(disk.directory)).toEqual([]);
  });

  it('fills up on the way, wherever: the backup and the restore fail, and leave nothing', async () => {
    const directory = await freshDirectory('fills-up');
    const platform = await platformWith(200, join(directory, 'data'));
    const whole = join(directory, 'whole');
    expect(await post(platform, whole)).toMatchObject({ status: 201 });
    const failures = new Set<string>();
    // No room for another file, though there is for bytes: so it fails at every step in turn.
    for (let files = 2; files <= 41; files += long ? 1 : 13) {
      disk = mountSmallDisk(`size=64m,nr_inodes=${files}`);
      const results = [
        await post(platform, join(disk.directory, 'backup')),
        await post(platform, join(disk.directory, 'backup.tar')),
      ];
      const restore = await runCli(['restore', whole, '--data-dir', join(disk.directory, 'data')]);
      for (const [index, { status, body }] of results.entries()) {
        if (status === 201) continue;
        failures.add(`backup ${index}: ${body.code}`);
        expect(existsSync(join(disk.directory, index === 0 ? 'backup' : 'backup.tar'))).toBe(false);
      }
      if (restore.code !== 0) failures.add(`restore: ${restore.stderr.split(':', 1)[0]}`);
      const left = await readdir(disk.directory);
      expect(left.sort()).toEqual(
        [
          ...(results[0]?.status === 201 ? ['backup'] : []),
          ...(results[1]?.status === 201 ? ['backup.tar'] : []),
          ...(restore.code === 0 ? ['data'] : []),
        ].sort(),
      );
      disk.unmount();
      disk = null;
      if (results.every(({ status }) => status === 201) && restore.code === 0) break;
    }
    expect([...failures].sort()).toEqual(['backup 0: disk_full', 'backup 1: disk_full', 'restore: disk_full']);
    await accept(platform, lines('500001', 1, 201));
    expect(await platform.verify()).toMatchObject(agreeing(201));
  });
});
