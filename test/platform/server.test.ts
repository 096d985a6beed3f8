// What holds for every route: refusals in one form, methods, an end without half answers, reasons in the log.
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TillstreamError } from '../../src/model/errors.ts';
import { createServer } from '../../src/platform/server.ts';
import { eventually } from '../support/eventually.ts';

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly text: string;
}

let server: FastifyInstance;
let port: number;
let logged: unknown[];
let slow: Promise<void>;
let slowBegun: boolean;
let letGo: () => void;

beforeEach(async () => {
  logged = [];
  slowBegun = false;
  slow = new Promise((resolve) => {
    letGo = resolve;
  });
  server = createServer({ onError: (error) => logged.push(error) });
  server.get('/v1/invoices', () => ({}));
  server.get('/v1/invoices/:invoiceNo', () => ({}));
  server.post('/v1/verify', () => ({}));
  server.post('/v1/quarantine/:id/redrive', () => ({}));
  server.delete('/v1/quarantine/:id', () => ({}));
  server.get('/v1/quarantine/:id', () => ({}));
  const limit = Type.Optional(Type.Integer({ maximum: 10 }));
  const schema = { querystring: Type.Object({ from: Type.Optional(Type.String()), limit }) };
  server.get('/v1/sales', { schema }, ({ query }) => query);
  server.post('/v1/query', { schema: { body: Type.Object({ sql: Type.String() }) } }, ({ body }) => ({ body }));
  server.get('/slow', async () => {
    slowBegun = true;
    await slow;
    return {};
  });
  server.get('/away', () => {
    const cause = new Error('EIO in /srv/shop');
    throw new TillstreamError('unavailable', 'The order store cannot be written: the disk is full', { cause });
  });
  server.get('/full', () => {
    throw new TillstreamError('stream_full', 'The stream is full.');
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const address = server.server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterEach(async () => {
  letGo();
  await server.close();
});

function send(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.on('error', reject).end(body);
  });
}

function expectProblem({ status, headers, text }: Answer, wanted: { status: number; code: string }): void {
  expect({ status, code: JSON.parse(text).code }).toEqual(wanted);
  expect(headers['content-type']).toMatch(/^application\/problem\+json/);
}

describe('an address that gets to no route', () => {
  test.each([
    ['/v1/invoices/%E0%A4%A', { status: 400, code: 'invalid_request' }],
    [`/v1/invoices/${'9'.repeat(513)}`, { status: 400, code: 'invalid_parameter' }],
    ['/v1/nothing', { status: 404, code: 'not_found' }],
  ])('is answered as any other refusal: %s', async (path, wanted) => {
    expectProblem(await send('GET', path), wanted);
    expect(logged).toEqual([]);
  });

  test('tells a foreign page nothing', async () => {
    const answer = await send('GET', '/v1/invoices/%E0%A4%A', { host: 'shop.example' });
    expectProblem(answer, { status: 403, code: 'forbidden_origin' });
  });
});

describe('a method that a route does not have', () => {
  test.each([
    ['POST', '/v1/invoices/536365', 'GET, HEAD'],
    ['DELETE', '/v1/invoices/?invoiceNo=536365', 'GET, HEAD'],
    ['GET', '/v1/verify', 'POST'],
    ['GET', '/v1/quarantine/orders-42/redrive', 'POST'],
    ['POST', '/v1/quarantine/orders-42', 'DELETE, GET, HEAD'],
  ])('%s %s: 405, which allows %s', async (method, path, allow) => {
    const answer = await send(method, path);
    expectProblem(answer, { status: 405, code: 'method_not_allowed' });
    expect(answer.headers.allow).toBe(allow);
  });
});

describe('what a route does not know', () => {
  test('a parameter that is misspelt is not ignored: the answer would be to another question', async () => {
    const answer = await send('GET', '/v1/sales?form=2030');
    expectProblem(answer, { status: 400, code: 'invalid_parameter' });
    expect(JSON.parse(answer.text)).toMatchObject({
      detail: 'form: there is no such parameter here; check how it is spelt.',
      field: 'form',
      value: '2030',
    });
    expect((await send('GET', '/v1/sales?from=2030')).text).toBe('{"from":"2030"}');
  });

  test.each(['1e309', '-1e309'])('a number that is none: %s', async (limit) => {
    const answer = await send('GET', `/v1/sales?limit=${limit}`);
    expectProblem(answer, { status: 400, code: 'invalid_parameter' });
    expect(JSON.parse(answer.text)).toMatchObject({ detail: 'limit: the number is too large.', field: 'limit' });
  });

  test('nor is a field of a body', async () => {
    const answer = await send('POST', '/v1/query', {}, '{"sql":"SELECT 1","limit":5}');
    expectProblem(answer, { status: 400, code: 'invalid_parameter' });
    expect(JSON.parse(answer.text).field).toBe('limit');
  });
});

describe('a body', () => {
  test.each([
    ['as JSON', 'application/json'],
    ['as JSON, with its encoding', 'application/json; charset=utf-8'],
    ["as curl's -d sends it", 'application/x-www-form-urlencoded'],
    ['as text', 'text/plain'],
  ])('is JSON %s', async (_how, contentType) => {
    const answer = await send('POST', '/v1/query', { 'content-type': contentType }, '{"sql":"SELECT 1"}');
    expect(answer).toMatchObject({ status: 200, text: '{"body":{"sql":"SELECT 1"}}' });
  });

  test('is JSON without a type, too', async () => {
    expect((await send('POST', '/v1/query', {}, '{"sql":"SELECT 1"}')).status).toBe(200);
  });

  test.each([
    ['that is none', '', 'application/json', { status: 400, code: 'invalid_parameter' }],
    ['that is no JSON', '{"sql":', 'application/json', { status: 400, code: 'invalid_json' }],
    ['of something else', '<sql/>', 'application/xml', { status: 415, code: 'unsupported_media_type' }],
    ['of NDJSON', '{"sql":"SELECT 1"}', 'application/x-ndjson', { status: 415, code: 'unsupported_media_type' }],
    [
      'beyond a megabyte',
      `{"sql":"${'-'.repeat(2 ** 20)}"}`,
      'application/json',
      { status: 413, code: 'body_too_large' },
    ],
  ])('%s is refused', async (_what, body, contentType, wanted) => {
    expectProblem(await send('POST', '/v1/query', { 'content-type': contentType }, body), wanted);
  });

  test.each(['application/json', 'application/x-www-form-urlencoded'])(
    'may be empty where none is asked for (%s)',
    async (type) => {
      expect((await send('POST', '/v1/verify', { 'content-type': type }, '')).status).toBe(200);
    },
  );
});

test('while it closes, what comes on a connection that is kept is told when to come back', async () => {
  const socket = connect(port, '127.0.0.1');
  let answers = '';
  socket.setEncoding('utf8').on('data', (part: string) => {
    answers += part;
  });
  const ended = once(socket, 'close');
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  socket.write(get('/slow'));
  await eventually(() => expect(slowBegun).toBe(true));
  const closed = server.close();
  await eventually(() => expect(server.server.listening).toBe(false));
  socket.write(get('/v1/invoices'));
  await pause(50);
  letGo();
  await Promise.all([ended, closed]);
  const [, slowAnswer, refusal] = answers.split('HTTP/1.1 ');
  expect(slowAnswer).toMatch(/^200 /);
  expect(refusal).toMatch(/^503 /);
  expect(refusal).toMatch(/retry-after: 5\r\n/i);
  expect(refusal).toContain('"code":"shutting_down"');
});

describe('the log', () => {
  test('has the reason of a 503 that its sender is not told', async () => {
    const answer = await send('GET', '/away');
    expectProblem(answer, { status: 503, code: 'unavailable' });
    expect(answer.text).not.toContain('/srv/shop');
    expect(logged).toMatchObject([{ code: 'unavailable', cause: { message: 'EIO in /srv/shop' } }]);
  });

  test('has nothing of a 503 that says it all', async () => {
    expectProblem(await send('GET', '/full'), { status: 503, code: 'stream_full' });
    expect(logged).toEqual([]);
  });
});

describe('the id of a request', () => {
  const idOf = async (path: string, sent?: string): Promise<unknown> =>
    (await send('GET', path, sent === undefined ? {} : { 'x-request-id': sent })).headers['x-request-id'];

  test.each(['a', 'A-1_b.c', 'x'.repeat(64)])('is its sender’s, where that is sane: %s', async (sent) => {
    expect(await idOf('/v1/nothing', sent)).toBe(sent);
    expect(await idOf('/full', sent)).toBe(sent);
    expect(await idOf('/v1/invoices/%E0%A4%A', sent)).toBe(sent);
  });

  test.each(['', 'a b', 'x'.repeat(65), '<script>', 'ü'])('is one of ours, where it is not: %j', async (sent) => {
    expect(await idOf('/v1/nothing', sent)).toMatch(/^[a-z0-9]+-[a-z0-9]+-[a-z0-9]+$/);
  });

  test('is another for every request, and none for those that go well', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => idOf('/full')));
    expect(new Set(ids).size).toBe(20);
    expect(await idOf('/v1/invoices')).toBeUndefined();
  });
});
