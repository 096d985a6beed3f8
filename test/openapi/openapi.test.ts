// The OpenAPI document against the platform: it is valid, it names every route, each of its examples works, and what is
// answered is what it says.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import type { Platform } from '../../src/platform/local.ts';
import type { AnyJson } from '../support/any-json.ts';
import { appendUnusable } from '../support/append-unusable.ts';
import { eventually } from '../support/eventually.ts';
import { endPlatforms, freshDirectory } from '../support/platform.ts';
import { startPlatformHere } from '../support/platform-here.ts';
import {
  type Check,
  checkerOf,
  type ExampleRequest,
  exampleAnswer,
  exampleRequests,
  type OpenApi,
  type Operation,
  operationsOf,
} from './document.ts';

let platform: Platform;
let key: Record<string, string>;
let document: OpenApi;
let operations: Operation[];
let check: Check;
/** What differs from platform to platform, ids and places: as the examples have it, and as it is here. */
const given = new Map([['orders-0000000000000042', 'orders-0000000000000001']]);

interface Answer {
  readonly status: string;
  readonly headers: Headers;
  readonly type: string;
  readonly body: AnyJson;
}

interface Limited {
  readonly properties: Readonly<Record<string, { readonly maxLength?: number }>>;
}

async function send(method: string, url: string, options: Omit<RequestInit, 'method'> = {}): Promise<Answer> {
  const answer = await fetch(platform.url + url, { ...options, method });
  const [type = ''] = (answer.headers.get('content-type') ?? '').split(';');
  const text = type === 'text/event-stream' ? await textUpTo(answer, 'pulse') : await answer.text();
  return {
    status: String(answer.status),
    headers: answer.headers,
    type,
    body: text === '' ? undefined : type.endsWith('json') ? JSON.parse(text) : text,
  };
}

/** Of an answer that never ends: what it says up to its first event of a name, whole. */
async function textUpTo(answer: Response, event: string): Promise<string> {
  let text = '';
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  while (!new RegExp(`^event: ${event}\ndata: .*\n\n`, 'm').test(text)) {
    const { value, done } = (await reader?.read()) ?? { done: true };
    if (done) throw new Error(`It ended after: ${text}`);
    text += value;
  }
  await reader?.cancel();
  return text;
}

function sendExample({ operation, url, contentType, body }: ExampleRequest): Promise<Answer> {
  const here = (sent: string): string => [...given].reduce((text, [example, own]) => text.replace(example, own), sent);
  if (contentType === null) return send(operation.method, here(url), { headers: key });
  const headers = { ...key, 'content-type': contentType };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return send(operation.method, here(url), { headers, body: here(text) });
}

/** That an answer is one that the document has for its operation. */
function expectDocumented({ path, method, responses }: Operation, { status, type, body }: Answer): void {
  const { content } = responses[status] ?? {};
  expect(responses, `${method} ${path} answered ${status}: ${JSON.stringify(body)}`).toHaveProperty(status);
  if (content === undefined) {
    expect(body).toBeUndefined();
    return;
  }
  expect(Object.keys(content)).toContain(type);
  const pointer = ['paths', path, method.toLowerCase(), 'responses', status, 'content', type, 'schema'];
  expect(check(pointer, body), JSON.stringify(body)).toBeNull();
}

/** A platform with a record on its stream that no store can use. */
async function startWithUnusable(): Promise<string> {
  const directory = join(await freshDirectory('openapi'), 'data');
  await (await startPlatformHere(directory)).platform.close();
  await appendUnusable(join(directory, 'stream'), ['what is this?\n']);
  const started = await startPlatformHere(directory);
  platform = started.platform;
  key = { 'x-api-key': started.adminKey };
  return directory;
}

/** A file whose dates leave open how they are read, and whose rows are none: whatever is answered, nothing is stored. */
const OPEN_FILE = 'InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,Country\n7,MUG,six,5/6/2025 9:00,1,France\n';

/** Imports that ask, and a file that waits in the inbox. */
async function makeImports(directory: string): Promise<void> {
  for (const example of ['20251224-k7mq', '20251224-x3vp']) {
    const headers = { ...key, 'content-type': 'text/csv' };
    const made = await send('POST', '/v1/imports', { headers, body: OPEN_FILE });
    given.set(example, made.body.id);
    await eventually(async () => {
      const { body } = await send('GET', `/v1/imports/${made.body.id}`, { headers: key });
      expect(body.state).toBe('needs_answer');
    });
  }
  await writeFile(join(directory, 'lake', 'inbox', 'may.csv'), OPEN_FILE);
}

/** Until all that was accepted is in every store. */
async function settled(): Promise<void> {
  await eventually(async () => {
    const { body } = await send('GET', '/v1/status', { headers: key });
    expect(body.consumers.map(({ lagRecords }: { lagRecords: number }) => lagRecords)).toEqual([0, 0, 0]);
  });
}

beforeAll(async () => {
  const directory = await startWithUnusable();
  document = (await send('GET', '/openapi.json', { headers: key })).body;
  operations = operationsOf(document);
  check = checkerOf(document);
  const made = await send('POST', '/v1/keys', {
    headers: { ...key, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'to be revoked', scopes: ['read'] }),
  });
  given.set('k7m2p9q4xw', made.body.id);
  await makeImports(directory);
  given.set('/srv/backups/2025-12-24', join(await freshDirectory('openapi-backup'), 'taken'));
});
afterAll(async () => {
  await platform.close();
  await endPlatforms();
});

test('a validator of others finds it valid', async () => {
  expect(document.openapi).toMatch(/^3\.1\./);
  const validator = new Validator();
  expect(await validator.validate({ ...structuredClone(document) })).toEqual({ valid: true });
});

test('every route is in it, and nothing else; pages are for people', () => {
  const routes = platform.routes.filter(({ method, page }) => method !== 'HEAD' && !page);
  const named = routes.map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
  expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(named.sort());
});

test('every operation has its words, its place, its answers and their examples', () => {
  const places = document.tags.map(({ name }) => name);
  for (const { operationId, summary, description, tags, responses } of operations) {
    expect(summary, operationId).toMatch(/\S/);
    expect(description, operationId).toMatch(/\.$/);
    expect(places, operationId).toContain(tags[0]);
    const success = Object.keys(responses).filter((status) => status.startsWith('2'));
    expect(success, operationId).toHaveLength(1);
    expect(Object.keys(responses), operationId).toContain('503');
    for (const [status, { content = {} }] of Object.entries(responses)) {
      for (const media of Object.values(content)) {
        expect(media.example ?? media.examples, `${operationId} ${status}`).toBeDefined();
      }
    }
  }
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
});

test('what opens an operation is what its route asks for', () => {
  const schemes = {
    open: [],
    key: [{ key: [] }, { keyHeader: [] }],
    ingest: [{ key: ['ingest'] }, { keyHeader: ['ingest'] }],
    read: [{ key: ['read'] }, { keyHeader: ['read'] }],
    admin: [{ key: ['admin'] }, { keyHeader: ['admin'] }],
    customer: [{ key: ['read'] }, { keyHeader: ['read'] }, { customerToken: [] }],
  };
  for (const { method, path, security } of operations) {
    const route = platform.routes.find(
      (each) => each.method === method && each.url.replaceAll(/:(\w+)/g, '{$1}') === path,
    );
    expect(security, `${method} ${path}`).toEqual(schemes[route?.access as keyof typeof schemes]);
  }
});

test('every example is as its own schema says', () => {
  for (const { method, path, requestBody, responses } of operations) {
    const contents = [
      { content: requestBody?.content ?? {}, pointer: ['requestBody'] },
      ...Object.entries(responses).map(([status, { content = {} }]) => ({ content, pointer: ['responses', status] })),
    ];
    for (const { content, pointer } of contents) {
      for (const [type, { example, examples = {} }] of Object.entries(content)) {
        const values = [...Object.entries(examples).map(([name, { value }]) => [name, value]), ['example', example]];
        for (const [name, value] of values) {
          if (value === undefined || name === 'refused') continue; // that one is sent to be refused, below
          const at = ['paths', path, method.toLowerCase(), ...pointer, 'content', type, 'schema'];
          expect(check(at, value), `${method} ${path} ${pointer.join(' ')} ${name}`).toBeNull();
        }
      }
    }
  }
});

/** What differs from platform to platform, and from moment to moment. */
function comparable(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body).replaceAll(/"\d{16}"/g, '"a sequence"'));
}

test('every example works: sent to a platform, it is answered as documented', async () => {
  const sent: string[] = [];
  for (const operation of operations) {
    if (operation.tags[0] !== 'Lines') await settled();
    for (const request of exampleRequests(operation)) {
      const answer = await sendExample(request);
      expect(answer.status, `${request.name}: ${JSON.stringify(answer.body)}`).toBe(request.status);
      expectDocumented(operation, answer);
      const published = exampleAnswer(operation, request.status, request.name);
      if (published !== undefined) expect(comparable(answer.body), request.name).toEqual(comparable(published));
      sent.push(operation.operationId);
    }
  }
  // None is left out.
  expect(new Set(sent).size).toBe(operations.length);
});

test('look-ups and analytics answer the examples to the letter', async () => {
  await settled();
  const answers = operations.filter(({ tags }) => tags[0] === 'Orders' || tags[0] === 'Analytics');
  expect(answers.length).toBeGreaterThan(7);
  for (const operation of answers) {
    const [name = ''] = Object.keys(operation.responses['200']?.content?.['application/json']?.examples ?? {});
    for (const request of exampleRequests(operation)) {
      const { body } = await sendExample(request);
      expect(body, request.url).toEqual(exampleAnswer(operation, '200', name));
    }
  }
});

/** The data of the first event of a name. */
function dataOf(text: string, event: string): AnyJson {
  return JSON.parse(new RegExp(`^event: ${event}\ndata: (.*)$`, 'm').exec(text)?.[1] ?? 'null');
}

test('live tells the events of its example, a pulse as the status has it', async () => {
  const live = operations.find(({ path }) => path === '/v1/live');
  const example = String(exampleAnswer(live as Operation, '200', 'events'));
  const answer = await fetch(`${platform.url}/v1/live`, { headers: key });
  const told = textUpTo(answer, 'lines');
  const status = await send('GET', '/v1/status', { headers: key });
  const line = {
    InvoiceNo: 'L1',
    LineNo: 1,
    StockCode: 'A',
    Quantity: 1,
    InvoiceDate: '2025-12-24T09:00',
    UnitPrice: 1,
    Country: 'France',
  };
  const body = JSON.stringify(line);
  const sender = setInterval(() => void send('POST', '/v1/transactions', { headers: key, body }), 500);
  const text = await told.finally(() => clearInterval(sender));
  const { at, ...pulse } = dataOf(text, 'pulse');
  expect(Object.keys({ at, ...pulse })).toEqual(Object.keys(dataOf(example, 'pulse')));
  for (const part of Object.keys(pulse)) expect(Object.keys(pulse[part])).toEqual(Object.keys(status.body[part]));
  const [shown, exampleLines] = [dataOf(text, 'lines'), dataOf(example, 'lines')];
  expect(Object.keys(shown)).toEqual(Object.keys(exampleLines));
  expect(Object.keys(shown.lines[0]).sort()).toEqual(Object.keys(exampleLines.lines[0]).sort());
});

test('the first steps are what they say', async () => {
  const { description } = (await send('GET', '/openapi.json', { headers: key })).body.info;
  const body = /-d '(.+?)'/s.exec(description)?.[1] ?? '';
  const headers = { ...key, 'content-type': 'application/x-www-form-urlencoded' }; // as curl sends it
  expect((await send('POST', '/v1/transactions', { headers, body })).status).toBe('202');
  const path = /8080(\/v1\/invoices\/\S+)/.exec(description)?.[1] ?? '';
  expect((await send('GET', path, { headers: key })).status).toBe('200');
});

describe('every operation refuses as documented', () => {
  const missing = (text: string): string => text.replaceAll(/\{\w+\}/g, 'none');

  it('who comes without a key, or from a foreign page', async () => {
    for (const operation of operations) {
      const { method, path, security } = operation;
      const headers: Record<string, string> = { ...key, origin: 'https://evil.example' };
      const foreign = await send(method, missing(path), { headers });
      expect([foreign.status, foreign.body.code]).toEqual(['403', 'forbidden_origin']);
      expectDocumented(operation, foreign);
      if (security.length === 0) continue;
      const nobody = await send(method, missing(path));
      expect([nobody.status, nobody.headers.get('www-authenticate')]).toEqual(['401', 'Bearer']);
      expectDocumented(operation, nobody);
    }
  });

  it('what is not there', async () => {
    const byId = operations.filter(({ responses, path }) => responses['404'] !== undefined && path.includes('{'));
    expect(byId.length).toBeGreaterThan(5);
    for (const operation of byId) {
      const answer = await send(operation.method, missing(operation.path), { headers: key });
      expect(answer.status, operation.operationId).toBe('404');
      expectDocumented(operation, answer);
    }
  });

  it('a number beyond its limits, and takes one within', async () => {
    let limits = 0;
    for (const operation of operations) {
      const { method, path, parameters = [], requestBody } = operation;
      if (requestBody !== undefined) continue;
      for (const { name, schema } of parameters) {
        const { minimum, maximum } = schema;
        if (minimum === undefined || maximum === undefined) continue;
        limits += 1;
        const url = (value: number): string => `${path.replace('{id}', '17850')}?${name}=${value}`;
        for (const value of [minimum, maximum]) {
          expect((await send(method, url(value), { headers: key })).status, url(value)).toBe('200');
        }
        for (const value of [minimum - 1, maximum + 1]) {
          const answer = await send(method, url(value), { headers: key });
          expect([answer.status, answer.body.code]).toEqual(['400', 'invalid_parameter']);
          expectDocumented(operation, answer);
        }
      }
    }
    expect(limits).toBeGreaterThan(3);
  });

  it('a text beyond its limit, and takes one within', async () => {
    for (const [path, member] of [
      ['/v1/keys', 'name'],
      ['/v1/query', 'sql'],
    ] as const) {
      const operation = operations.find((each) => each.method === 'POST' && each.path === path);
      if (operation === undefined) throw new Error(`There is no POST ${path}`);
      const [example] = exampleRequests(operation);
      const schema = operation.requestBody?.content['application/json']?.schema as Limited | undefined;
      const maxLength = schema?.properties[member]?.maxLength ?? Number.NaN;
      const text = member === 'sql' ? 'SELECT 1 '.padEnd(maxLength) : 'x'.repeat(maxLength);
      for (const [value, status] of [
        [text, /^20/],
        [`${text}x`, /^400$/],
      ] as const) {
        const headers = { ...key, 'content-type': 'application/json' };
        const body = JSON.stringify({ ...(example?.body as object), [member]: value });
        const answer = await send('POST', path, { headers, body });
        expect(answer.status).toMatch(status);
        expectDocumented(operation, answer);
      }
    }
  });
});
