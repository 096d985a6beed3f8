// The rate limit: by key, not by machine; off unless set; a replay keeps to it by itself.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';

afterEach(endPlatforms);

const LIMIT = 20;

test('each key and each customer has its own second; health has none', async () => {
  const directory = await freshDirectory('rate');
  const platform = await startPlatform(directory, { auth: true, env: { TILLSTREAM_RATE_LIMIT: String(LIMIT) } });
  const admin = { 'x-api-key': (await readFile(join(directory, 'admin-key'), 'utf8')).trim() };
  const make = async (path: string, body: object) =>
    (await (
      await fetch(platform.url + path, {
        method: 'POST',
        headers: { ...admin, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    ).json()) as { key: string; token: string };
  const { key } = await make('/v1/keys', { name: 'app', scopes: ['read'] });
  const { token } = await make('/v1/customers/1/tokens', {});
  const burst = (headers: Record<string, string>, path = '/v1/invoices/none') =>
    Promise.all(Array.from({ length: 3 * LIMIT }, () => fetch(platform.url + path, { headers })));
  const refusedOf = (answers: readonly Response[]) => answers.filter(({ status }) => status === 429);

  // A burst may meet the end of a second, or of several.
  const first = await eventually(async () => {
    const [refused] = refusedOf(await burst({ 'x-api-key': key }));
    expect(refused).toBeDefined();
    return refused;
  });
  expect(first?.headers.get('retry-after')).toBe('1');
  expect(first?.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(await first?.json()).toMatchObject({
    code: 'rate_limited',
    status: 429,
    detail: 'This key may send 20 requests a second; that was more.',
  });
  expect((await fetch(`${platform.url}/v1/status`, { headers: admin })).status).toBe(200);
  await eventually(async () =>
    expect(refusedOf(await burst({ authorization: `Bearer ${token}` })).length).toBeGreaterThan(0),
  );
  expect(refusedOf(await burst({}, '/healthz'))).toEqual([]);
  await eventually(async () =>
    expect((await fetch(`${platform.url}/v1/status`, { headers: { 'x-api-key': key } })).status).toBe(200),
  );
});

test('a replay that is told to wait waits, and loses nothing', async () => {
  const cwd = await freshDirectory('paced');
  const platform = await startPlatform(join(cwd, 'data'), { auth: true, env: { TILLSTREAM_RATE_LIMIT: '10' } });
  // Invoices are sent side by side: more at once than it takes in a second.
  const rows = Array.from(
    { length: 60 },
    (_, at) => `${700_001 + at},MUG,Blue mug,1,12/13/2010 8:26,2.5,17850,France\n`,
  );
  const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
  await writeFile(join(cwd, 'lines.csv'), `${header}\n${rows.join('')}`);
  const replay = await runCli(['replay', 'lines.csv', '--json', '--data-dir', platform.directory], { cwd });
  expect(JSON.parse(replay.stdout)).toMatchObject({ accepted: 60, rejected: 0 });
  expect(JSON.parse(replay.stdout).retries).toBeGreaterThan(0);
});
