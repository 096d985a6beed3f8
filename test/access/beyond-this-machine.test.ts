// HTTPS, a proxy, and the key of the commands on this machine: with whole platforms.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { request as requestByHttps } from 'node:https';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { generate } from 'selfsigned';
import { afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import { connectPinned } from '../../src/client/pinned-certificate.ts';
import { cliEnvironment, cliPath, runCli } from '../support/cli.ts';
import { endPlatforms, freshDirectory, type Platform, spawnPlatform, startPlatform } from '../support/platform.ts';

afterEach(endPlatforms);

let pem: { cert: string; private: string };
let otherPem: { cert: string; private: string };
beforeAll(async () => {
  // For a name that this machine does not have, signed by nobody: what a shop's own certificate looks like from here.
  pem = await generate([{ name: 'commonName', value: 'shop.example' }]);
  otherPem = await generate([{ name: 'commonName', value: 'shop.example' }]);
});

async function tlsFiles(directory: string): Promise<readonly string[]> {
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  await writeFile(cert, pem.cert);
  await writeFile(key, pem.private);
  return ['--tls-cert', cert, '--tls-key', key];
}

/** `up` with these arguments, which must refuse to start: what it says. */
async function refused(...args: string[]): Promise<string> {
  const { child, output } = spawnPlatform(join(await freshDirectory('refused'), 'data'), { auth: true, args });
  const [code] = await once(child, 'close');
  expect(code).toBe(2);
  expect(output.stdout).toBe('');
  return output.stderr;
}

const keyOf = async ({ directory }: Platform): Promise<string> =>
  (await readFile(join(directory, 'admin-key'), 'utf8')).trim();

function get(url: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? requestByHttps : request;
    const asking = send(url, { headers, rejectUnauthorized: false, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asking.on('error', reject).end();
  });
}

describe('HTTPS', () => {
  it('is spoken on any address; commands on this machine need to be told nothing, and HTTP gets no answer', async () => {
    const home = await freshDirectory('tls');
    const args = ['--host', '0.0.0.0', ...(await tlsFiles(home))];
    const platform = await startPlatform(join(home, 'data'), { auth: true, args });
    expect(platform.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(await get(`${platform.url}/healthz`, {})).toBe(200);
    expect(await get(`${platform.url}/v1/status`, {})).toBe(401);
    expect(await get(`${platform.url}/v1/status`, { 'x-api-key': await keyOf(platform) })).toBe(200);
    await expect(get(`${platform.url.replace('https', 'http')}/healthz`, {})).rejects.toThrow();

    const csv = join(home, 'lines.csv');
    const generated = await runCli(['generate', '--lines', '500', '--out', csv]);
    expect(generated.code).toBe(0);
    for (const batch of ['1', '100']) {
      const replay = await runCli(['replay', csv, '--batch', batch, '--json', '--data-dir', platform.directory], {
        cwd: home,
      });
      expect(replay).toMatchObject({ code: 0 });
      expect(JSON.parse(replay.stdout)).toMatchObject({ accepted: 500 });
    }
    const verified = await runCli(['verify', '--json', '--data-dir', platform.directory]);
    expect(JSON.parse(verified.stdout)).toMatchObject({
      agrees: true,
      stores: [{ lines: 500 }, { lines: 500 }, { lines: 500 }],
    });
  });

  it('of a certificate that is not the one expected, nothing is said to', async () => {
    let received = 0;
    const impostor = createServer({ cert: otherPem.cert, key: otherPem.private }, (socket) => {
      socket.on('data', (data) => {
        received += data.length;
      });
      socket.on('error', () => {});
    });
    await once(impostor.listen(0, '127.0.0.1'), 'listening');
    const { port } = impostor.address() as { port: number };
    const inTime = AbortSignal.timeout(10_000);
    await expect(connectPinned('127.0.0.1', port, pem.cert, inTime)).rejects.toThrow('its certificate is not the one');
    (await connectPinned('127.0.0.1', port, otherPem.cert, inTime)).destroy();
    expect(received).toBe(0);
    impostor.close();
  });

  it('needs both files, and that they belong together', async () => {
    const home = await freshDirectory('pems');
    const [, cert = '', , key = ''] = await tlsFiles(home);
    const other = join(home, 'other.pem');
    await writeFile(other, otherPem.private);
    expect(await refused('--tls-cert', cert)).toContain(
      'wrong_usage: --tls-key is missing; HTTPS needs a certificate and its key.',
    );
    expect(await refused('--tls-cert', cert, '--tls-key', join(home, 'none'))).toMatch(
      /wrong_usage: --tls-key is ".*none": ENOENT/,
    );
    expect(await refused('--tls-cert', cert, '--tls-key', other)).toContain('cannot be used: ');
    expect(await refused('--tls-cert', key, '--tls-key', key)).toContain('cannot be used: ');
  });
});

describe('beyond this machine', () => {
  it('without HTTPS or a proxy, or without keys, nothing is served', async () => {
    const home = await freshDirectory('open');
    expect(await refused('--host', '0.0.0.0')).toContain(
      'address_not_allowed: --host is "0.0.0.0"; keys and customers\' data would travel',
    );
    expect(await refused('--host', '0.0.0.0', '--no-auth')).toContain('without keys (--no-auth)');
    expect(await refused('--no-auth', '--behind-proxy')).toContain('wrong_usage: --no-auth and --behind-proxy');
    expect(await refused('--host', '0.0.0.0', '--no-auth', ...(await tlsFiles(home)))).toContain(
      'without keys (--no-auth)',
    );
  });

  test('a proxy is believed where there is one, and nobody where there is none', async () => {
    const page = { origin: 'https://shop.example', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'shop.example' };
    const behind = await startPlatform(await freshDirectory('proxy'), {
      auth: true,
      args: ['--host', '0.0.0.0', '--behind-proxy'],
    });
    const key = { 'x-api-key': await keyOf(behind) };
    expect(await get(`${behind.url}/v1/status`, { ...key, ...page })).toBe(200);
    expect(await get(`${behind.url}/v1/status`, { ...key, ...page, origin: 'https://evil.example' })).toBe(403);
    const other = await startPlatform(await freshDirectory('proxy'), {
      auth: true,
      args: ['--behind-proxy', '10.1.2.3'],
    });
    expect(await get(`${other.url}/v1/status`, { 'x-api-key': await keyOf(other), ...page })).toBe(403);
    const alone = await startPlatform(await freshDirectory('proxy'), { auth: true });
    expect(await get(`${alone.url}/v1/status`, { 'x-api-key': await keyOf(alone), ...page })).toBe(403);
  });
});

describe('the key of the commands on this machine', () => {
  it('is shown once, is for nobody else, and stays; deleted or revoked, the next start makes another', async () => {
    const directory = join(await freshDirectory('key'), 'data');
    const start = async () => {
      const platform = await startPlatform(directory, { auth: true });
      return { platform, said: JSON.parse(platform.output.stdout), key: await keyOf(platform) };
    };
    const first = await start();
    expect(first.said).toMatchObject({ adminKey: first.key, adminKeyFile: join(directory, 'admin-key') });
    const modeOf = async (name: string): Promise<number> => (await stat(join(directory, name))).mode & 0o777;
    expect([await modeOf('.'), await modeOf('admin-key'), await modeOf('state')]).toEqual([0o700, 0o600, 0o700]);
    await first.platform.stop();

    await chmod(join(directory, 'admin-key'), 0o644);
    const second = await start();
    expect(second.said.adminKey).toBeNull();
    expect(second.key).toBe(first.key);
    expect(await modeOf('admin-key')).toBe(0o600);
    await second.platform.stop();

    await rm(join(directory, 'admin-key'));
    const third = await start();
    expect(third.said.adminKey).toBe(third.key);
    expect(third.key).not.toBe(first.key);
    const list = await runCli(['keys', 'list', '--json', '--data-dir', directory]);
    expect(JSON.parse(list.stdout).keys).toHaveLength(2);
    const [, id = ''] = third.key.split('_');
    expect(await runCli(['keys', 'revoke', id, '--yes', '--data-dir', directory])).toMatchObject({ code: 0 });
    expect(await runCli(['status', '--data-dir', directory])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('was revoked'),
    });
    await third.platform.stop();

    const fourth = await start();
    expect(await runCli(['status', '--data-dir', directory])).toMatchObject({ code: 0 });
    expect(fourth.key).not.toBe(third.key);
  });

  it('is found by the URL too, where the data directory is a default one; elsewhere a key has to be given', async () => {
    const cwd = await freshDirectory('found');
    const platform = await startPlatform(join(cwd, 'tillstream-data'), { auth: true });
    expect(await runCli(['status'], { cwd })).toMatchObject({ code: 0 });
    expect(await runCli(['status', '--url', platform.url], { cwd })).toMatchObject({ code: 0 });
    const elsewhere = await freshDirectory('elsewhere');
    expect(await runCli(['status', '--url', platform.url], { cwd: elsewhere })).toMatchObject({
      code: 1,
      stderr:
        'unauthorized: The request has no key.\n' +
        'Give one with --key or TILLSTREAM_KEY; or name the data directory of a platform on this machine with --data-dir.\n',
    });
    const env = { TILLSTREAM_KEY: await keyOf(platform) };
    expect(await runCli(['status', '--url', platform.url], { cwd: elsewhere, env })).toMatchObject({ code: 0 });
  });
});

describe('keys and token, as commands', () => {
  it('make, list and revoke; what is made opens what it is for', async () => {
    const platform = await startPlatform(await freshDirectory('commands'), { auth: true });
    const cli = (...words: string[]) => runCli([...words, '--data-dir', platform.directory]);
    const made = await cli('keys', 'create', 'till of the shop', '--scope', 'ingest', '--for', '90d');
    expect(made.code).toBe(0);
    const key = made.stdout.trim();
    expect(key).toMatch(/^tsk_[a-z2-9]{10}_[A-Za-z0-9_-]{43}$/);
    const [, id = ''] = key.split('_');
    expect(made.stderr).toMatch(
      /^\nGood for ingest, until \d{4}-.*Z\. It is not shown again\. Revoke it with: tillstream keys revoke /,
    );
    expect(await get(`${platform.url}/v1/status`, { authorization: `Bearer ${key}` })).toBe(403);
    const list = await cli('keys', 'list');
    expect(
      list.stdout
        .replaceAll(/\d{4}-\d\d-\d\d/g, 'YYYY-MM-DD')
        .replaceAll(/[a-z2-9]{10}(?= {2}(?:till|comm))/g, 'id'.padEnd(10))
        .replaceAll(/[\d.]+ \w+ ago/g, 'a while ago'),
    ).toMatchInlineSnapshot(`
      "  Id          Name                      Scopes  State             Last used
        id          commands on this machine  admin   good              a while ago
        id          till of the shop          ingest  until YYYY-MM-DD  a while ago
      "
    `);
    expect((await cli('keys', 'revoke', id)).stdout).toBe(`${id} (till of the shop) is revoked.\n`);
    expect(await get(`${platform.url}/v1/transactions`, { authorization: `Bearer ${key}` })).toBe(401);
    expect(await cli('keys', 'revoke', 'nothing')).toMatchObject({
      code: 1,
      stderr: 'not_found: There is no key nothing.\n',
    });
    expect(await cli('keys', 'create', 'x', '--scope', 'everything')).toMatchObject({ code: 2 });
    expect((await cli('keys', 'create', '--scope', 'ingest,read', 'web')).stderr).toContain(
      'Good for ingest and read.',
    );
    const admin = (await readFile(join(platform.directory, 'admin-key'), 'utf8')).split('_')[1] ?? '';
    expect(await cli('keys', 'revoke', admin)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is the key by which this command asks; nothing is revoked'),
    });
    expect(await cli('keys', 'list')).toMatchObject({ code: 0 });
    expect(await cli('keys', 'create', 'x', '--scope', 'read', '--for', 'ever')).toMatchObject({ code: 2 });

    expect((await cli('token', '17850', '--for', '367d')).stderr).toContain('A token is good for at most 366d.');
    const madeToken = await cli('token', '17850', '--for', '12h');
    expect(madeToken.stderr).toMatch(/^Customer 17850 has bought nothing yet: check the number\.\n/);
    const token = madeToken.stdout.trim();
    const own = () => get(`${platform.url}/v1/customers/17850`, { authorization: `Bearer ${token}` });
    expect(await own()).toBe(404); // has bought nothing yet
    expect((await cli('token', '17850', '--revoke-all')).stdout).toBe('All tokens of customer 17850 have ended.\n');
    expect(await own()).toBe(401);
  });

  it('a first start of a person shows the key', async () => {
    const cwd = await freshDirectory('person');
    const child = spawn(process.execPath, [cliPath, 'up', '--port', '0', '--exit'], { cwd, env: cliEnvironment() });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    await once(child, 'close');
    const key = (await readFile(join(cwd, 'tillstream-data/admin-key'), 'utf8')).trim();
    expect(stdout).toContain(`  Key   ${key}\n        shown this once; kept in `);
  });
});
