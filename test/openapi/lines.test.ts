// What the document says of a line and of a request of lines is what the door does: at each limit, and one beyond it.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { bodyLimits } from '../../src/ingest/body.ts';
import { exampleLine } from '../../src/ingest/transactions-examples.ts';
import { columnNames, fieldOf } from '../../src/model/columns.ts';
import { lineLimits } from '../../src/model/line.ts';
import { endPlatforms, freshDirectory, type Platform, startPlatform } from '../support/platform.ts';
import { type Check, checkerOf, type OpenApi } from './document.ts';

interface Form {
  readonly type: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
}

interface Member extends Partial<Form> {
  readonly description: string;
  readonly anyOf?: readonly Form[];
}

interface Line {
  readonly required: readonly string[];
  readonly properties: Readonly<Record<string, Member>>;
}

let platform: Platform;
let line: Line;
let check: Check;
let transactions: {
  readonly description: string;
  readonly parameters: readonly { readonly name: string; readonly schema: Form }[];
  readonly requestBody: { readonly content: Record<string, { schema: { anyOf: readonly { maxItems?: number }[] } }> };
};

beforeAll(async () => {
  platform = await startPlatform(join(await freshDirectory('openapi-lines'), 'data'));
  const document: OpenApi = (await platform.get('/openapi.json')).body;
  line = document.components.schemas.NewLine as unknown as Line;
  transactions = document.paths['/v1/transactions']?.post as unknown as typeof transactions;
  check = checkerOf(document);
});
afterAll(endPlatforms);

const post = (body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${platform.url}/v1/transactions`, { method: 'POST', headers, body: JSON.stringify(body) });

/** The status of one line that differs from the example, which has to be documented. */
async function statusOf(changes: object): Promise<number> {
  const answer = await post({ ...exampleLine, ...changes });
  const pointer = ['paths', '/v1/transactions', 'post', 'responses', String(answer.status), 'content'];
  const [type = ''] = (answer.headers.get('content-type') ?? '').split(';');
  expect(check([...pointer, type, 'schema'], await answer.json())).toBeNull();
  return answer.status;
}

const formsOf = ({ anyOf, ...member }: Member): readonly Form[] => anyOf ?? [member as Form];
const formOf = (name: string, type: string): Form | undefined =>
  formsOf(line.properties[name] as Member).find((form) => form.type === type);

describe('a line', () => {
  it('has every field of ours and needs those that the door needs', async () => {
    const { extra: _, ...fields } = columnNames;
    expect(Object.keys(line.properties).sort()).toEqual(
      Object.values(fields)
        .map(([name]) => name)
        .sort(),
    );
    for (const name of Object.keys(line.properties)) {
      const { [name as keyof typeof exampleLine]: __, ...without } = exampleLine;
      const answer = await post(without);
      expect([name, answer.status]).toEqual([name, line.required.includes(name) ? 422 : 202]);
    }
  });

  it('names every other spelling that the door reads', () => {
    for (const [field, names] of Object.entries(columnNames)) {
      for (const name of names) expect(fieldOf(name)).toBe(field);
      for (const name of names.slice(1)) expect(line.properties[names[0]]?.description).toContain(`\`${name}\``);
    }
  });

  it.each([
    ['InvoiceNo', lineLimits.invoiceNoBytesMax],
    ['LineNo', lineLimits.lineIdBytesMax],
    ['StockCode', lineLimits.stockCodeBytesMax],
    ['Description', lineLimits.descriptionBytesMax],
    ['CustomerID', lineLimits.customerIdBytesMax],
    ['Country', lineLimits.countryBytesMax],
  ])('%s has at most %d bytes', async (name, bytesMax) => {
    expect(formOf(name, 'string')?.maxLength).toBe(bytesMax);
    expect(line.properties[name]?.description).toContain(`o ${bytesMax.toLocaleString('en-US')} bytes`);
    expect(await statusOf({ [name]: 'x'.repeat(bytesMax) })).toBe(202);
    expect(await statusOf({ [name]: 'x'.repeat(bytesMax + 1) })).toBe(422);
  });

  it.each([
    ['Quantity', 'integer', lineLimits.quantityMax],
    ['UnitPrice', 'number', lineLimits.unitPriceMax],
  ])('%s is a number to %d either way', async (name, type, most) => {
    expect(formOf(name, type)).toMatchObject({ minimum: -most, maximum: most });
    for (const value of [-most, most]) expect(await statusOf({ [name]: value, LineNo: null })).toBe(202);
    for (const value of [-most - 1, most + 1]) expect(await statusOf({ [name]: value })).toBe(422);
  });

  it('may come in every form that is documented', async () => {
    const values: Readonly<Record<string, unknown>> = { integer: 7, number: 7, string: '7', null: null };
    for (const [name, member] of Object.entries(line.properties)) {
      if (name === 'InvoiceDate') continue; // its text is a date
      for (const { type } of formsOf(member)) {
        expect([name, type, await statusOf({ [name]: values[type] })]).toEqual([name, type, 202]);
      }
    }
    for (const InvoiceDate of ['2025-12-24T09:00:00', '12/24/2025 9:00', '2025-12-24T09:00:00Z']) {
      expect(await statusOf({ InvoiceDate })).toBe(202);
    }
  });
});

describe('a request', () => {
  test('holds an array to its limit', async () => {
    const forms = transactions.requestBody.content['application/json']?.schema.anyOf ?? [];
    const most = forms.find(({ maxItems }) => maxItems !== undefined)?.maxItems;
    expect(most).toBe(bodyLimits.arrayLinesMax);
    const lines = Array.from({ length: bodyLimits.arrayLinesMax }, () => exampleLine);
    expect((await post(lines)).status).toBe(202);
    expect((await post([...lines, exampleLine])).status).toBe(413);
  });

  test('says how much it may hold', () => {
    const { description } = transactions;
    expect(description).toContain(`${bodyLimits.ndjsonLinesMax.toLocaleString('en-US')} as \`application/x-ndjson\``);
    expect(description).toContain(`${bodyLimits.bodyBytesMax / 2 ** 20} MiB unpacked`);
  });

  test('has an Idempotency-Key to its limit', async () => {
    const { LineNo: _, ...unnumbered } = exampleLine;
    const most = transactions.parameters.find(({ name }) => name === 'Idempotency-Key')?.schema.maxLength ?? 0;
    const send = async (length: number) => (await post(unnumbered, { 'idempotency-key': 'k'.repeat(length) })).status;
    expect([await send(most), await send(most + 1)]).toEqual([202, 400]);
  });

  test('that nothing was kept of is refused as documented, in each of its forms', async () => {
    const wrong = { ...exampleLine, Quantity: 'six' };
    const refused = async (body: string, type: string) => {
      const answer = await fetch(`${platform.url}/v1/transactions`, {
        method: 'POST',
        headers: { 'content-type': type },
        body,
      });
      const pointer = ['paths', '/v1/transactions', 'post', 'responses', String(answer.status), 'content'];
      expect(check([...pointer, 'application/problem+json', 'schema'], await answer.json())).toBeNull();
      return answer.status;
    };
    expect(await refused(JSON.stringify([wrong]), 'application/json')).toBe(422);
    expect(await refused(`${JSON.stringify(wrong)}\n`, 'application/x-ndjson')).toBe(422);
    expect(await refused('what is this?\n', 'application/x-ndjson')).toBe(400);
    expect(await refused('', 'application/json')).toBe(400);
    expect(await refused('{}', 'application/xml')).toBe(415);
  });
});

test('a platform that takes nothing says so as documented', async () => {
  const full = await startPlatform(join(await freshDirectory('openapi-full'), 'data'), {
    env: { TILLSTREAM_DISK_RESERVE_BYTES: String(2 ** 52) },
  });
  const body = JSON.stringify(exampleLine);
  const refused = await full.request('POST', '/v1/transactions', body, 'application/json');
  const pointer = (path: string, method: string) => ['paths', path, method, 'responses', '503', 'content'];
  expect([refused.status, refused.body.code]).toEqual([503, 'disk_low']);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(
    check([...pointer('/v1/transactions', 'post'), 'application/problem+json', 'schema'], refused.body),
  ).toBeNull();
  const ready = await full.get('/readyz');
  expect(ready.status).toBe(503);
  expect(check([...pointer('/readyz', 'get'), 'application/json', 'schema'], ready.body)).toBeNull();
});
