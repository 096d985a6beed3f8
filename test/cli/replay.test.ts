// `tillstream replay` against a platform: what it resumes, and what it says of lines that were replaced.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { csvOf, type ShopRow } from '../client/shop.ts';
import { type CliRun, runCli } from '../support/cli.ts';
import { freePort } from '../support/free-port.ts';
import { endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';

let directory: string;
beforeEach(async () => {
  directory = await freshDirectory('replay');
});
afterEach(endPlatforms);

const row = (invoiceNo: string, stockCode: string): ShopRow => ({ invoiceNo, stockCode });

async function shop(name: string, ...rows: readonly ShopRow[]): Promise<void> {
  await writeFile(join(directory, name), csvOf(rows));
}

function replay(url: string, ...commandLine: string[]): Promise<CliRun> {
  return runCli(['replay', ...commandLine, '--url', url], { cwd: directory });
}

it('--resume goes by the data that a platform has, not by its URL, and a key that may only send will do', async () => {
  const [data, other] = [join(directory, 'data'), join(directory, 'other')];
  const port = String(await freePort());
  let platform = await startPlatform(data, { auth: true, args: ['--port', port] });
  const made = await runCli(['keys', 'create', 'till', '--scope', 'ingest', '--json', '--data-dir', data]);
  const key = JSON.parse(made.stdout).key as string;
  await shop('shop.csv', row('R1', 'A'), row('R1', 'B'), row('R2', 'C'));
  expect(await replay(platform.url, 'shop.csv', '--limit', '1', '--key', key)).toMatchObject({ code: 0 });
  await platform.stop();

  platform = await startPlatform(other, { args: ['--port', port] });
  const refused = await replay(platform.url, 'shop.csv', '--resume');
  expect(refused.stderr).toContain(`what was stored there is not in the data that ${platform.url} has now`);
  expect(refused.code).toBe(1);
  expect((await platform.status()).accepted.lines).toBe(0);
  await platform.stop();

  platform = await startPlatform(data);
  const { stdout, code } = await replay(platform.url, 'shop.csv', '--resume', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ accepted: 2, resumedAfterRow: 1, replacedMeanwhile: 0 });
  expect(code).toBe(0);
  expect(await platform.verify()).toMatchObject({ agrees: true, stores: [{ lines: 3 }, { lines: 3 }, { lines: 3 }] });
});

it('parts of an export replayed one by one replace lines where an invoice straddles the cut: it says so, and what to do', async () => {
  const platform = await startPlatform(join(directory, 'data'));
  const { url } = platform;
  await shop('1.csv', row('R1', 'A'), row('R2', 'B'), row('R2', 'C'));
  await shop('2.csv', row('R2', 'D'), row('R3', 'E'));
  const first = await replay(url, '1.csv');
  expect(first.stdout + first.stderr).not.toMatch(/replaced/i);
  const second = await replay(url, '2.csv');
  expect(second.stdout).toContain("Replaced  1 line by a version that differs, other senders' included");
  expect(second.stderr).toMatchInlineSnapshot(`
    "
    Lines were replaced by others with the same number. Corrections do that; but so does a part of an
    export that is replayed by a command of its own, where an invoice goes on from the part before: its
    lines are numbered from 1 again. Then replay all parts again in one command, in their order, or give
    the rows a LineNo: that puts it right.
    "
  `);
  expect(second.code).toBe(0);

  const all = await replay(url, '1.csv', '2.csv');
  expect(all.code).toBe(0);
  expect(await platform.verify()).toMatchObject({ agrees: true, stores: [{ lines: 5 }, { lines: 5 }, { lines: 5 }] });
  expect((await replay(url, '1.csv', '2.csv')).stdout).not.toContain('Replaced');
});
