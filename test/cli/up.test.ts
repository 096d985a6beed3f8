// `tillstream up`: the trial with sample lines, and how it ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROGRESS, runCli } from '../support/cli.ts';
import { endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';

let directory: string;
beforeEach(async () => {
  directory = await freshDirectory('up');
});
afterEach(endPlatforms);

describe('up --sample --exit', () => {
  it('ends with 0 once every store agrees, also when run again on the same directory', async () => {
    const first = await runCli(['up', '--sample', '500', '--exit', '--port', '0'], { cwd: directory });
    expect(first.stderr).toContain('All stores agree.');
    expect(first.code).toBe(0);
    const stores = first.stdout.match(/^ {2}(?:lake|orders|warehouse) .*$/gm)?.map((line) => line.trim().split(/ +/));
    expect(stores?.map(([store, lines]) => [store, lines])).toEqual([
      ['lake', '500'],
      ['orders', '500'],
      ['warehouse', '500'],
    ]);
    expect(new Set(stores?.map(([, , invoices, revenue]) => `${invoices} ${revenue}`)).size).toBe(1);
    expect(first.stdout).toMatch(/^500 lines accepted in .*: [\d,]+ lines\/s/m);

    const again = await runCli(['up', '--sample', '500', '--exit', '--port', '0'], { cwd: directory });
    expect(again.code).toBe(0);
    expect(again.stdout.match(/^ {2}(?:lake|orders|warehouse) .*$/gm)).toEqual(
      first.stdout.match(/^ {2}(?:lake|orders|warehouse) .*$/gm),
    );
  });

  it('goes to ./tillstream-sample even where TILLSTREAM_DATA_DIR names the directory of a shop', async () => {
    const { stdout, code } = await runCli(['up', '--sample', '10', '--exit', '--port', '0', '--json'], {
      cwd: directory,
      env: { TILLSTREAM_DATA_DIR: join(directory, 'shop') },
    });
    expect(code).toBe(0);
    const [running, report] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(running.dataDirectory).toBe(join(directory, 'tillstream-sample'));
    expect(report.agrees).toBe(true);
    expect(existsSync(join(directory, 'shop'))).toBe(false);
  });
});

describe('the directory of a sample', () => {
  const WELL = { code: 0, stderr: expect.stringMatching(PROGRESS) };
  const sampleIn = (data: string) =>
    runCli(['up', '--sample', '10', '--exit', '--json', '--port', '0', '--data-dir', data]);

  it("is not made for a platform that cannot run; is a sample's also when it was there, and the first start failed", async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const failing = (data: string) => runCli(['up', '--sample', '--port', String(port), '--data-dir', data]);
    const fresh = join(directory, 'fresh');
    const sample = join(directory, 'sample');
    await mkdir(sample);
    for (const data of [fresh, sample]) {
      expect((await failing(data)).stderr).toContain(`Port ${port} of 127.0.0.1 is taken by another program.`);
    }
    taken.close();
    expect(existsSync(fresh)).toBe(false);
    expect(readdirSync(join(sample, 'state'))).toEqual([]); // Known before any store is made.
    expect(JSON.parse(await readFile(join(sample, 'sample.json'), 'utf8'))).toMatchObject({ lines: 25_000 });
  });

  it('holds one sample: that of another number of lines is another year, and would mix with it', async () => {
    const first = await runCli(['up', '--sample', '20', '--exit', '--json', '--port', '0', '--data-dir', directory]);
    expect(first.code).toBe(0);
    const other = await runCli(['up', '--sample', '30', '--exit', '--port', '0', '--data-dir', directory]);
    expect(other.code).toBe(2);
    expect(other.stderr.replaceAll(directory, 'DIR')).toMatchInlineSnapshot(`
      "wrong_usage: DIR holds the sample of 20 lines: that of 30 is another, and would mix with it.
      Leave the number out, name a new directory with --data-dir, or delete this one.
      "
    `);
    const again = await runCli(['up', '--sample', '--exit', '--json', '--port', '0', '--data-dir', directory]);
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout.split('\n')[1] ?? '').stores[0].lines).toBe(20);
  });

  it('says that it is a sample when it is run without --sample: a shop must not take it for its own', async () => {
    expect(await sampleIn(directory)).toMatchObject(WELL);
    const { stdout, stderr, code } = await runCli(['up', '--exit', '--port', '0', '--data-dir', directory]);
    expect(code).toBe(0);
    expect(stdout).toContain(`Data  ${directory} (sample data)`);
    expect(stderr).toContain(`${directory} holds sample lines: a shop's own would mix with them.`);
  });

  it.each(['sample.json.new', 'sample.json', 'version.json.new'])(
    "is a sample's also when its first start was killed with no more than %s written",
    async (name) => {
      await writeFile(join(directory, name), '{');
      expect(await sampleIn(directory)).toMatchObject(WELL);
    },
  );

  it("becomes a shop's when a shop starts first, and then no sample's any more", async () => {
    await writeFile(join(directory, 'sample.json'), '{}');
    expect(await (await startPlatform(directory)).stop()).toBe(0);
    const { code, stderr } = await sampleIn(directory);
    expect(stderr).toContain("sample lines would mix with the shop's own");
    expect(code).toBe(2);
  });
});

describe('Ctrl-C', () => {
  it('drains and ends with 0, and the next start has every line', async () => {
    const data = join(directory, 'data');
    const up = await startPlatform(data, { args: ['--sample', '300'] });
    await expect.poll(() => up.output.stdout).toContain('"agrees":true');
    expect(await up.stop()).toBe(0);
    expect(up.output.stderr).toContain('Draining …');
    expect(existsSync(join(data, 'platform.json'))).toBe(false);

    const next = await runCli(['up', '--exit', '--json', '--port', '0', '--data-dir', data]);
    expect(next.code).toBe(0);
    const report = JSON.parse(next.stdout.split('\n')[1] ?? '');
    expect(report).toMatchObject({ agrees: true, stores: [{ lines: 300 }, { lines: 300 }, { lines: 300 }] });
  });

  it('counts once when npm passes it on as well; pressed a second time, it ends at once with 130', async () => {
    const module = fileURLToPath(new URL('../../dist/cli/shutdown.js', import.meta.url));
    // A signal twice in the moment of a byte: from here, one might come much later than the other.
    const script = `import { listenForShutdown } from ${JSON.stringify(module)};
      listenForShutdown(() => process.stdout.write('first'));
      process.stdin.on('data', () => {
        process.emit('SIGINT');
        process.emit('SIGINT');
      });
      process.stdout.write('ready ');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    const closed = once(child, 'close');
    await expect.poll(() => output).toBe('ready ');
    child.stdin.write('x');
    await expect.poll(() => output).toBe('ready first');
    await pause(1000);
    expect(child.exitCode).toBe(null);
    child.kill('SIGINT');
    expect(await closed).toEqual([130, null]);
    expect(output).toBe('ready first');
  });
});
