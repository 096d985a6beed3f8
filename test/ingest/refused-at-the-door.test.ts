// Requests that are not let in: foreign pages, and more than memory, disk or stream can take.
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TillstreamError } from '../../src/model/errors.ts';
import { failing, refusingFrom } from '../stream/fault-stream.ts';
import { type Door, type DoorOptions, LINE, linesOf, ndjsonOf, openDoor, refusal } from './door.ts';

let door: Door;
afterEach(() => door.close());

describe('without keys', () => {
  beforeEach(async () => {
    door = await openDoor();
  });

  test.each([['localhost'], ['localhost:8080'], ['LOCALHOST:8080'], ['127.0.0.1:8080'], ['127.1.2.3'], ['[::1]:8080']])(
    'the Host %s is this machine',
    async (host) => {
      expect(await door.post(LINE, { headers: { host } })).toMatchObject({ status: 202 });
      expect(await door.post(LINE, { headers: { host, origin: `http://${host}` } })).toMatchObject({ status: 202 });
    },
  );

  test.each([
    ['shop.example'],
    ['localhost.shop.example'],
    ['127.0.0.1.shop.example:8080'],
    ['192.168.1.7'],
    ['0.0.0.0:8080'],
    ['localhost:8080@shop.example'],
  ])('the Host "%s" is not', async (host) => {
    expect(await door.post(LINE, { headers: { host } })).toMatchObject({
      status: 403,
      json: { code: 'forbidden_origin' },
    });
    expect(await door.records()).toStrictEqual([]);
  });

  test.each([
    ['http://shop.example'],
    ['https://localhost:8080'],
    ['http://localhost:3000'],
    ['http://localhost:8080.shop.example'],
    ['null'],
    [''],
  ])('a page of the Origin "%s" is foreign', async (origin) => {
    const headers = { host: 'localhost:8080', origin, 'content-type': 'text/plain' };
    expect(await door.post(JSON.stringify(LINE), { headers })).toMatchObject({ status: 403 });
    expect(await door.records()).toStrictEqual([]);
  });

  test.each([
    ['X-Forwarded-For', '203.0.113.9'],
    ['x-forwarded-host', 'shop.example'],
    ['X-Forwarded-Proto', 'https'],
    ['Forwarded', 'for=203.0.113.9'],
  ])('what a proxy passes on is not of this machine, whatever its Host: %s', async (name, value) => {
    expect(await door.post(LINE, { headers: { host: 'localhost', [name]: value } })).toMatchObject({
      status: 403,
      json: { code: 'forbidden_origin', field: name.toLowerCase() },
    });
    expect(await door.records()).toStrictEqual([]);
  });

  test('a request without any Host is not', async () => {
    const socket = connect(door.port, '127.0.0.1');
    const answer = await new Promise<string>((resolve) => {
      socket.setEncoding('utf8').once('data', resolve);
      socket.write('POST /v1/transactions HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}');
    });
    socket.destroy();
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('the refusal says which, and what is expected', async () => {
    const rebound = await door.post(LINE, { headers: { host: 'shop.example:8080' } });
    expect(rebound.json).toMatchInlineSnapshot(`
      {
        "code": "forbidden_origin",
        "detail": "Host is "shop.example:8080"; expected this machine: 127.0.0.1 or localhost.",
        "field": "Host",
        "status": 403,
        "title": "The request comes from a foreign page",
        "type": "/docs/errors#forbidden_origin",
        "value": "shop.example:8080",
      }
    `);
    const page = await door.post(LINE, { headers: { host: 'localhost:8080', origin: 'https://shop.example' } });
    expect(page.json).toMatchInlineSnapshot(`
      {
        "code": "forbidden_origin",
        "detail": "Origin is "https://shop.example"; expected none, or http://localhost:8080.",
        "field": "Origin",
        "status": 403,
        "title": "The request comes from a foreign page",
        "type": "/docs/errors#forbidden_origin",
        "value": "https://shop.example",
      }
    `);
  });
});

describe('nothing is accepted', () => {
  const open = async (options: DoorOptions): Promise<void> => {
    door = await openDoor(options);
  };
  const storedNothing = async (): Promise<void> => {
    expect(await door.records()).toStrictEqual([]);
    expect(door.errors).toStrictEqual([]);
  };

  test('when the disk has less than its reserve, until it has more', async () => {
    await open({ limits: { diskReserveBytes: 2 ** 60 } });
    const answer = await door.post(LINE);
    expect(refusal(answer)).toMatchObject({ status: 503, retryAfter: '30', code: 'disk_low' });
    expect((answer.json as { detail?: string }).detail).toMatch(
      /^The disk has \d+ MB free; 1152921504607 MB are kept for what was accepted before\.$/,
    );
    await storedNothing();
  });

  test('when the platform shuts down', async () => {
    await open({});
    door.admission.close();
    expect(refusal(await door.post(LINE))).toMatchInlineSnapshot(`
      {
        "code": "shutting_down",
        "detail": "The platform is shutting down.",
        "retryAfter": "5",
        "status": 503,
        "title": "The platform is shutting down",
        "type": "/docs/errors#shutting_down",
      }
    `);
    await storedNothing();
  });

  test('when the stream is full', async () => {
    await open({ streamBytesMax: 1000 });
    while ((await door.post(LINE)).status === 202);
    const before = (await door.records()).length;
    expect(refusal(await door.post(LINE))).toMatchObject({ status: 503, retryAfter: '5', code: 'stream_full' });
    expect(refusal(await door.post([LINE]))).toMatchObject({ status: 503, retryAfter: '5', code: 'stream_full' });
    expect(refusal(await door.ndjson(ndjsonOf([LINE])))).toMatchObject({ status: 503, retryAfter: '5' });
    expect(await door.records()).toHaveLength(before);
    // What /v1/status and /readyz say.
    expect(door.admission.closedBecause()).toMatchObject({ code: 'stream_full' });
  });

  test('when the store of the stream is away, and the next request is taken once it is back', async () => {
    const error = new TillstreamError('unavailable', 'stream cannot be written: the disk is full');
    await open({ around: (stream) => failing(stream, 3, error) });
    expect(refusal(await door.post(LINE))).toMatchObject({ status: 503, retryAfter: '2', code: 'unavailable' });
    expect(refusal(await door.post([LINE]))).toMatchObject({ status: 503, retryAfter: '2', code: 'unavailable' });
    expect(refusal(await door.ndjson(ndjsonOf([LINE])))).toMatchObject({ status: 503, retryAfter: '2' });
    await storedNothing();
    expect(await door.post(LINE)).toMatchObject({ status: 202 });
  });

  test('an error inside shows nothing of itself, and is logged', async () => {
    await open({ around: (stream) => failing(stream, 1, new Error('/srv/stream is broken')) });
    expect(refusal(await door.post(LINE))).toMatchInlineSnapshot(`
      {
        "code": "internal",
        "detail": "Something went wrong inside. The log has the reason.",
        "retryAfter": undefined,
        "status": 500,
        "title": "Internal error",
        "type": "/docs/errors#internal",
      }
    `);
    expect(door.errors).toHaveLength(1);
    expect(await door.post(LINE)).toMatchObject({ status: 202 });
  });
});

describe('part of a request is stored', () => {
  const error = new TillstreamError('unavailable', 'shard 3 does not answer');

  test('the rest is named, to be sent again', async () => {
    door = await openDoor({ around: (stream) => refusingFrom(stream, 1, error) });
    const lines = [...linesOf(2, { InvoiceNo: 'first' }), ...linesOf(2, { InvoiceNo: 'second' })];
    const { status, json } = await door.post(lines);
    expect(status).toBe(202);
    expect(json).toMatchObject({ accepted: 2, rejected: 2 });
    expect(json.lines.map(({ invoiceNo }) => invoiceNo)).toStrictEqual(['first', 'first']);
    expect(json.errors).toMatchInlineSnapshot(`
      [
        {
          "code": "try_again",
          "field": null,
          "index": 2,
          "message": "The line is not stored, or not for certain; send it again.",
          "value": null,
        },
        {
          "code": "try_again",
          "field": null,
          "index": 3,
          "message": "The line is not stored, or not for certain; send it again.",
          "value": null,
        },
      ]
    `);
    expect(await door.ndjson(ndjsonOf(lines))).toMatchObject({
      status: 202,
      json: { accepted: 2, rejectedLines: [[3, 4]] },
    });
  });

  test('or none of it: the request is refused, to be sent again', async () => {
    door = await openDoor({ around: (stream) => refusingFrom(stream, 0, error) });
    expect(refusal(await door.post(LINE))).toMatchObject({ status: 503, retryAfter: '2', code: 'try_again' });
    expect(refusal(await door.post([LINE]))).toMatchObject({
      status: 503,
      retryAfter: '2',
      code: 'try_again',
      rejected: 1,
    });
    expect(refusal(await door.ndjson(ndjsonOf([LINE])))).toMatchObject({
      status: 503,
      retryAfter: '2',
      code: 'try_again',
    });
  });
});
