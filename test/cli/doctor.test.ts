// `tillstream doctor` against faults that are there: it finds each, says how to mend it, survives it, and harms nothing.
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/platform/doctor/finding.ts';
import { cliEnvironment, cliPath, runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';
import { canMount, mountSmallDisk } from '../support/small-disk.ts';

interface Examined {
  readonly code: number | null;
  readonly findings: readonly Finding[];
  /** Those that are not ok, as `failed Port`. */
  readonly troubles: readonly string[];
  /** Of the first one. */
  readonly found: string;
  readonly remedy: string;
}

/** Warnings that depend on where the tests run, and on what else does. */
const OF_THE_MACHINE: ReadonlySet<string> = new Set(['System', 'Open files', 'Memory', 'Disk', 'Disk sync']);

async function doctor(directory: string, args: readonly string[] = [], env = {}): Promise<Examined> {
  const commandLine = ['doctor', '--json', '--port', '0', '--data-dir', directory, ...args];
  const { code, stdout, stderr } = await runCli(commandLine, { env });
  expect(stderr).toBe('');
  const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] };
  expect(code).toBe(ok ? 0 : 1);
  const troubles = findings.filter(
    ({ check, result }) => result === 'failed' || (result === 'warning' && !OF_THE_MACHINE.has(check)),
  );
  for (const { remedy } of troubles) expect(remedy).toMatch(/\w/);
  const [{ found, remedy } = { found: '', remedy: '' }] = troubles;
  return {
    code,
    findings,
    troubles: troubles.map((each) => `${each.result} ${each.check}`),
    found,
    remedy: remedy ?? '',
  };
}

/** Of a platform that took lines and was killed. */
let killed: string;
let directory: string;
beforeAll(async () => {
  killed = join(await freshDirectory('doctor'), 'data');
  const platform = await startPlatform(killed, { auth: true, args: ['--sample', '200'] });
  await eventually(() => expect(platform.output.stdout).toContain('"agrees":true'));
  await platform.kill();
});
beforeEach(async () => {
  directory = join(killed, '..', `copy-${randomBytes(4).toString('hex')}`);
  await cp(killed, directory, { recursive: true, preserveTimestamps: true });
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});
afterAll(endPlatforms);

/** Names, modes, times and bytes of everything in it. */
async function fingerprint(root: string): Promise<string> {
  const names = (await readdir(root, { recursive: true })).sort();
  const parts = names.map(async (name) => {
    const path = join(root, name);
    const { mode, mtimeMs, size, ino } = await stat(path);
    const isData = (await stat(path)).isFile() && !name.endsWith('lock.mdb');
    const bytes = isData
      ? createHash('sha256')
          .update(await readFile(path))
          .digest('hex')
      : '';
    // LMDB notes its readers in lock.mdb: that is what it is for.
    return `${name} ${mode} ${isData ? mtimeMs : ''} ${size} ${ino} ${bytes}`;
  });
  return (await Promise.all(parts)).join('\n');
}

describe('where no platform runs', () => {
  it('before the first start all is well, and nothing is made', async () => {
    const missing = join(directory, 'not-there');
    expect(await doctor(missing)).toMatchObject({ code: 0, troubles: [] });
    expect(existsSync(missing)).toBe(false);
    await mkdir(missing);
    expect(await doctor(missing)).toMatchObject({ code: 0, troubles: [] });
    expect(await readdir(missing)).toEqual([]);
  });

  it('after a kill all is well, nothing in the directory is changed, and the next start has every line', async () => {
    const before = await fingerprint(directory);
    const { code, troubles, findings } = await doctor(directory);
    expect({ code, troubles }).toEqual({ code: 0, troubles: [] });
    expect(findings.map(({ check, found }) => `${check}: ${found}`)).toEqual(
      expect.arrayContaining([
        'Lock: no platform runs; the last one was killed',
        'Store stream: opens',
        'Store orders: opens',
        'Store state: opens',
        'Store warehouse: opens; schema version 2',
      ]),
    );
    expect(await fingerprint(directory)).toBe(before);
    const next = await runCli(['up', '--exit', '--json', '--port', '0', '--data-dir', directory]);
    expect(next.stdout).toContain('"agrees":true');
    expect(next.stdout).toContain('"lines":200,');
  });

  it.each(['stream', 'orders', 'state'])(
    'garbage in %s, which ends the process that opens it: found, and left as it is',
    async (store) => {
      await writeFile(join(directory, store, 'data.mdb'), randomBytes(20_000));
      await rm(join(directory, store, 'lock.mdb'));
      const before = await fingerprint(directory);
      const { troubles, found } = await doctor(directory);
      expect(troubles).toEqual([`failed Store ${store}`]);
      expect(found).toMatch(/^cannot be opened: its file is damaged \(opening it ends the process with SIG/);
      expect(await fingerprint(directory)).toBe(before);
    },
  );

  it('garbage in the warehouse', async () => {
    await writeFile(join(directory, 'warehouse', 'warehouse.duckdb'), randomBytes(20_000));
    const { troubles, found } = await doctor(directory);
    expect(troubles).toEqual(['failed Store warehouse']);
    expect(found).toContain('not a valid DuckDB database file');
  });

  it('a stream that was deleted: the stores are of another one, before a start finds that out', async () => {
    await rm(join(directory, 'stream'), { recursive: true });
    const { troubles, found } = await doctor(directory);
    expect(troubles).toEqual(['failed Checkpoints', 'failed Checkpoints', 'failed Checkpoints']);
    expect(found).toContain('belongs to another stream');
  });

  it('a checkpoint of the lake that is damaged', async () => {
    await writeFile(join(directory, 'lake', 'state', 'checkpoint.json'), '{');
    expect((await doctor(directory)).troubles).toEqual(['failed Checkpoints']);
  });

  it('version.json damaged: what the remedy says mends it', async () => {
    await writeFile(join(directory, 'version.json'), '{');
    const { troubles, remedy } = await doctor(directory);
    expect(troubles).toEqual(['failed Data directory']);
    await writeFile(join(directory, 'version.json'), /write (\{.*\}) there/.exec(remedy)?.[1] ?? '');
    expect((await doctor(directory)).troubles).toEqual([]);
  });

  it('a newer format, a directory of something else, a file', async () => {
    await writeFile(join(directory, 'version.json'), '{"format": 99}');
    expect((await doctor(directory)).found).toContain('has format 99; this version reads up to 1');
    await rm(join(directory, 'version.json'));
    expect((await doctor(directory)).found).toContain('is not a data directory of Tillstream');
    expect((await doctor(join(directory, 'sample.csv'))).found).toContain('is no directory');
  });

  it('a lock that is damaged: what the remedy says mends it', async () => {
    await writeFile(join(directory, 'lock'), randomBytes(3000));
    const { troubles, remedy } = await doctor(directory);
    expect(troubles).toEqual(['failed Lock']);
    await rm(/Remove (\S+),/.exec(remedy)?.[1] ?? '');
    expect((await doctor(directory)).troubles).toEqual([]);
  });

  it('secrets that others may read, and customers’ data', async () => {
    await chmod(directory, 0o755);
    expect((await doctor(directory)).troubles).toEqual(['warning Modes']);
    await chmod(join(directory, 'admin-key'), 0o640);
    await chmod(join(directory, 'state'), 0o755);
    expect((await doctor(directory)).troubles).toEqual(['failed Modes', 'failed Modes']);
  });

  it.runIf(process.geteuid?.() === 0)('a file of another user', async () => {
    await chown(join(directory, 'orders', 'data.mdb'), 65_534, 65_534);
    const { troubles, found } = await doctor(directory);
    expect(troubles).toEqual(['failed Owner']);
    expect(found).toContain('orders/data.mdb belongs to user 65534, the directory to 0');
  });

  it('a clock that is before the day on which the directory was made', async () => {
    const createdAt = new Date(Date.now() + 86_400_000 * 3).toISOString();
    await writeFile(join(directory, 'version.json'), JSON.stringify({ format: 1, createdAt }));
    const { troubles, found } = await doctor(directory);
    expect(troubles).toEqual(['failed Clock']);
    expect(found).toContain('3 days before the data directory was made');
  });

  it('a disk with less room than the reserve', async () => {
    const env = { TILLSTREAM_DISK_RESERVE_BYTES: String(2 ** 52) };
    expect((await doctor(directory, [], env)).troubles).toEqual(['failed Disk space']);
  });

  it.runIf(canMount())('a disk in memory, and one that cannot be written', async () => {
    const disk = mountSmallDisk('size=64m');
    try {
      await cp(killed, join(disk.directory, 'data'), { recursive: true });
      const env = { TILLSTREAM_DISK_RESERVE_BYTES: '0' };
      const { findings } = await doctor(join(disk.directory, 'data'), [], env);
      expect(findings).toContainEqual(
        expect.objectContaining({ check: 'Disk', result: 'warning', found: 'tmpfs, in memory' }),
      );
      disk.remount('ro');
      const { troubles, found } = await doctor(join(disk.directory, 'data'), [], env);
      expect(troubles).toEqual(['failed Data directory', 'failed Disk sync']);
      expect(found).toContain('cannot be written');
    } finally {
      disk.unmount();
    }
  });

  it('few open files', () => {
    const command = `ulimit -n 1024; exec "$0" "$@"`;
    const args = ['-c', command, process.execPath, cliPath, 'doctor', '--port', '0', '--data-dir', directory];
    const { stdout, status } = spawnSync('sh', args, { encoding: 'utf8', env: cliEnvironment() });
    expect(stdout).toContain('warning  Open files          at most 1,024\n');
    expect(status).toBe(0);
  });

  it('a port that is taken, an address that is not of this machine', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { troubles, found } = await doctor(directory, ['--port', String(port)]);
    taken.close();
    expect(troubles).toEqual(['failed Port']);
    expect(found).toBe(`Port ${port} of 127.0.0.1 is taken by another program`);
    expect((await doctor(directory, ['--host', '192.0.2.1'])).troubles).toEqual(['failed Address']);
    expect((await doctor(directory, ['--host', '192.0.2.1', '--behind-proxy'])).troubles).toEqual(['failed Port']);
    expect((await doctor(directory, ['--tls-cert', 'no.pem', '--tls-key', 'no.pem'])).troubles).toEqual([
      'failed Certificate',
    ]);
  });

  it('all settings that are wrong at once, and a variable that is misspelt', async () => {
    const env = { TILLSTREAM_TIME_ZONE: 'Berlin', TILLSTREAM_STREAM_HOURS: '-1', TILLSTREAM_PROT: '9' };
    const { troubles, findings } = await doctor(directory, [], env);
    expect(troubles).toEqual(['failed Settings', 'failed Settings', 'warning Settings']);
    expect(findings.filter(({ check }) => check === 'Settings').map(({ found }) => found)).toEqual([
      'TILLSTREAM_TIME_ZONE is "Berlin"; expected an IANA time zone such as Europe/London',
      'TILLSTREAM_STREAM_HOURS is "-1"; expected a whole number from 0',
      'TILLSTREAM_PROT is set, but is no setting',
    ]);
  });
});

describe('where a platform runs', () => {
  const runningChecks = (findings: readonly Finding[]): string[] =>
    findings.slice(findings.findIndex(({ check }) => check === 'Port')).map(({ check }) => check);

  it('all is well, stores and port included; --quick leaves verify out', async () => {
    const platform = await startPlatform(directory, { auth: true });
    const { code, troubles, findings } = await doctor(directory);
    expect({ code, troubles }).toEqual({ code: 0, troubles: [] });
    const consumers = ['Consumer lake', 'Consumer orders', 'Consumer warehouse'];
    expect(runningChecks(findings)).toEqual([
      ...['Port', 'Answers', 'Key', 'Door', ...consumers, 'Quarantine', 'Agreement'],
    ]);
    expect(findings.at(-1)?.found).toMatch(/^all stores hold the same 200 lines/);
    expect(findings.find(({ check }) => check === 'Lock')?.found).toBe(
      `a platform runs (process ${platform.child.pid})`,
    );
    expect(runningChecks((await doctor(directory, ['--quick'])).findings)).not.toContain('Agreement');
    expect(platform.alive).toBe(true);
    await platform.stop();
  });

  it('a key that opens nothing, and one that is away', async () => {
    const platform = await startPlatform(directory, { auth: true });
    await writeFile(join(directory, 'admin-key'), `tsk_aaaaaaaaaa_${'A'.repeat(43)}\n`);
    const { troubles, remedy } = await doctor(directory);
    expect(troubles).toEqual(['failed Key']);
    await platform.stop();
    // What the remedy says.
    expect(remedy).toContain('restart: a new one is made');
    const again = await startPlatform(directory, { auth: true });
    expect((await doctor(directory)).troubles).toEqual([]);
    await again.stop();
  });

  it('a platform that hangs does not say where it is, or does not answer', async () => {
    const platform = await startPlatform(directory);
    const announced = await readFile(join(directory, 'platform.json'), 'utf8');
    await rm(join(directory, 'platform.json'));
    expect((await doctor(directory)).troubles).toEqual(['warning Lock', 'failed Answers']);
    await writeFile(join(directory, 'platform.json'), announced.replace(platform.url, 'http://127.0.0.1:1'));
    expect((await doctor(directory)).troubles).toEqual(['failed Answers']);
    await platform.stop();
  });

  it('stores that do not fit the stream, and stop', async () => {
    await rm(join(directory, 'stream'), { recursive: true });
    const platform = await startPlatform(directory);
    await platform.statusWhen(({ consumers }) => consumers.every(({ state }) => state === 'stopped'));
    const { troubles, found } = await doctor(directory);
    expect(troubles).toEqual([
      ...['failed Consumer lake', 'failed Consumer orders', 'failed Consumer warehouse', 'failed Agreement'],
    ]);
    expect(found).toContain('stopped: stream_gap');
    await platform.stop();
  });
});

it('as a person reads it', async () => {
  const { stdout, stderr, code } = await runCli(['doctor', '--port', '0'], {
    cwd: directory,
    env: { TILLSTREAM_LOG_LEVEL: 'loud' },
  });
  expect(stdout).toMatch(/^ok {7}Node.js {13}\d+\.\d+\.\d+; needs 20\.19\.0 or later\n/);
  const shown = stdout.slice(stdout.indexOf('failed'), stdout.indexOf('ok       Data directory'));
  const summary = stderr.replace(/, \d+ warnings?/, '');
  expect(`${shown}${summary}exit ${code}`).toMatchInlineSnapshot(`
    "failed   Settings            TILLSTREAM_LOG_LEVEL is "loud"; expected one of trace, debug, info,
                                 warn, error, fatal, silent
                                 → Correct it, or leave it out.

    1 check failed, of 12.
    exit 1"
  `);
});
