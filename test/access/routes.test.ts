// Every route against every kind of caller. The table is held to the routes that the platform really has: a new one without
// a row fails, and so does a row without a route.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import type { Platform } from '../../src/platform/local.ts';
import { eventually } from '../support/eventually.ts';
import { endPlatforms, freshDirectory } from '../support/platform.ts';
import { startPlatformHere } from '../support/platform-here.ts';

type Access = 'open' | 'ingest' | 'read' | 'admin' | 'customer' | 'key';

interface Row {
  readonly access: Access;
  /** As it is asked for, where that differs from the route. */
  readonly path?: string;
  readonly body?: object;
  /** The status for who may. */
  readonly ok: number;
}

/** Invoice 1 is of customer 17850, invoice 2 of customer 13047. */
const table: Readonly<Record<string, Row>> = {
  'POST /v1/transactions': {
    access: 'ingest',
    body: {
      InvoiceNo: '1',
      LineNo: 1,
      StockCode: 'MUG',
      Quantity: 1,
      InvoiceDate: '2025-12-24T09:00:00',
      UnitPrice: 1,
      CustomerID: 17850,
      Country: 'France',
    },
    ok: 202,
  },
  'GET /v1/invoices/:invoiceNo': { access: 'customer', path: '/v1/invoices/1', ok: 200 },
  'GET /v1/invoices': { access: 'customer', path: '/v1/invoices?invoiceNo=1', ok: 200 },
  'GET /v1/customers/:id': { access: 'customer', path: '/v1/customers/17850', ok: 200 },
  'GET /v1/customers/:id/invoices': { access: 'customer', path: '/v1/customers/17850/invoices', ok: 200 },
  'POST /v1/customers/:id/tokens': { access: 'admin', path: '/v1/customers/1/tokens', ok: 201 },
  'DELETE /v1/customers/:id/tokens': { access: 'admin', path: '/v1/customers/1/tokens', ok: 204 },
  'DELETE /v1/customers/:id/tokens/:tokenId': {
    access: 'admin',
    path: '/v1/customers/1/tokens/01KAPV1W2C3D4E5F6G7H8J9K0M',
    ok: 204,
  },
  'GET /v1/analytics/sales': { access: 'read', ok: 200 },
  'GET /v1/analytics/products': { access: 'read', ok: 200 },
  'GET /v1/analytics/invoices': { access: 'read', ok: 200 },
  'POST /v1/query': { access: 'read', body: { sql: 'SELECT 1' }, ok: 200 },
  'POST /v1/imports': { access: 'admin', body: { file: 'not there' }, ok: 400 },
  'GET /v1/imports': { access: 'admin', ok: 200 },
  'GET /v1/imports/:id': { access: 'admin', path: '/v1/imports/none', ok: 404 },
  'POST /v1/imports/:id/answer': { access: 'admin', path: '/v1/imports/none/answer', body: {}, ok: 404 },
  'POST /v1/imports/:id/cancel': { access: 'admin', path: '/v1/imports/none/cancel', ok: 404 },
  'GET /v1/imports/:id/rejects': { access: 'admin', path: '/v1/imports/none/rejects', ok: 404 },
  'GET /v1/quarantine': { access: 'admin', ok: 200 },
  'GET /v1/quarantine/:id': { access: 'admin', path: '/v1/quarantine/none', ok: 404 },
  'POST /v1/quarantine/:id/redrive': { access: 'admin', path: '/v1/quarantine/none/redrive', ok: 404 },
  'DELETE /v1/quarantine/:id': { access: 'admin', path: '/v1/quarantine/none', ok: 404 },
  'POST /v1/keys': { access: 'admin', body: { name: 'more', scopes: ['ingest'] }, ok: 201 },
  'GET /v1/keys': { access: 'admin', ok: 200 },
  'DELETE /v1/keys/:id': { access: 'admin', path: '/v1/keys/none', ok: 404 },
  'GET /v1/status': { access: 'read', ok: 200 },
  'GET /v1/live': { access: 'key', ok: 200 },
  'GET /metrics': { access: 'read', ok: 200 },
  'GET /v1/stream': { access: 'key', ok: 200 },
  'POST /v1/verify': { access: 'admin', ok: 200 },
  'POST /v1/backups': { access: 'admin', body: { path: 'not an absolute path' }, ok: 400 },
  'GET /v1/backups': { access: 'admin', ok: 200 },
  'POST /v1/rebuild/:store': { access: 'admin', path: '/v1/rebuild/lake', ok: 400 },
  'GET /v1/rebuild': { access: 'admin', ok: 200 },
  'GET /healthz': { access: 'open', ok: 200 },
  'GET /readyz': { access: 'open', ok: 200 },
  'GET /openapi.json': { access: 'key', ok: 200 },
  'GET /docs': { access: 'key', ok: 200 },
  'GET /docs/errors': { access: 'key', ok: 200 },
  // Swagger UI brings its own.
  'GET /docs/json': { access: 'key', ok: 200 },
  'GET /docs/yaml': { access: 'key', ok: 200 },
  'GET /docs/static/*': { access: 'key', path: '/docs/static/swagger-ui.css', ok: 200 },
  'GET /docs/static/index.html': { access: 'key', ok: 200 },
  'GET /docs/static/swagger-initializer.js': { access: 'key', ok: 200 },
  'GET /docs/static/theme/tillstream.css': { access: 'key', ok: 200 },
  'GET /docs/static/theme/colours.js': { access: 'key', ok: 200 },
  'GET /docs/static/theme/till.svg': { access: 'key', ok: 200 },
};

const isPage = (route: string): boolean => /^GET \/(docs|openapi\.json)/.test(route);

let platform: Platform;
/** What each kind of caller sends along. */
const callers: Record<string, Record<string, string>> = { none: {} };
const wrongKey = `tsk_abcdefghjk_${'A'.repeat(43)}`;

async function send(
  route: string,
  headers: Record<string, string>,
  more = '',
): Promise<{ status: number; code: string | undefined; challenge: string | null; cache: string | null }> {
  const [method = '', url = ''] = route.split(' ');
  const { path = url, body } = table[route] ?? {};
  const answer = await fetch(platform.url + path + more, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const isLive = answer.headers.get('content-type') === 'text/event-stream';
  if (isLive) await answer.body?.cancel();
  const text = isLive ? '' : await answer.text();
  const code = text.startsWith('{') ? JSON.parse(text).code : undefined;
  const { status, headers: told } = answer;
  return { status, code, challenge: told.get('www-authenticate'), cache: told.get('cache-control') };
}

async function make<T>(path: string, body: object): Promise<T> {
  const answer = await fetch(platform.url + path, {
    method: 'POST',
    headers: { ...callers.admin, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBeLessThan(300);
  return (await answer.json()) as T;
}

/** A key that ends as soon as this machine can make one before its end. */
async function keyThatEnds<T>(aheadMs = 300): Promise<T & { endsMs: number }> {
  const endsMs = Date.now() + aheadMs;
  try {
    const body = { name: 'ended', scopes: ['admin'], expiresAt: new Date(endsMs).toISOString() };
    return { ...(await make<T>('/v1/keys', body)), endsMs };
  } catch (error) {
    if (aheadMs > 10_000) throw error;
    return keyThatEnds(2 * aheadMs);
  }
}

const basic = (password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`whoever:${password}`).toString('base64')}`,
});
const bearer = (secret: string): Record<string, string> => ({ authorization: `Bearer ${secret}` });

beforeAll(async () => {
  const started = await startPlatformHere(join(await freshDirectory('access'), 'data'));
  platform = started.platform;
  callers.admin = bearer(started.adminKey);
  type Key = { id: string; key: string };
  type Token = { token: string; tokenId: string };
  const [ingest, read, ended, revoked] = await Promise.all([
    make<Key>('/v1/keys', { name: 'ingest', scopes: ['ingest'] }),
    make<Key>('/v1/keys', { name: 'read', scopes: ['read'] }),
    keyThatEnds<Key>(),
    make<Key>('/v1/keys', { name: 'revoked', scopes: ['admin'] }),
  ]);
  const [customer, other, endedToken, revokedToken] = await Promise.all([
    make<Token>('/v1/customers/17850/tokens', {}),
    make<Token>('/v1/customers/13047/tokens', {}),
    make<Token>('/v1/customers/17850/tokens', { expiresInSeconds: 1 }),
    make<Token>('/v1/customers/17850/tokens', {}),
  ]);
  const remove = (path: string) => fetch(platform.url + path, { method: 'DELETE', headers: callers.admin ?? {} });
  expect((await remove(`/v1/keys/${revoked.id}`)).status).toBe(200);
  expect((await remove(`/v1/customers/17850/tokens/${revokedToken.tokenId}`)).status).toBe(204);
  Object.assign(callers, {
    'a wrong key': bearer(wrongKey),
    'a key with a wrong secret': bearer(read.key.slice(0, -4) + (read.key.endsWith('AAAA') ? 'BBBB' : 'AAAA')),
    ingest: { 'x-api-key': ingest.key },
    read: bearer(read.key),
    'an ended key': bearer(ended.key),
    'a revoked key': bearer(revoked.key),
    customer: bearer(customer.token),
    'another customer': bearer(other.token),
    'an ended token': bearer(endedToken.token),
    'a revoked token': bearer(revokedToken.token),
    'a token of another platform': bearer(`${customer.token.slice(0, -8)}AAAAAAAA`),
    'a token without a signature': bearer(
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${customer.token.split('.')[1]}.`,
    ),
    'a foreign page': { ...callers.admin, origin: 'https://evil.example' },
    'a browser': basic(read.key),
    'a browser with a wrong key': basic(wrongKey),
    "a browser with a customer's token": basic(customer.token),
    'a browser that asks with a key': { ...basic(wrongKey), 'x-api-key': ingest.key },
  });
  expect((await send('POST /v1/transactions', callers.admin)).status).toBe(202);
  await make('/v1/transactions', {
    InvoiceNo: '2',
    LineNo: 1,
    StockCode: 'MUG',
    Quantity: 1,
    InvoiceDate: '2025-12-24T09:00:00',
    UnitPrice: 1,
    CustomerID: 13047,
    Country: 'France',
  });
  await eventually(async () =>
    expect((await send('GET /v1/invoices/:invoiceNo', callers.admin ?? {})).status).toBe(200),
  );
  // By now the token of a second has ended, too.
  await new Promise((resolve) => setTimeout(resolve, Math.max(1100, ended.endsMs + 100 - Date.now())));
});
afterAll(async () => {
  await platform.close();
  await endPlatforms();
});

/** What a caller is told: `ok`, or why not. */
function expected(caller: string, { access }: Row, page: boolean): 'ok' | 401 | 403 | 404 {
  if (caller === 'a foreign page') return 403;
  if (access === 'open') return 'ok';
  switch (caller) {
    case 'a browser':
      return page ? 'ok' : 401;
    case "a browser with a customer's token":
      return page ? 403 : 401;
    case 'a browser that asks with a key':
      return page ? 401 : expected('ingest', { access, ok: 200 }, page);
    case 'admin':
      return 'ok';
    case 'ingest':
      return access === 'ingest' || access === 'key' ? 'ok' : 403;
    case 'read':
      return access === 'read' || access === 'customer' || access === 'key' ? 'ok' : 403;
    case 'customer':
      return access === 'customer' ? 'ok' : 403;
    case 'another customer':
      return access === 'customer' ? 404 : 403;
    default:
      return 401;
  }
}

test('the table has a row for every route, and none for what is no route', () => {
  const routes = platform.routes.filter(({ method }) => method !== 'HEAD').map(({ method, url }) => `${method} ${url}`);
  expect(routes.sort()).toEqual(Object.keys(table).sort());
});

test('every route says who may use it', () => {
  for (const { method, url, access } of platform.routes) {
    expect(access, `${method} ${url}`).toBeDefined();
  }
});

describe.each(Object.keys(table))('%s', (route) => {
  const row = table[route] as Row;
  // The admin comes last: some routes change something.
  const kinds = [
    'none',
    'a wrong key',
    'a key with a wrong secret',
    'ingest',
    'read',
    'an ended key',
    'a revoked key',
    'customer',
    'another customer',
    'an ended token',
    'a revoked token',
    'a token of another platform',
    'a token without a signature',
    'a foreign page',
    'a browser',
    'a browser with a wrong key',
    "a browser with a customer's token",
    'a browser that asks with a key',
    'admin',
  ];
  it.each(kinds)('%s', async (kind) => {
    const page = isPage(route);
    const what = expected(kind, row, page);
    const { status, code, challenge, cache } = await send(route, callers[kind] ?? {});
    expect(status).toBe(what === 'ok' ? row.ok : what);
    // At a page the browser asks its person for the key; anywhere else it does not.
    expect(challenge).toBe(what === 401 ? (page ? 'Basic realm="Tillstream"' : 'Bearer') : null);
    // What is answered to who sends lines is small and frequent, and nobody keeps the answer to a POST.
    const isKept = page || row.access === 'open' || row.access === 'ingest';
    if (!isKept || what !== 'ok') expect(cache).toBe('no-store');
    if (what === 401) expect(code).toBe('unauthorized');
    if (what === 403) expect(code).toBe(kind === 'a foreign page' ? 'forbidden_origin' : 'forbidden');
  });
});

test("another customer's invoice is told from none by nothing", async () => {
  const customer = callers['another customer'] ?? {};
  const get = async (path: string) => {
    const answer = await fetch(platform.url + path, { headers: { ...customer, 'x-request-id': 'the-same' } });
    const headers = [...answer.headers].filter(([name]) => name !== 'date' && name !== 'content-length');
    return { status: answer.status, headers, text: (await answer.text()).replaceAll(/\b(1|17850)\b/g, 'N') };
  };
  const swap = (text: string): string => text.replaceAll(/\b(nobody|999)\b/g, 'N');
  for (const [theirs, nobodys] of [
    ['/v1/invoices/1', '/v1/invoices/999'],
    ['/v1/invoices?invoiceNo=1', '/v1/invoices?invoiceNo=999'],
    ['/v1/customers/17850', '/v1/customers/nobody'],
    ['/v1/customers/17850/invoices', '/v1/customers/nobody/invoices'],
  ] as const) {
    const [one, other] = [await get(theirs), await get(nobodys)];
    expect(one).toEqual({ ...other, text: swap(other.text) });
    expect(one.status).toBe(404);
  }
});

test('what is no route says so to who has a key alone', async () => {
  const get = (headers: Record<string, string>) => fetch(`${platform.url}/v1/nothing`, { headers });
  expect((await get({})).status).toBe(401);
  expect((await get(callers.ingest ?? {})).status).toBe(404);
  const wrongMethod = await fetch(`${platform.url}/v1/status`, { method: 'PUT' });
  expect([wrongMethod.status, wrongMethod.headers.get('allow')]).toEqual([401, null]);
  expect((await fetch(`${platform.url}/v1/%zz`)).status).toBe(401);
  expect((await fetch(`${platform.url}/v1/%zz`, { headers: callers.read ?? {} })).status).toBe(400);
});

test('a parameter that a route does not know is refused, but at pages and health: there others add what they like', async () => {
  for (const [route, { path = '', access, ok }] of Object.entries(table)) {
    // Swagger UI sends its own page with a parameter from one address to the next, without an end.
    if (route.startsWith('GET /docs')) continue;
    const { status, code } = await send(route, callers.admin ?? {}, `${path.includes('?') ? '&' : '?'}foo=1`);
    const isFree = isPage(route) || access === 'open';
    expect([route, status, code]).toEqual([route, isFree ? ok : 400, isFree ? undefined : 'invalid_parameter']);
  }
});

test('events have no end, so HEAD does not ask for them', async () => {
  const answer = await fetch(`${platform.url}/v1/live`, {
    method: 'HEAD',
    headers: callers.admin ?? {},
    signal: AbortSignal.timeout(10_000),
  });
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET']);
});

test("an invoice of two customers shows neither of them the other's line, nor sums with it", async () => {
  const line = (no: number, customer: number, description: string, unitPrice: number) => ({
    ...{ InvoiceNo: 'M1', LineNo: no, StockCode: 'MUG', Description: description, Quantity: 1 },
    ...{
      InvoiceDate: `2025-12-24T0${no}:00:00`,
      UnitPrice: unitPrice,
      CustomerID: customer,
      Country: `${customer} land`,
    },
  });
  await make('/v1/transactions', line(1, 111, 'a secret of 111', 5));
  await make('/v1/transactions', line(2, 222, 'mug', 3));
  const { token } = await make<{ token: string }>('/v1/customers/222/tokens', {});
  const get = (path: string, headers: Record<string, string> = bearer(token)) =>
    fetch(platform.url + path, { headers });
  await eventually(async () => expect((await get('/v1/invoices/M1')).status).toBe(200));
  const texts: string[] = [];
  for (const path of ['invoices/M1', 'invoices?invoiceNo=M1', 'customers/222', 'customers/222/invoices'])
    texts.push(await (await get(`/v1/${path}`)).text());
  expect(texts.join('\n')).not.toMatch(/111|T01:00/);
  const [invoice, , profile, history] = texts.map((text) => JSON.parse(text));
  expect(invoice).toMatchObject({ customerId: '222', total: 3, lineCount: 1, invoiceDate: '2025-12-24T02:00:00' });
  expect(profile).toMatchObject({ spent: 3, firstPurchase: '2025-12-24T02:00:00', country: '222 land' });
  expect(history.invoices).toMatchObject([{ invoiceNo: 'M1', total: 3, lineCount: 1 }]);
  const whole = await (await get('/v1/invoices/M1', callers.read)).json();
  expect(whole).toMatchObject({ customerId: '222', total: 8, lineCount: 2 });
  expect(await (await get('/v1/customers/222', callers.read)).json()).toMatchObject({ spent: 8 });
});

test('a token is of the customer as lines are, says whether they are known, and ends however its id is written', async () => {
  type Token = { token: string; tokenId: string; customerId: string; known: boolean };
  const created = (customer: string) => make<Token>(`/v1/customers/${customer}/tokens`, {});
  expect(await created('17850')).toMatchObject({ customerId: '17850', known: true });
  const one = await created('%20333.0%20');
  expect(one).toMatchObject({ customerId: '333', known: false });
  const two = await created('333');
  const remove = async (path: string) =>
    (await fetch(platform.url + path, { method: 'DELETE', headers: callers.admin ?? {} })).status;
  const opens = async ({ token }: Token) =>
    (await fetch(`${platform.url}/v1/customers/333`, { headers: bearer(token) })).status !== 401;
  expect([await opens(one), await opens(two)]).toEqual([true, true]);
  expect(await remove(`/v1/customers/333/tokens/${one.tokenId.toLowerCase()}`)).toBe(204);
  expect([await opens(one), await opens(two)]).toEqual([false, true]);
  expect(await remove('/v1/customers/333.0/tokens')).toBe(204);
  expect(await opens(two)).toBe(false);
  for (const id of ['01KAPV1W2C3D4E5F6G7H8J9K0', '01KAPV1W2C3D4E5F6G7H8J9K0U', '81KAPV1W2C3D4E5F6G7H8J9K0M'])
    expect(await remove(`/v1/customers/333/tokens/${id}`)).toBe(404);
  for (const customer of ['%20', 'x'.repeat(65)]) expect(await remove(`/v1/customers/${customer}/tokens`)).toBe(400);
});

test.each(['2030-02-31', '2031-04-31T12:00:00Z', '2029-02-29'])(
  'a key cannot end on a day that is none: %s',
  async (expiresAt) => {
    const answer = await fetch(`${platform.url}/v1/keys`, {
      method: 'POST',
      headers: { ...callers.admin, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'x', scopes: ['read'], expiresAt }),
    });
    expect([answer.status, ((await answer.json()) as { field: string }).field]).toEqual([400, 'expiresAt']);
  },
);
