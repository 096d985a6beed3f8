// POST /v1/transactions with an array or NDJSON: good lines are kept, the others named.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Door, LINE, linesOf, ndjsonOf, openDoor } from './door.ts';

let door: Door;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

/** Lines of one invoice on the stream, newest last. */
async function stored(invoiceNo: string) {
  return (await door.lines()).filter((line) => line.invoiceNo === invoiceNo);
}

describe('an array', () => {
  test('is answered line by line, in its order', async () => {
    const lines = [...linesOf(2, { InvoiceNo: 'array-1' }), ...linesOf(1, { InvoiceNo: 'array-2' })];
    const { status, json } = await door.post([lines[0], lines[2], lines[1]]);
    expect(status).toBe(202);
    expect(json).toMatchObject({ accepted: 3, rejected: 0, errors: [] });
    expect(json.lines.map((line) => [line.invoiceNo, line.lineId])).toStrictEqual([
      ['array-1', '000001'],
      ['array-2', '000001'],
      ['array-1', '000002'],
    ]);
    expect((await stored('array-1')).map(({ position }) => position)).toStrictEqual([0, 2]);
    expect(json.lines[0]?.sequence).toBe((await stored('array-1'))[0]?.sequence);
  });

  test('keeps its good lines, and names the bad ones by their index', async () => {
    const lines = linesOf(4, { InvoiceNo: 'part' });
    const { status, json } = await door.post([lines[0], 'x', { ...lines[2], Quantity: 1.5 }, lines[3]]);
    expect(status).toBe(202);
    expect(json).toMatchObject({ accepted: 2, rejected: 2 });
    expect(json.lines).toHaveLength(2);
    expect(json.errors).toMatchInlineSnapshot(`
      [
        {
          "code": "not_an_object",
          "field": null,
          "index": 1,
          "message": "The line is "x"; expected a JSON object with InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice and Country.",
          "value": ""x"",
        },
        {
          "code": "invalid_quantity",
          "field": "Quantity",
          "index": 2,
          "message": "Quantity is 1.5; expected a whole number from -10,000,000 to 10,000,000.",
          "value": "1.5",
        },
      ]
    `);
    expect((await stored('part')).map(({ lineId, position }) => [lineId, position])).toStrictEqual([
      ['000001', 0],
      ['000004', 3],
    ]);
  });

  test('of nothing but bad lines is a problem document, with counts', async () => {
    const { status, headers, json } = await door.post([{}, { ...LINE, Quantity: 'six' }]);
    expect(status).toBe(422);
    expect(headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(json).toMatchInlineSnapshot(`
      {
        "accepted": 0,
        "code": "missing_field",
        "detail": "InvoiceNo is missing; every line needs InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice and Country.",
        "errors": [
          {
            "code": "missing_field",
            "field": "InvoiceNo",
            "index": 0,
            "message": "InvoiceNo is missing; every line needs InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice and Country.",
            "value": null,
          },
          {
            "code": "invalid_quantity",
            "field": "Quantity",
            "index": 1,
            "message": "Quantity is "six"; expected a whole number from -10,000,000 to 10,000,000.",
            "value": ""six"",
          },
        ],
        "field": "InvoiceNo",
        "lines": [],
        "rejected": 2,
        "status": 422,
        "title": "A required field is missing",
        "type": "/docs/errors#missing_field",
      }
    `);
  });

  test('mixes identities: each line says where its own comes from', async () => {
    const { LineNo: _, ...unnumbered } = LINE;
    const { json } = await door.post([LINE, unnumbered, { ...LINE, LineNo: 'b' }]);
    expect(json.lines.map(({ identity }) => identity)).toStrictEqual(['client', 'generated', 'client']);
  });

  test('that is empty is refused', async () => {
    const { status, json } = await door.post([]);
    expect(status).toBe(400);
    expect(json).toMatchInlineSnapshot(`
      {
        "code": "empty_request",
        "detail": "The body holds no line.",
        "hint": "Send one line as a JSON object, several as an array, or one object a line as application/x-ndjson.",
        "status": 400,
        "title": "The body holds no line",
        "type": "/docs/errors#empty_request",
      }
    `);
  });

  test('of 5,000 lines is taken, of 5,001 refused whole', async () => {
    expect(await door.post(linesOf(5000, { InvoiceNo: 'most' }))).toMatchObject({
      status: 202,
      json: { accepted: 5000 },
    });
    const { status, json } = await door.post(linesOf(5001, { InvoiceNo: 'too many' }));
    expect(status).toBe(413);
    expect(json).toMatchInlineSnapshot(`
      {
        "code": "too_many_lines",
        "detail": "The request holds more than 5,000 lines, the most in this form.",
        "hint": "Send them in several requests; from a CSV, tillstream replay does.",
        "status": 413,
        "title": "The request holds too many lines",
        "type": "/docs/errors#too_many_lines",
      }
    `);
    expect(await stored('too many')).toStrictEqual([]);
  });

  test('has no Idempotency-Key: it could not tell its lines apart', async () => {
    const { status, json } = await door.post(linesOf(2), { headers: { 'idempotency-key': 'order-7' } });
    expect(status).toBe(400);
    expect(json).toMatchInlineSnapshot(`
      {
        "code": "invalid_idempotency_key",
        "detail": "Idempotency-Key is given with more than one line; it is for a single one.",
        "hint": "Give every line a LineNo instead: sending it again is then harmless.",
        "status": 400,
        "title": "The Idempotency-Key cannot be used",
        "type": "/docs/errors#invalid_idempotency_key",
      }
    `);
    const ndjson = await door.ndjson(`\n${ndjsonOf(linesOf(2))}`, { 'idempotency-key': 'order-7' });
    expect(ndjson.json).toStrictEqual(json);
  });

  test('of a single line has the identity of its Idempotency-Key, as NDJSON too', async () => {
    const { LineNo: _, ...line } = { ...LINE, InvoiceNo: 'keyed in a list' };
    const headers = { 'idempotency-key': 'order-7' };
    const { status, json } = await door.post([line], { headers });
    expect(status).toBe(202);
    expect(json.lines).toMatchObject([{ identity: 'idempotency_key', lineId: 'k:order-7' }]);
    expect(await door.ndjson(`\n${ndjsonOf([line])}\n`, headers)).toMatchObject({ status: 202, json: { accepted: 1 } });
    const stored = (await door.lines()).filter(({ invoiceNo }) => invoiceNo === 'keyed in a list');
    expect(stored.map(({ lineId }) => lineId)).toStrictEqual(['k:order-7', 'k:order-7']);
  });
});

describe('NDJSON', () => {
  test('is answered with counts, sequences and ranges of line numbers', async () => {
    const lines: unknown[] = linesOf(10, { InvoiceNo: 'ndjson' });
    for (const bad of [1, 2, 3, 7]) lines[bad] = { Quantity: bad };
    const { status, json } = await door.ndjson(ndjsonOf(lines));
    expect(status).toBe(202);
    expect(json).toMatchObject({
      accepted: 6,
      rejected: 4,
      rejectedLines: [
        [2, 4],
        [8, 8],
      ],
    });
    expect(json).not.toHaveProperty('lines');
    expect(json.errors.map(({ index, code }) => [index, code])).toStrictEqual([
      [1, 'missing_field'],
      [2, 'missing_field'],
      [3, 'missing_field'],
      [7, 'missing_field'],
    ]);
    const sequences = (await stored('ndjson')).map(({ sequence }) => sequence);
    expect([json.firstSequence, json.lastSequence]).toStrictEqual([sequences[0], sequences.at(-1)]);
  });

  test('shows the first hundred errors in full, and the rest as ranges', async () => {
    const { status, json } = await door.ndjson('{}\n'.repeat(150) + ndjsonOf([LINE]));
    expect(status).toBe(202);
    expect(json).toMatchObject({ accepted: 1, rejected: 150, rejectedLines: [[1, 150]] });
    expect(json.errors).toHaveLength(100);
  });

  test('with lines that are not JSON names them and keeps the others', async () => {
    const { status, json } = await door.ndjson(`${JSON.stringify(LINE)}\n{"InvoiceNo":\nundefined\n`);
    expect(status).toBe(202);
    expect(json).toMatchObject({ accepted: 1, rejected: 2, rejectedLines: [[2, 3]] });
    expect(json.errors[0]).toMatchInlineSnapshot(`
      {
        "code": "invalid_json",
        "field": null,
        "index": 1,
        "message": "The line is not JSON: Unexpected end of JSON input.",
        "value": "{"InvoiceNo":",
      }
    `);
  });

  test('of nothing but bad lines is a problem document, with counts', async () => {
    const { status, json } = await door.ndjson('{}\nnull\n');
    expect(status).toBe(422);
    expect(json).toMatchObject({
      code: 'missing_field',
      accepted: 0,
      rejected: 2,
      rejectedLines: [[1, 2]],
      firstSequence: null,
    });
  });

  test('skips blank lines, which keep their number', async () => {
    const { json } = await door.ndjson(`\n${JSON.stringify({ ...LINE, InvoiceNo: 'blank' })}\r\n\r\n  \nnull\n\n`);
    expect(json).toMatchObject({ accepted: 1, rejected: 1, rejectedLines: [[5, 5]] });
    expect((await stored('blank'))[0]?.position).toBe(1);
  });

  test('of nothing but blank lines holds no line', async () => {
    expect(await door.ndjson('\n\r\n \n')).toMatchObject({ status: 400, json: { code: 'empty_request' } });
    expect(await door.ndjson('')).toMatchObject({ status: 400, json: { code: 'empty_request' } });
  });
});
