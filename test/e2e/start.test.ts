// The platform as a person starts and ends it: the trial, Ctrl-C, the next start, and why it may not start.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { expectHeld } from '../faults/held-lines.ts';
import { Till } from '../faults/till.ts';
import { cliEnvironment, cliPath, runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import {
  endPlatforms,
  freshDirectory,
  type Platform,
  remember,
  spawnPlatform,
  startPlatform,
} from '../support/platform.ts';
import { diceOf } from '../support/seed.ts';
import { canMount, mountSmallDisk } from '../support/small-disk.ts';

afterEach(endPlatforms);

const LINE = {
  InvoiceNo: '700001',
  LineNo: 1,
  StockCode: 'MUG',
  Quantity: 2,
  UnitPrice: 4.95,
  InvoiceDate: '2011-12-24T09:00:00',
  CustomerID: '17850',
  Country: 'France',
};

describe('up --sample --exit', () => {
  it('ends with 0 and prints lines, invoices and revenue of each store, agreeing, and the rate; also the second time', async () => {
    const cwd = await freshDirectory('trial');
    const trial = () => runCli(['up', '--sample=3000', '--exit', '--port', '0'], { cwd });
    const first = await trial();
    expect(first.stderr).toContain('All stores agree.');
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/^ {2}HTTP +http:\/\/127\.0\.0\.1:\d+$/m);
    expect(first.stdout).toMatch(/^3,000 lines accepted in .+: [\d,]+ lines\/s \(p50 .+, p99 .+\)$/m);
    const stores = [...first.stdout.matchAll(/^ {2}(lake|orders|warehouse) +(\S+) +(\S+) +(\S+) +yes$/gm)];
    expect(stores.map(([, store]) => store)).toEqual(['lake', 'orders', 'warehouse']);
    const figures = stores.map(([, , lines, invoices, revenue]) => [lines, invoices, revenue]);
    expect(figures[0]?.[0]).toBe('3,000');
    expect(figures).toEqual([figures[0], figures[0], figures[0]]);
    const again = await trial();
    expect(again.code).toBe(0);
    for (const [row] of stores) expect(again.stdout).toContain(row);
  });
});

describe('up', () => {
  it('stays up, prints its URL and what to try next, which works', async () => {
    const cwd = await freshDirectory('stay');
    const child = spawn(process.execPath, [cliPath, 'up', '--port', '0'], { cwd, env: cliEnvironment() });
    remember(child);
    const exited = new Promise<number | null>((resolve) => child.on('exit', resolve));
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    while (!stdout.includes('Ctrl-C ends it.') && child.exitCode === null) await pause(20);
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(stdout)?.[0] ?? '';
    const [keyFile = ''] = /(?<=KEY=\$\(cat )[^)]+/.exec(stdout) ?? [];
    const key = (await readFile(join(cwd, keyFile), 'utf8')).trim();
    expect(stdout).toContain(`Key   ${key}`);
    const [, header = '', address = '', body = ''] = /curl -H "([^"]+): \$KEY" (\S+) -d '([^']+)'/.exec(stdout) ?? [];
    const sent = await fetch(address, {
      method: 'POST',
      body,
      headers: { [header]: key, 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(await sent.json()).toMatchObject({ accepted: 1 });
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(child.exitCode).toBeNull();
    child.kill('SIGINT');
    expect(await exited).toBe(0);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'drains on %s under load, ends with 0, and goes on after the next start',
    async (signal) => {
      const directory = await freshDirectory('drain');
      const platform = await startPlatform(directory);
      const tills = [1, 2, 3].map((number) => new Till(`${number}0`, diceOf(number)));
      const selling = tills.map((till) => till.sell(platform.url, () => false));
      await pause(500);
      expect(await end(platform, signal)).toBe(0);
      await Promise.all(selling);
      await expect(readFile(join(directory, 'platform.json'))).rejects.toThrow('ENOENT');

      const next = await startPlatform(directory);
      await expectHeld(next, tills);
      await Promise.all(tills.map((till) => till.sell(next.url, () => true)));
      await expectHeld(next, tills);
    },
  );

  it('ends although a client never finishes its request', async () => {
    const platform = await startPlatform(await freshDirectory('half'));
    const socket = await halfARequest(platform.url);
    expect(await end(platform, 'SIGINT')).toBe(0);
    socket.destroy();
  });

  it('ends at once on the second Ctrl-C, and what was accepted is there after the next start', async () => {
    const directory = await freshDirectory('twice');
    let code: number | null = 0;
    // Draining ends by itself with 0, which may come before the second one.
    for (let time = 0; time < 10 && code === 0; time += 1) {
      const platform = await startPlatform(directory);
      expect((await platform.send([LINE])).status).toBe(202);
      const socket = await halfARequest(platform.url); // so that draining has something to wait for
      const ended = end(platform, 'SIGINT');
      await eventually(() => expect(platform.output.stderr).toContain('Draining'));
      await pause(400); // for the same press, npm passes it on as well
      platform.child.kill('SIGINT');
      code = await ended;
      socket.destroy();
    }
    expect(code).toBe(130);

    const next = await startPlatform(directory);
    const report = await next.verify();
    expect(report.stores).toMatchObject([1, 1, 1].map((lines) => ({ lines, revenue: '9.9', agrees: true })));
    expect((await next.get('/v1/invoices/700001')).body).toMatchObject({ total: 9.9, lineCount: 1 });
  });

  it('goes on with higher sequences after the next start, so that a correction is newer than what it corrects', async () => {
    const directory = await freshDirectory('again');
    const platform = await startPlatform(directory);
    const first = await platform.send([LINE]);
    expect(await platform.stop()).toBe(0);
    const next = await startPlatform(directory);
    const second = await next.send([{ ...LINE, Quantity: 3 }]);
    expect(second.body.firstSequence > first.body.lastSequence).toBe(true);
    const report = await next.verify();
    expect(report).toMatchObject({ agrees: true, replaced: 1 });
    expect(report.stores).toMatchObject([1, 1, 1].map((lines) => ({ lines, revenue: '14.85' })));
  });
});

describe('up says why it cannot start, and the way out', () => {
  it('a data directory of a newer version', async () => {
    const directory = await freshDirectory('newer');
    const platform = await startPlatform(directory);
    await platform.stop();
    await writeFile(join(directory, 'version.json'), JSON.stringify({ format: 99 }));
    expect(await refusal(directory)).toMatchInlineSnapshot(`
      "directory_too_new: … has format 99; this version reads up to 1.
      Run the version of Tillstream that wrote it, or a newer one.
      exit 2"
    `);
  });

  it('a directory of somebody else, which it leaves as it is', async () => {
    const directory = await freshDirectory('foreign');
    await writeFile(join(directory, 'thesis.doc'), 'Chapter 1');
    expect(await refusal(directory)).toMatchInlineSnapshot(`
      "directory_foreign: … holds files, but is not a data directory of Tillstream.
      Choose an empty or new directory with --data-dir.
      exit 2"
    `);
    expect(await readFile(join(directory, 'thesis.doc'), 'utf8')).toBe('Chapter 1');
  });

  it('a place below a file', async () => {
    const directory = await freshDirectory('file');
    await writeFile(join(directory, 'notes'), '');
    expect((await refusal(join(directory, 'notes', 'data'))).replaceAll(directory, '…')).toMatchInlineSnapshot(`
      "directory_not_writable: The data directory … cannot be written: ENOTDIR: not a directory, mkdir '…'.
      Give this user the right to write there, or choose another directory with --data-dir.
      exit 2"
    `);
  });

  // Root may write anywhere but on what is mounted read-only.
  const root = process.getuid?.() === 0;
  it.runIf(!root || canMount())('a directory that it may not write', async () => {
    const disk = root ? mountSmallDisk('size=64k') : null;
    const directory = disk?.directory ?? (await freshDirectory('readonly'));
    try {
      if (disk === null) await chmod(directory, 0o500);
      else disk.remount('ro');
      const shown = await refusal(directory);
      expect(shown.replace(/(EACCES|EROFS): [a-z -]+/, '(why)')).toMatchInlineSnapshot(`
        "directory_not_writable: The data directory … cannot be written: (why), access '…'.
        Give this user the right to write there, or choose another directory with --data-dir.
        exit 2"
      `);
    } finally {
      disk?.unmount();
    }
  });

  it('a setting that cannot be', async () => {
    const directory = await freshDirectory('setting');
    expect(await refusal(directory, { TILLSTREAM_STREAM_HOURS: 'a day' })).toMatchInlineSnapshot(`
      "wrong_usage: TILLSTREAM_STREAM_HOURS is "a day"; expected a whole number from 0.
      \`tillstream up --help\` shows all settings.
      exit 2"
    `);
  });
});

it('replay refuses a file that lacks columns, before anything is sent', async () => {
  const directory = await freshDirectory('columns');
  const platform = await startPlatform(directory);
  const file = join(directory, 'short.csv');
  await writeFile(file, 'InvoiceNo,StockCode,Description,Quantity,Country\n536365,85123A,HEART,6,United Kingdom\n');
  const { code, stdout, stderr } = await runCli(['replay', file, '--url', platform.url]);
  expect(`${stdout}${stderr.replaceAll(directory, '…')}exit ${code}`).toMatchInlineSnapshot(`
    "columns_missing: short.csv lacks InvoiceDate, UnitPrice. Its columns are InvoiceNo, StockCode, Description, Quantity, Country.
    Name the columns as the data set does (InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice, Country).
    exit 2"
  `);
  expect((await platform.status()).accepted.requests).toBe(0);
});

async function refusal(directory: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { child, output } = spawnPlatform(directory, { env });
  const code = await new Promise((resolve) => child.on('close', resolve));
  return `${output.stdout}${output.stderr}exit ${code}`.replaceAll(directory, '…');
}

/** Its exit code. */
function end(platform: Platform, signal: NodeJS.Signals): Promise<number | null> {
  const exited = new Promise<number | null>((resolve) => platform.child.on('exit', resolve));
  platform.child.kill(signal);
  return exited;
}

/** A connection on which the head of a request has arrived, and half of its body. */
async function halfARequest(url: string): Promise<Socket> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {}); // the platform goes away in the end
  const head = `POST /v1/transactions HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 500\r\nExpect: 100-continue`;
  socket.write(`${head}\r\n\r\n{"InvoiceNo":`);
  // It says 100 when it hands the request on.
  await once(socket, 'data');
  return socket;
}
