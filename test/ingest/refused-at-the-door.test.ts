// Requests that are not let in: foreign pages, and more than memory, disk or stream can take.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Admission } from '../../src/ingest/admission.ts';
import { TillstreamError } from '../../src/model/errors.ts';
import { failing, refusingFrom } from '../stream/fault-stream.ts';
import { type Answer, type Door, type DoorOptions, LINE, linesOf, ndjsonOf, openDoor } from './door.ts';

const MIB = 2 ** 20;
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

/** What a sender needs to know: status, when to come back, and why. */
function refusal({ status, headers, json }: Answer): object {
  return { status, retryAfter: headers['retry-after'], ...json };
}

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

  test('when the data directory cannot be looked at, until it can', async () => {
    await open({});
    const directory = path.join(await mkdtemp(path.join(tmpdir(), 'tillstream-admission-')), 'data');
    const admission = new Admission(directory, { ...door.admission.limits, diskReserveBytes: 1 });
    await admission.open();
    expect(() => admission.admit(1)).toThrow('The disk has 0 MB free');
    await mkdir(directory);
    await vi.waitFor(() => admission.admit(1), { timeout: 5000 });
    admission.close();
    expect(() => admission.admit(1)).toThrow('shutting down');
    await rm(path.dirname(directory), { recursive: true });
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

describe('memory for bodies', () => {
  /** Announces a body and sends none of it. */
  async function holdOpen(port: number, bytes: number): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${bytes}\r\n\r\n`);
    return socket;
  }

  test('is given out as announced, refused beyond, and given back', async () => {
    door = await openDoor({ limits: { bodyBytesInFlightMax: 20 * MIB } });
    const held = await holdOpen(door.port, 16 * MIB);
    const large = JSON.stringify(LINE).padEnd(5 * MIB, ' ');
    await vi.waitFor(async () => expect((await door.post(large)).status).toBe(503));
    expect(refusal(await door.post(large))).toMatchInlineSnapshot(`
      {
        "code": "overloaded",
        "detail": "1 requests with 17 MB are being stored; that is all at once.",
        "retryAfter": "1",
        "status": 503,
        "title": "Too many requests at once",
        "type": "/docs/errors#overloaded",
      }
    `);
    expect(await door.post(LINE), 'what still fits').toMatchObject({ status: 202 });
    expect(await door.post(LINE, { chunked: true }), 'may be as large as the limit').toMatchObject({ status: 503 });
    held.destroy();
    await vi.waitFor(async () => expect((await door.post(large)).status).toBe(202));
  });

  test('a body as large as all of it is taken when nothing else is there', async () => {
    door = await openDoor({ limits: { bodyBytesInFlightMax: 1 * MIB } });
    expect(await door.post(JSON.stringify(LINE).padEnd(5 * MIB, ' '))).toMatchObject({ status: 202 });
  });

  test('requests are counted as well, and refused ones not', async () => {
    door = await openDoor({ limits: { requestsInFlightMax: 2 } });
    const held = [await holdOpen(door.port, 100), await holdOpen(door.port, 100)];
    await vi.waitFor(async () => expect((await door.post(LINE)).status).toBe(503));
    for (let time = 0; time < 5; time += 1) expect((await door.post(LINE)).status).toBe(503);
    for (const socket of held) socket.destroy();
    await vi.waitFor(async () => expect((await door.post(LINE)).status).toBe(202));
    for (let time = 0; time < 5; time += 1) expect((await door.post('{}')).status).toBe(422);
    expect((await door.post(LINE)).status).toBe(202);
  });
});
