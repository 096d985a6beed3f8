// From the bytes of a request to lines: encodings, sizes, and what of a body cannot be read.

import { connect } from 'node:net';
import { createGzip, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { countLines, parseNdjson } from '../../src/ingest/body.ts';
import { Unparsed } from '../../src/ingest/ingest.ts';
import { eventually } from '../support/eventually.ts';
import { type Door, LINE, linesOf, ndjsonOf, openDoor } from './door.ts';

const MIB = 2 ** 20;

let door: Door;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

const BOM = '\ufeff';
const accepted = { status: 202, json: { accepted: 1, rejected: 0 } };

describe('gzip', () => {
  test.each(['gzip', 'x-gzip', 'GZIP'])('%s is unpacked', async (encoding) => {
    expect(
      await door.post(gzipSync(JSON.stringify(LINE)), { headers: { 'content-encoding': encoding } }),
    ).toMatchObject(accepted);
    expect(await door.ndjson(gzipSync(ndjsonOf([LINE])), { 'content-encoding': encoding })).toMatchObject(accepted);
  });

  test('identity is none', async () => {
    expect(await door.post(LINE, { headers: { 'content-encoding': 'identity' } })).toMatchObject(accepted);
  });

  test.each([
    ['not gzip at all', Buffer.from(JSON.stringify(LINE))],
    ['cut off', gzipSync(JSON.stringify(LINE)).subarray(0, -12)],
    ['damaged', Buffer.concat([gzipSync(JSON.stringify(LINE)).subarray(0, -8), Buffer.alloc(8, 1)])],
    ['empty', Buffer.alloc(0)],
  ])('a body that is %s is refused', async (_, body) => {
    const { status, json } = await door.post(body, { headers: { 'content-encoding': 'gzip' } });
    expect(status).toBe(400);
    expect(['invalid_encoding', 'empty_request']).toContain(json.code);
  });

  test('another encoding is refused', async () => {
    const { status, json } = await door.post(LINE, { headers: { 'content-encoding': 'br' } });
    expect(status).toBe(400);
    expect(json).toMatchInlineSnapshot(`
      {
        "code": "invalid_encoding",
        "detail": "Content-Encoding is "br"; expected gzip or none.",
        "field": "Content-Encoding",
        "status": 400,
        "title": "The body cannot be decoded",
        "type": "/docs/errors#invalid_encoding",
        "value": "br",
      }
    `);
  });

  test('a bomb is refused while it unpacks: never more than 16 MiB of it', async () => {
    const bomb = await bombOf(512);
    expect(bomb.length).toBeLessThan(8 * MIB);
    const before = process.memoryUsage().rss;
    const { status, json } = await door.ndjson(bomb, { 'content-encoding': 'gzip' });
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * MIB);
    expect(status).toBe(413);
    expect(json).toMatchInlineSnapshot(`
      {
        "code": "body_too_large",
        "detail": "The body is larger than 16 MiB unpacked.",
        "hint": "Send it in several requests; from a CSV, tillstream replay does.",
        "status": 413,
        "title": "The body is too large",
        "type": "/docs/errors#body_too_large",
      }
    `);
  });
});

/** Blanks of that many MiB, packed. */
async function bombOf(mib: number): Promise<Buffer> {
  const packed: Buffer[] = [];
  const gzip = createGzip({ level: 1 });
  gzip.on('data', (part: Buffer) => packed.push(part));
  const ended = new Promise((resolve) => gzip.on('end', resolve));
  const blanks = Buffer.alloc(MIB, ' ');
  for (let written = 0; written < mib; written += 1) {
    if (!gzip.write(blanks)) await new Promise((resolve) => gzip.once('drain', resolve));
  }
  gzip.end();
  await ended;
  return Buffer.concat(packed);
}

describe('sizes', () => {
  const padded = (bytes: number): string => JSON.stringify(LINE).padEnd(bytes, ' ');

  test.each([
    ['with a Content-Length', false],
    ['in chunks of no announced length', true],
  ])('a body of 16 MiB is taken, one byte more is refused: %s', async (_, chunked) => {
    expect(await door.post(padded(16 * MIB), { chunked })).toMatchObject(accepted);
    const { status, json } = await door.post(padded(16 * MIB + 1), { chunked });
    expect(status).toBe(413);
    expect(json.code).toBe('body_too_large');
  });

  test.each([
    ['with a Content-Length', `Content-Length: ${64 * MIB}`, (body: Buffer) => [body]],
    [
      'in chunks',
      'Transfer-Encoding: chunked',
      (body: Buffer) => [`${body.length.toString(16)}\r\n`, body, '\r\n0\r\n\r\n'],
    ],
  ])(
    'who sends all before it reads gets the refusal too, and goes on over the same connection: %s',
    async (_, length, wire) => {
      const socket = connect(door.port, '127.0.0.1');
      const answers = new Promise<string>((resolve, reject) => {
        let text = '';
        socket.setEncoding('utf8').on('data', (part: string) => {
          text += part;
          if (text.includes('"accepted":1')) resolve(text);
        });
        socket.on('error', reject).on('close', () => reject(new Error(`closed after: ${text}`)));
      });
      const head = 'POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
      const sale = JSON.stringify(LINE);
      for (const part of [`${head}${length}\r\n\r\n`, ...wire(Buffer.alloc(64 * MIB, ' '))]) socket.write(part);
      socket.write(`${head}Content-Length: ${sale.length}\r\n\r\n${sale}`);
      expect((await answers).match(/HTTP\/1\.1 \d+/g)).toStrictEqual(['HTTP/1.1 413', 'HTTP/1.1 202']);
      socket.removeAllListeners('close').destroy();
    },
  );

  test('100,000 lines of NDJSON are taken, 100,001 refused whole', async () => {
    const lines = ndjsonOf([{ ...LINE, InvoiceNo: 'full' }]) + '{}\n'.repeat(99_999);
    expect(await door.ndjson(lines)).toMatchObject({ status: 202, json: { accepted: 1, rejected: 99_999 } });
    const { status, json } = await door.ndjson(`${lines}{}`);
    expect(status).toBe(413);
    expect(json).toMatchInlineSnapshot(`
      {
        "code": "too_many_lines",
        "detail": "The request holds more than 100,000 lines, the most in this form.",
        "hint": "Send them in several requests; from a CSV, tillstream replay does.",
        "status": 413,
        "title": "The request holds too many lines",
        "type": "/docs/errors#too_many_lines",
      }
    `);
  });

  test('16 MiB of line breaks are refused without holding up anybody', async () => {
    const body = Buffer.alloc(16 * MIB, '\n');
    const looks = vi.spyOn(body, 'indexOf');
    expect(countLines(body, 100_000)).toBe(100_001);
    expect(looks.mock.calls.length).toBeLessThanOrEqual(100_001);
    expect(await door.ndjson(body)).toMatchObject({ status: 413, json: { code: 'too_many_lines' } });
  });
});

describe('text', () => {
  test('a byte order mark is no part of it', async () => {
    expect(await door.post(BOM + JSON.stringify(LINE))).toMatchObject(accepted);
    expect(await door.ndjson(BOM + ndjsonOf([LINE]))).toMatchObject(accepted);
    expect(await door.ndjson(`${BOM}\r\n${ndjsonOf([LINE])}`)).toMatchObject(accepted);
  });

  test('line ends of Windows, and a last line without one', async () => {
    const text = ndjsonOf(linesOf(3)).replaceAll('\n', '\r\n').trimEnd();
    expect(await door.ndjson(text)).toMatchObject({ status: 202, json: { accepted: 3, rejected: 0 } });
  });

  test('that is not UTF-8 is refused; of NDJSON, only its line', async () => {
    const latin1 = Buffer.from(JSON.stringify({ ...LINE, Description: 'CAFÉ' }), 'latin1');
    const { status, json } = await door.post(latin1);
    expect(status).toBe(400);
    expect(json).toMatchInlineSnapshot(`
      {
        "code": "invalid_encoding",
        "detail": "The body is not UTF-8.",
        "status": 400,
        "title": "The body cannot be decoded",
        "type": "/docs/errors#invalid_encoding",
      }
    `);
    const body = Buffer.concat([Buffer.from(ndjsonOf([LINE])), latin1, Buffer.from(`\n${ndjsonOf([LINE])}`)]);
    expect(await door.ndjson(body)).toMatchObject({
      status: 202,
      json: { accepted: 2, rejectedLines: [[2, 2]], errors: [{ index: 1, code: 'invalid_json' }] },
    });
  });

  test.each([
    ['nothing', '', 'empty_request'],
    ['blanks', '  \n', 'invalid_json'],
    ['half an object', '{"InvoiceNo":"53', 'invalid_json'],
    ['a CSV', 'InvoiceNo,StockCode\n536365,85123A\n', 'invalid_json'],
    ['a form', 'InvoiceNo=536365&StockCode=85123A', 'invalid_json'],
  ])('%s is not JSON', async (_, body, code) => {
    expect(await door.post(body)).toMatchObject({ status: 400, json: { code } });
  });

  test('a million brackets are refused, not followed', async () => {
    const nested = `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`;
    expect((await door.post(nested)).status).toBeGreaterThanOrEqual(400);
    expect(await door.post(`${JSON.stringify(LINE).slice(0, -1)},"Till":${nested}}`)).toMatchObject({
      json: { code: expect.stringMatching(/^(?:extra_too_large|invalid_json)$/) },
    });
    expect(await door.post(LINE)).toMatchObject(accepted);
    expect(door.errors).toStrictEqual([]);
  });

  test('lines are counted and parsed alike', () => {
    for (const text of ['', '\n', 'null', 'null\n', '\nnull', 'null\n\n', '1\r\n2\r\n3', '{\n}\n']) {
      const body = Buffer.from(text);
      expect([...parseNdjson(body)], JSON.stringify(text)).toHaveLength(countLines(body, 100));
    }
    expect(countLines(Buffer.from('\n'.repeat(200)), 100)).toBe(101);
    expect([...parseNdjson(Buffer.from('1\n\n{\n'))]).toStrictEqual([1, undefined, expect.any(Unparsed)]);
  });
});

describe('a sender that goes away', () => {
  const full = 'x'.repeat(10_000);

  test.each([
    ['within its body', `Content-Length: 20000\r\n\r\n${full}`],
    ['within a chunk', `Transfer-Encoding: chunked\r\n\r\n4e20\r\n${full}`],
    ['right after its body', `Content-Length: 10000\r\n\r\n${full}`],
    ['before its body', 'Content-Length: 20000\r\n\r\n'],
  ])('%s gives back what it held of the door', async (_, rest) => {
    const small = await openDoor({ limits: { requestsInFlightMax: 1 } });
    try {
      for (let time = 0; time < 20; time += 1) {
        const socket = connect(small.port, '127.0.0.1');
        socket.on('error', () => {});
        socket.write(`POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\n${rest}`);
        await new Promise((resolve) => setTimeout(resolve, time));
        socket.resetAndDestroy();
        await eventually(async () => expect(await small.post(LINE)).toMatchObject(accepted));
      }
      expect(small.errors).toStrictEqual([]);
    } finally {
      await small.close();
    }
  });
});
