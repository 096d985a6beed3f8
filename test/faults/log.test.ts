// What a platform logs while customers' data goes through all of it, failures included: what happened, and none of the data.
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { consumerOf, endPlatforms, freshDirectory, type Platform, startPlatform } from '../support/platform.ts';

afterEach(endPlatforms);

const LEAKY = `--import=${new URL('./leaky-release.mjs', import.meta.url)}`;

/** Every text of a customer's has this in it. */
const SECRET = /SECRET/i;

const sale = (customerId: string, more: object = {}) => ({
  InvoiceNo: `9${customerId.slice(-1)}`,
  LineNo: 1,
  StockCode: 'MUG',
  Description: 'A SECRET GIFT',
  Quantity: 1,
  InvoiceDate: '2025-12-24T09:00:00',
  UnitPrice: 1,
  CustomerID: customerId,
  Country: 'France',
  Email: 'secret@example.com',
  ...more,
});

/** As JSON lines; anything else on stderr fails the test. */
const linesOf = (platform: Platform): Record<string, unknown>[] =>
  platform.output.stderr
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('Draining'))
    .map((line) => JSON.parse(line));

const messagesOf = (platform: Platform): unknown[] => linesOf(platform).map(({ msg }) => msg);

describe('at level info', () => {
  it('everything that happens is there, and nothing of the data, whatever fails with it', async () => {
    const directory = join(await freshDirectory('log'), 'data');
    const env = { NODE_OPTIONS: LEAKY, TILLSTREAM_LOG_LEVEL: 'info', TILLSTREAM_TIME_ZONE: 'Europe/London' };
    const platform = await startPlatform(directory, { env });
    const post = (body: string, type = 'application/json') => platform.request('POST', '/v1/transactions', body, type);

    // Accepted, refused in every form, unusable for each pipeline.
    expect((await post(JSON.stringify(sale('SECRET-C1')))).status).toBe(202);
    expect((await post(JSON.stringify(sale('SECRET-C2', { Description: 'A GIFT' })))).status).toBe(202);
    expect((await post(JSON.stringify(sale('SECRET-C3', { Quantity: 'SECRET' })))).status).toBe(422);
    expect((await post('{"InvoiceNo": "SECRET')).status).toBe(400);
    const many = await post(`${JSON.stringify(sale('SECRET-C4', { Quantity: 'SECRET' }))}\n`, 'application/x-ndjson');
    expect([many.status, many.headers.get('x-request-id')]).toEqual([422, expect.stringMatching(/^[a-z0-9-]+$/)]);
    await platform.statusWhen(({ quarantine }) => quarantine.waiting === 6);
    // Looked up: found, not found, refused, failing.
    expect((await platform.get('/v1/customers/SECRET-C2')).status).toBe(500);
    expect((await platform.get('/v1/customers/SECRET-C2/invoices?cursor=SECRET')).status).toBe(500);
    expect((await platform.get('/v1/invoices/SECRET?customer=SECRET')).status).toBe(400);
    expect((await platform.get('/v1/invoices/SECRET')).status).toBe(404);
    expect((await platform.get('/v1/customers/SECRET-C1/invoices?limit=SECRET')).status).toBe(400);
    expect((await platform.get('/SECRET')).status).toBe(404);
    const sql = JSON.stringify({ sql: "SELECT CAST('SECRET' AS INTEGER)" });
    expect((await platform.request('POST', '/v1/query', sql, 'application/json')).status).toBe(400);
    const token = JSON.stringify({ expiresInSeconds: 60 });
    expect((await platform.request('POST', '/v1/customers/SECRET-C1/tokens', token, 'application/json')).status).toBe(
      201,
    );
    // Operated: keys, redrive, discard, verify.
    const key = JSON.stringify({ name: 'till 4', scopes: ['ingest'] });
    const made = await platform.request('POST', '/v1/keys', key, 'application/json');
    await platform.request('DELETE', `/v1/keys/${made.body.id}`);
    const { body } = await platform.get('/v1/quarantine');
    const ids = body.entries.map(({ id }: { id: string }) => id).sort();
    expect((await platform.request('POST', `/v1/quarantine/${ids[0]}/redrive`)).body.state).toBe('waiting');
    expect((await platform.request('DELETE', `/v1/quarantine/${ids[1]}`)).body.state).toBe('discarded');
    expect((await platform.verify()).agrees).toBe(true);
    // A store that is away, and comes back.
    await rename(join(directory, 'lake/raw'), join(directory, 'lake/raw.away')).catch(() => {});
    await writeFile(join(directory, 'lake/raw'), '');
    await post(JSON.stringify({ ...sale('C9'), Description: 'A GIFT', Email: '' }));
    await platform.statusWhen((status) => consumerOf(status, 'lake').state === 'waiting');
    await rm(join(directory, 'lake/raw'));
    await mkdir(join(directory, 'lake/raw'), { recursive: true });
    await platform.statusWhen((status) => consumerOf(status, 'lake').lagRecords === 0);
    expect(await platform.stop()).toBe(0);

    const log = platform.output.stderr;
    expect(log).not.toMatch(SECRET);
    expect(log).not.toContain(made.body.key);
    expect(messagesOf(platform)).toEqual(
      expect.arrayContaining([
        'A key for the commands on this machine was made',
        'The platform is running',
        'A key was made',
        'A key was revoked',
        'A request failed',
        'A record was redriven',
        'A record was discarded',
        'All stores agree',
        'The lake store is not available',
        'The lake store is available again',
        'The platform is ending',
        'The platform has ended',
      ]),
    );
    const found = (message: string) => linesOf(platform).find(({ msg }) => msg === message);
    expect(found('The platform is running')).toMatchObject({
      settings: { dataDirectory: directory, port: 0, auth: false, timeZone: 'Europe/London', logLevel: 'info' },
    });
    expect(found('A key was made')).toMatchObject({ id: made.body.id, name: 'till 4', scopes: ['ingest'] });
    const quarantined = linesOf(platform).filter(
      ({ id, msg }) => ids.includes(id) && String(msg).startsWith('Record '),
    );
    expect(quarantined.map(({ id }) => id).sort()).toEqual(ids);
    expect(quarantined[0]).toMatchObject({
      code: 'pipeline_failed',
      err: { type: 'TypeError', cause: { type: 'Error' } },
    });
    // No message; where it was thrown.
    expect(quarantined[0]?.err).not.toHaveProperty('message');
    expect(quarantined[0]).toMatchObject({
      err: { stack: expect.arrayContaining([expect.stringMatching(/process .*dist\/pipelines\//)]) },
    });
    expect(found('A request failed')).toMatchObject({
      route: '/v1/customers/:id',
      method: 'GET',
      caller: 'key none',
      requestId: expect.stringMatching(/^[a-z0-9-]+$/),
      err: { type: 'SyntaxError' },
    });
    expect(found('The lake store is not available')).toMatchObject({
      err: { code: 'unavailable', message: expect.stringContaining('lake') },
    });
  });

  it('no request that goes well is logged', async () => {
    const platform = await startPlatform(await freshDirectory('log'), { env: { TILLSTREAM_LOG_LEVEL: 'info' } });
    const before = linesOf(platform).length;
    for (let count = 0; count < 20; count += 1) expect((await platform.get('/healthz')).status).toBe(200);
    expect((await platform.send([sale('C1')])).status).toBe(202);
    expect((await platform.get('/v1/nothing')).status).toBe(404);
    expect(linesOf(platform)).toHaveLength(before);
  });
});

it('at level warn, the default, a platform that is well logs nothing', async () => {
  const platform = await startPlatform(await freshDirectory('log'));
  await platform.send([sale('C1')]);
  await platform.verify();
  await platform.stop();
  expect(linesOf(platform)).toEqual([]);
});

it('at level debug each request is there: method, route, status, time, caller, and the id that its answer has', async () => {
  const directory = await freshDirectory('log');
  const platform = await startPlatform(directory, { auth: true, env: { TILLSTREAM_LOG_LEVEL: 'debug' } });
  const answer = await fetch(`${platform.url}/v1/customers/17850`, { headers: { 'x-request-id': 'till-4.77' } });
  expect([answer.status, answer.headers.get('x-request-id')]).toEqual([401, 'till-4.77']);
  expect((await runCli(['status', '--json', '--data-dir', directory])).code).toBe(0);
  await eventually(() => {
    const requests = linesOf(platform).filter(({ msg }) => msg === 'A request was answered');
    expect(requests).toMatchObject([
      { requestId: 'till-4.77', method: 'GET', route: '/v1/customers/:id', status: 401, caller: null, thread: 'http' },
      { method: 'GET', route: '/v1/status', status: 200, caller: expect.stringMatching(/^key [a-z0-9]{10}$/) },
    ]);
    for (const { ms } of requests) expect(ms).toBeTypeOf('number');
  });
});
