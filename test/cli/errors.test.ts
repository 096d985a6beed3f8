// What a person sees who typed something wrong, or whose platform is not there.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';

/** Nothing listens there: no service has this port, and one needs to be root to take it. */
const NOWHERE = 'http://127.0.0.1:1';

let emptyDirectory: string;
beforeAll(async () => {
  emptyDirectory = await mkdtemp(join(tmpdir(), 'tillstream-cli-'));
});

const screen = async (...commandLine: string[]): Promise<string> => {
  const { code, stdout, stderr } = await runCli(commandLine, { cwd: emptyDirectory });
  expect(stdout).toBe('');
  return `${stderr}exit ${code}`;
};

describe('wrong usage ends with 2 and says where help is', () => {
  it('a command that does not exist', async () => {
    expect(await screen('invoise', '536365')).toMatchInlineSnapshot(`
      "wrong_usage: unknown command 'invoise'
      (Did you mean invoice?)
      See: tillstream --help
      exit 2"
    `);
  });
  it('an option misspelt', async () => {
    expect(await screen('replay', 'shop.csv', '--sped', '60')).toMatchInlineSnapshot(`
      "wrong_usage: unknown option '--sped'
      (Did you mean --speed?)
      See: tillstream replay --help
      exit 2"
    `);
  });
  it('a number that is none', async () => {
    expect(await screen('products', '--limit', 'ten')).toMatchInlineSnapshot(`
      "wrong_usage: option '--limit <products>' argument 'ten' is invalid. Expected a whole number from 1 to 1000.
      See: tillstream products --help
      exit 2"
    `);
  });
  it('a choice that is none', async () => {
    expect(await screen('sales', '--by', 'week')).toMatchInlineSnapshot(`
      "wrong_usage: option '--by <period>' argument 'week' is invalid. Allowed choices are hour, day, month, year.
      See: tillstream sales --help
      exit 2"
    `);
  });
  it('a date in the wrong form', async () => {
    expect(await screen('sales', '--from', '1/12/2010')).toMatchInlineSnapshot(`
      "wrong_usage: option '--from <date>' argument '1/12/2010' is invalid. Expected a date such as 2010-12-01, or a month 2010-12, or a year 2010.
      See: tillstream sales --help
      exit 2"
    `);
  });
  it.each([
    ['sales', '--from', '2011-13-01'],
    ['sales', '--to', '2011-02-29'],
    ['products', '--from', '2011-01-01T25'],
  ])('a date that is none, before anybody is asked: %s %s %s', async (...commandLine) => {
    const text = await screen(...commandLine);
    expect(text).toContain(`argument '${commandLine[2]}' is invalid. Expected a date`);
    expect(text).toContain('exit 2');
  });
  it('an argument missing', async () => {
    expect(await screen('customer')).toMatchInlineSnapshot(`
      "wrong_usage: missing required argument 'id'
      See: tillstream customer --help
      exit 2"
    `);
  });
  it('a URL that is none', async () => {
    expect(await screen('status', '--url', 'ftp://shop')).toMatchInlineSnapshot(`
      "wrong_usage: "ftp://shop" is not the URL of a platform; expected e.g. http://127.0.0.1:8080.
      exit 2"
    `);
  });
  it('nothing named to redrive, or both some and all', async () => {
    expect(await screen('quarantine', 'redrive')).toMatchInlineSnapshot(`
      "wrong_usage: name what to redrive by its id, or say --all, or --from with a file.
      See: tillstream quarantine redrive --help
      exit 2"
    `);
    expect(await screen('quarantine', 'redrive', 'orders-1', '--all')).toMatchInlineSnapshot(`
      "wrong_usage: name what to redrive by its id, or say --all, or --from with a file.
      See: tillstream quarantine redrive --help
      exit 2"
    `);
  });
  it('an empty query', async () => {
    expect(await screen('query', '  ')).toMatchInlineSnapshot(`
      "wrong_usage: the query is empty.
      exit 2"
    `);
  });
  it('a port beyond all ports', async () => {
    expect(await screen('up', '--port', '65536')).toMatchInlineSnapshot(`
      "wrong_usage: --port is "65536"; expected a whole number from 0 to 65535.
      \`tillstream up --help\` shows all settings.
      exit 2"
    `);
  });
});

describe('a platform that cannot be reached ends with 1 and says how to start one', () => {
  it('nothing answers', async () => {
    expect(await screen('status', '--url', NOWHERE)).toMatchInlineSnapshot(`
      "unreachable: no platform answers at http://127.0.0.1:1.
      Start one with: tillstream up, or name another with --url
      exit 1"
    `);
  });
  it('no platform runs on the data directory named', async () => {
    const { code, stderr } = await runCli(['status', '--data-dir', 'shop'], { cwd: emptyDirectory });
    expect(`${stderr.replace(emptyDirectory, '…')}exit ${code}`).toMatchInlineSnapshot(`
      "unreachable: no platform runs on the data directory …/shop.
      Start one with: tillstream up --data-dir shop
      exit 1"
    `);
  });
  it('the process that left platform.json is gone', async () => {
    const directory = await mkdtemp(join(emptyDirectory, 'gone-'));
    // Beyond the largest process id that Linux gives.
    await writeFile(join(directory, 'platform.json'), JSON.stringify({ url: NOWHERE, pid: 2 ** 22 + 1 }));
    const { code, stderr } = await runCli(['status', '--data-dir', directory]);
    expect(stderr).toContain('no platform runs on the data directory');
    expect(code).toBe(1);
  });
  it.each(['<html>It works!</html>', '{"works":true}'])('something else has the port, and says %s', async (said) => {
    const server = createServer((_request, response) => response.end(said));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const shown = await screen('verify', '--url', `http://127.0.0.1:${port}`);
    server.close();
    expect(shown.replace(String(port), '8080')).toMatchInlineSnapshot(`
      "unreachable: what answers at http://127.0.0.1:8080 is not a Tillstream platform.
      Another program may have that port. Name the platform with --url, or its data directory with --data-dir.
      exit 1"
    `);
  });
});
