// Which platform a command asks.
import { once } from 'node:events';
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { generate } from 'selfsigned';
import { afterEach, describe, expect, it } from 'vitest';
import { ask } from '../../src/cli/connection.ts';
import { findPlatform } from '../../src/cli/find-platform.ts';
import { startOf } from '../../src/platform/running-platform.ts';
import { runCli } from '../support/cli.ts';
import { endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';

afterEach(endPlatforms);

it("where a shop's platform and a sample's run side by side, it says which one it asks; named, it need not", async () => {
  const cwd = await freshDirectory('both');
  const shop = await startPlatform(join(cwd, 'tillstream-data'));
  const alone = await runCli(['status'], { cwd });
  expect(alone.stderr).toBe('');
  const sample = await startPlatform(join(cwd, 'tillstream-sample'), { args: ['--sample', '10'] });

  const both = await runCli(['status'], { cwd });
  expect(both.stdout).toContain(` at ${shop.url},`);
  expect(both.stderr).toMatchInlineSnapshot(`
    "Two platforms run here. This is that of ./tillstream-data; for the other: --data-dir tillstream-sample
    "
  `);
  const named = await runCli(['status', '--data-dir', 'tillstream-sample'], { cwd });
  expect(named).toMatchObject({ stderr: '', stdout: expect.stringContaining(` at ${sample.url},`) });
  expect((await runCli(['status', '--url', sample.url], { cwd })).stderr).toBe('');
});

describe('what a platform has left in its directory', () => {
  const url = 'http://127.0.0.1:8099';
  async function left(said: object): Promise<string> {
    const directory = join(await freshDirectory('left'), 'data');
    await mkdir(directory);
    await writeFile(join(directory, 'platform.json'), JSON.stringify({ url, certificate: null, ...said }));
    await writeFile(join(directory, 'admin-key'), 'tsk_its\n');
    return directory;
  }

  it('is believed of its process, and not of another one that got its number: that is never sent the key', async () => {
    const { pid } = process;
    const own = await left({ pid, pidStart: startOf(pid) });
    expect(findPlatform({ dataDir: own })).toMatchObject({ url, key: 'tsk_its' });
    const stale = await left({ pid, pidStart: '1' });
    expect(() => findPlatform({ dataDir: stale })).toThrow('no platform runs on the data directory');
    const unknown = await left({ pid });
    expect(() => findPlatform({ dataDir: unknown })).toThrow('no platform runs on the data directory');
    expect(findPlatform({ dataDir: stale, url })).toMatchObject({ url, key: undefined });
  });

  it('is found by any name of this machine, on the same port alone', async () => {
    const directory = await left({ pid: process.pid, pidStart: startOf(process.pid) });
    const keyOf = (other: string): string | undefined => findPlatform({ dataDir: directory, url: other }).key;
    expect(['localhost:8099', 'http://[::1]:8099/'].map(keyOf)).toEqual(['tsk_its', 'tsk_its']);
    const others = ['localhost:8098', 'https://localhost:8099', 'http://shop.example:8099', 'localhost:8099/other'];
    expect(others.map(keyOf)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it.runIf(process.geteuid?.() === 0)('is closed to another user, who is told so, and whom to ask as', async () => {
    const directory = await left({ pid: process.pid });
    await chmod(dirname(directory), 0o755);
    await chown(directory, 4711, 4711);
    await chmod(directory, 0o700);
    process.seteuid?.(65_534);
    try {
      expect(() => findPlatform({ dataDir: directory })).toThrow('is closed to this user');
      await expect(async () => findPlatform({ dataDir: directory })).rejects.toMatchObject({
        hint: expect.stringContaining("sudo -u '#4711'"),
      });
      expect(findPlatform({ dataDir: directory, url })).toMatchObject({ url, key: undefined });
    } finally {
      process.seteuid?.(0);
    }
  });
});

it.each(['http', 'https'])('who takes the connection and says nothing is given up on: %s', async (scheme) => {
  const mute = createServer((socket) => socket.on('error', () => {}));
  await once(mute.listen(0, '127.0.0.1'), 'listening');
  const url = `${scheme}://127.0.0.1:${(mute.address() as AddressInfo).port}`;
  const certificate = scheme === 'https' ? (await generate([{ name: 'commonName', value: 'shop' }])).cert : undefined;
  const asked = ask({ url, key: undefined, certificate }, '/v1/status', { timeoutMs: 300, has: null });
  await expect(asked).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('takes too long'),
  });
  mute.close();
});
