// POST /v1/transactions with one line: what is accepted, under which identity, and how it is refused.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Door, LINE, ndjsonOf, openDoor } from './door.ts';

let door: Door;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

/** Lines of one invoice on the stream, newest last. */
async function stored(invoiceNo: string) {
  return (await door.lines()).filter((line) => line.invoiceNo === invoiceNo);
}

const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const SEQUENCE = /^\d{16}$/;

describe('one line', () => {
  test('is accepted, and stands on the stream as it was sent', async () => {
    const { status, headers, json } = await door.post({ ...LINE, Till: 7 });
    expect(status).toBe(202);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(json).toStrictEqual({
      accepted: 1,
      rejected: 0,
      lines: [{ invoiceNo: '536365', lineId: '000001', identity: 'client', sequence: expect.stringMatching(SEQUENCE) }],
      errors: [],
    });
    const [line] = await stored('536365');
    expect(line).toMatchObject({
      invoiceNo: '536365',
      lineId: '000001',
      description: 'WHITE HANGING HEART T-LIGHT HOLDER',
      invoiceDate: '2010-12-01T08:26:00',
      unitPrice: 2.55,
      position: 0,
      source: 'api',
      extra: { Till: 7 },
      sequence: json.lines[0]?.sequence,
    });
    expect(Math.abs((line?.receivedAt ?? 0) / 1000 - Date.now())).toBeLessThan(60_000);
  });

  test('without a line number gets a new one each time it is sent', async () => {
    const { LineNo: _, ...line } = { ...LINE, InvoiceNo: 'generated' };
    const first = await door.post(line);
    const second = await door.post(line);
    expect(first.json.lines[0]).toMatchObject({ identity: 'generated', lineId: expect.stringMatching(ULID) });
    expect(second.json.lines[0]?.lineId).not.toBe(first.json.lines[0]?.lineId);
  });

  test('with an Idempotency-Key has the same identity whenever it is sent', async () => {
    const { LineNo: _, ...line } = { ...LINE, InvoiceNo: 'keyed' };
    for (let time = 0; time < 2; time += 1) {
      const { json } = await door.post(line, { headers: { 'idempotency-key': 'order-7/line-1' } });
      expect(json.lines[0]).toMatchObject({ identity: 'idempotency_key', lineId: 'k:order-7/line-1' });
    }
    const longest = await door.post(line, { headers: { 'idempotency-key': 'x'.repeat(250) } });
    expect(longest.json.lines[0]?.lineId).toBe(`k:${'x'.repeat(250)}`);
  });

  test('that came with a key is corrected by the line number it was given', async () => {
    const { LineNo: _, ...line } = { ...LINE, InvoiceNo: 'corrected' };
    const { json } = await door.post(line, { headers: { 'idempotency-key': 'order-8' } });
    const { lineId } = json.lines[0] ?? {};
    const corrected = await door.post({ ...line, LineId: lineId, Quantity: 7 });
    expect(corrected.json.lines[0]).toMatchObject({ identity: 'client', lineId: 'k:order-8' });
  });

  test('whose own line number stands, whatever the key', async () => {
    const { json } = await door.post(LINE, { headers: { 'idempotency-key': 'order-7' } });
    expect(json.lines[0]).toMatchObject({ identity: 'client', lineId: '000001' });
  });

  test('that is bad is a problem document', async () => {
    const { status, headers, json } = await door.post({ ...LINE, InvoiceDate: '01-12-2010 08:26' });
    expect(status).toBe(422);
    expect(headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(json).toMatchInlineSnapshot(`
      {
        "code": "invalid_date",
        "detail": "InvoiceDate is "01-12-2010 08:26"; expected M/D/YYYY H:MM or ISO 8601 (YYYY-MM-DDTHH:MM:SS), from 1900 to 2099.",
        "field": "InvoiceDate",
        "status": 422,
        "title": "The invoice date cannot be used",
        "type": "/docs/errors#invalid_date",
        "value": ""01-12-2010 08:26"",
      }
    `);
  });

  test.each([
    ['a text', '"536365"'],
    ['a number', '7'],
    ['null', 'null'],
  ])('that is %s is refused', async (_, body) => {
    expect(await door.post(body)).toMatchObject({ status: 422, json: { code: 'not_an_object' } });
  });

  test.each([
    ['replay', 'replay'],
    ['till-7_b', 'till-7_b'],
    ['Till 7', 'api'],
    ['"}{', 'api'],
    ['x'.repeat(33), 'api'],
  ])('from source %s comes from %s', async (sent, source) => {
    await door.post({ ...LINE, InvoiceNo: `from ${sent.slice(0, 9)}` }, { headers: { 'x-tillstream-source': sent } });
    expect((await stored(`from ${sent.slice(0, 9)}`)).at(-1)?.source).toBe(source);
  });

  test('invoice numbers and keys with quotes come back as they went in', async () => {
    const { json } = await door.post({ ...LINE, InvoiceNo: '"a\\b"', LineNo: 'ü"\\' });
    expect(json.lines[0]).toMatchObject({ invoiceNo: '"a\\b"', lineId: 'ü"\\' });
  });
});

describe('an Idempotency-Key that cannot be used', () => {
  test.each([
    ['empty', ''],
    ['with blanks', 'order 7'],
    ['too long', 'x'.repeat(251)],
    ['not ASCII', 'ördér'],
  ])('%s', async (_, key) => {
    expect(await door.post(LINE, { headers: { 'idempotency-key': key } })).toMatchObject({
      status: 400,
      json: { code: 'invalid_idempotency_key' },
    });
  });
});

describe('content types', () => {
  const body = JSON.stringify(LINE);
  test.each([
    ['none', {}, body],
    ['JSON', { 'content-type': 'application/json' }, body],
    ['JSON with a charset, in capitals', { 'content-type': 'Application/JSON; charset=UTF-8' }, body],
    ["curl's default", { 'content-type': 'application/x-www-form-urlencoded' }, body],
    ['text', { 'content-type': 'text/plain;charset=UTF-8' }, body],
    ['NDJSON', { 'content-type': 'application/x-ndjson' }, ndjsonOf([LINE])],
    ['NDJSON without x', { 'content-type': 'application/ndjson; charset=utf-8' }, ndjsonOf([LINE])],
    ['JSON Lines', { 'content-type': 'application/jsonl' }, ndjsonOf([LINE])],
    ['JSON Lines with x', { 'content-type': 'application/x-jsonlines' }, ndjsonOf([LINE])],
  ])('%s', async (_, headers, sent) => {
    expect(await door.post(sent, { headers })).toMatchObject({ status: 202, json: { accepted: 1, rejected: 0 } });
  });

  test('another is refused with the ones that are not', async () => {
    const { status, json } = await door.post('<line/>', { headers: { 'content-type': 'application/xml' } });
    expect(status).toBe(415);
    expect(json).toMatchInlineSnapshot(`
      {
        "code": "unsupported_media_type",
        "detail": "Content-Type is "application/xml"; expected application/json or application/x-ndjson.",
        "field": "Content-Type",
        "status": 415,
        "title": "The content type is not supported",
        "type": "/docs/errors#unsupported_media_type",
        "value": "application/xml",
      }
    `);
  });
});
