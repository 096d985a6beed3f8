// The routes of imports on a running platform: what comes in, in which way, what is refused, and what is told of it.
import { once } from 'node:events';
import { readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import type { ImportReport } from '../../src/imports/import.ts';
import type { Platform } from '../../src/platform/local.ts';
import type { AnyJson } from '../support/any-json.ts';
import { eventually } from '../support/eventually.ts';
import { endPlatforms, freshDirectory } from '../support/platform.ts';
import { startPlatformHere } from '../support/platform-here.ts';

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';

const isLong = process.env.TILLSTREAM_TEST_LONG === '1';

let platform: Platform;
let directory: string;
let key: Record<string, string>;

/** Rows of an invoice; day 13 and beyond shows the order of dates. */
function csv(invoiceNo: string, rows: readonly string[] = ['6,12/13/2010 8:26,2.55'], header = HEADER): string {
  return [header, ...rows.map((row) => `${invoiceNo},85123A,MUG,${row},17850,United Kingdom`), ''].join('\n');
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AnyJson;
}

async function send(path: string, options: RequestInit = {}): Promise<Answer> {
  const headers = { ...key, ...(options.headers as Record<string, string>) };
  const answer = await fetch(`${platform.url}/v1/imports${path}`, { ...options, headers });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json') === true;
  return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
}

const post = (path: string, body: string | FormData, type?: string): Promise<Answer> =>
  send(path, { method: 'POST', body, ...(type === undefined ? {} : { headers: { 'content-type': type } }) });

/** Once it has ended, or asks. */
async function settled(id: string): Promise<ImportReport> {
  return eventually(async () => {
    const { body } = await send(`/${id}`);
    expect(['done', 'already_imported', 'checked', 'cancelled', 'failed', 'needs_answer']).toContain(body.state);
    return body as ImportReport;
  });
}

async function imported(answer: Answer): Promise<ImportReport> {
  expect(answer.status, JSON.stringify(answer.body)).toBe(202);
  expect(answer.headers.get('location')).toBe(`/v1/imports/${answer.body.id}`);
  return settled(answer.body.id);
}

const directories = (): Promise<string[]> => readdir(join(directory, 'lake', 'imports'));

beforeAll(async () => {
  directory = join(await freshDirectory('imports'), 'data');
  const started = await startPlatformHere(directory, isLong ? '* * * * *' : 'off');
  platform = started.platform;
  key = { 'x-api-key': started.adminKey };
});
afterAll(async () => {
  await platform.close();
  await endPlatforms();
});

describe('a file comes in', () => {
  it('as a form: options, then files, in their order, under their names', async () => {
    const form = new FormData();
    form.append('options', JSON.stringify({ map: { PRICE: 'Amount each' } }));
    const renamed = HEADER.replace('UnitPrice', 'Amount each');
    form.append('file', new Blob([csv('1', ['1,12/13/2010 8:26,1', '2,12/13/2010 8:26,1'], renamed)]), 'mäi "1".csv');
    form.append('file', new Blob([csv('1', ['3,12/13/2010 8:26,1'], renamed)]), 'june.csv');
    const report = await imported(await post('', form));
    expect(report).toMatchObject({
      state: 'done',
      origin: 'upload',
      options: { map: { unitPrice: 'Amount each' } },
      counts: { rows: 3, lines: 3, invoices: 1, revenue: '6' },
    });
    expect(report.files.map(({ name }) => name)).toEqual([expect.stringMatching(/^mäi .*1.*\.csv$/), 'june.csv']);
  });

  it('as the body, whatever its type; what is said of it as parameters', async () => {
    const query = '?name=may.csv&map=price%3DUnitPrice&map=Invoice%3DInvoiceNo&maxRejects=60&dateOrder=day-first';
    const rows = ['1,13/12/2010 8:26,2', 'six,13/12/2010 8:26,2'];
    for (const type of ['text/csv', 'application/json', 'application/octet-stream']) {
      const report = await imported(await post(query, csv(`2 ${type}`, rows), type));
      expect(report).toMatchObject({
        state: 'done',
        files: [{ name: 'may.csv' }],
        options: { map: { unitPrice: 'UnitPrice', invoiceNo: 'InvoiceNo' }, maxRejects: 60, dateOrder: 'day-first' },
        counts: { rows: 2, lines: 1, rejected: 1 },
        firstRejects: [{ row: 2, code: 'invalid_quantity' }],
      });
    }
    expect((await imported(await post('', csv('3'), 'text/csv'))).files).toMatchObject([{ name: 'upload' }]);
  });

  it('by its name in the inbox', async () => {
    await writeFile(join(directory, 'lake', 'inbox', 'dropped.csv'), csv('4', ['1,1/2/2010 8:26,1']));
    const wish = { file: 'dropped.csv', options: { dateOrder: 'day-first', dryRun: true } };
    const report = await imported(await post('', JSON.stringify(wish)));
    expect(report).toMatchObject({ state: 'checked', origin: 'inbox', files: [{ name: 'dropped.csv' }] });
    // What was only looked at is where it was.
    await eventually(async () => expect(await readdir(join(directory, 'lake', 'inbox'))).toContain('dropped.csv'));
    // The schedule would take it, in the middle of another test.
    await rm(join(directory, 'lake', 'inbox', 'dropped.csv'));
  });

  it('by its name in the inbox, once, however many wish for it at once', async () => {
    const before = await directories();
    await writeFile(join(directory, 'lake', 'inbox', 'wished.csv'), csv('41'));
    const answers = await Promise.all([1, 2, 3].map(() => post('', JSON.stringify({ file: 'wished.csv' }))));
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 400, 400]);
    const [id] = answers.flatMap(({ status, body }) => (status === 202 ? [body.id] : []));
    expect(await settled(id)).toMatchObject({ state: 'done' });
    expect(await directories()).toHaveLength(before.length + 1);
  });

  it('from the inbox, and is given up: it lies to the side, whatever it is called', async () => {
    const inbox = join(directory, 'lake', 'inbox');
    const name = `${'n'.repeat(246)}.csv`;
    await writeFile(join(inbox, name), 'hello\nworld\n');
    const failed = await imported(await post('', JSON.stringify({ file: name })));
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'not_a_csv' } });
    // Its dates are open: it would ask.
    await writeFile(join(inbox, 'open.csv'), csv('42', ['1,1/2/2010 8:26,1']));
    const { body } = await post('', JSON.stringify({ file: 'open.csv' }));
    expect((await post(`/${body.id}/cancel`, '')).status).toBe(200);
    expect(await settled(body.id)).toMatchObject({ state: 'cancelled' });
    await eventually(async () => {
      const aside = await readdir(join(inbox, 'set-aside'));
      expect(aside).toContain(`${failed.id}-${'n'.repeat(237)}.csv`);
      expect(aside).toContain(`${body.id}-open.csv`);
    });
  });

  it('in several files, of which one alone has lines that are numbered on', async () => {
    expect(await imported(await post('?name=a.csv', csv('50'), 'text/csv'))).toMatchObject({ state: 'done' });
    const form = new FormData();
    form.append('options', JSON.stringify({ conflicts: 'continue-numbering' }));
    form.append('file', new Blob([csv('50', ['7,12/13/2010 8:26,1'])]), 'b.csv');
    form.append('file', new Blob([csv('51')]), 'c.csv');
    const report = await imported(await post('', form));
    expect(report).toMatchObject({ state: 'done', counts: { lines: 2, replaced: 0 } });
  });

  // It waits for a minute to begin.
  const itInLong = isLong ? it : () => {};
  itInLong('by the schedule, when it is dropped into the inbox', async () => {
    const file = join(directory, 'lake', 'inbox', 'old.csv');
    await writeFile(file, csv('5'));
    // Written long ago, the first tick takes it.
    await utimes(file, new Date(0), new Date(0));
    const look = async () => {
      const listed = await send('?limit=1000');
      expect(JSON.stringify(listed.body)).toContain('old.csv');
      return listed;
    };
    const { body } = await vi.waitFor(look, { timeout: 200_000 });
    const { id } = body.imports.find(({ files }: ImportReport) => files[0]?.name === 'old.csv');
    expect(await settled(id)).toMatchObject({ state: 'done', origin: 'inbox' });
  });
});

describe('what is refused leaves nothing behind', () => {
  const form = (...parts: readonly (readonly [string, string, string?])[]): FormData => {
    const made = new FormData();
    for (const [name, text, file] of parts) {
      if (file === undefined) made.append(name, text);
      else made.append(name, new Blob([text]), file);
    }
    return made;
  };
  const boundary = 'multipart/form-data; boundary=x';
  it.each<[string, string, string | FormData, string | undefined, string, RegExp]>([
    ['a form without a file', '', form(['options', '{}']), undefined, 'empty_request', /no file/],
    [
      'options after the files',
      '',
      form(['file', 'a', 'a.csv'], ['options', '{}']),
      undefined,
      'invalid_parameter',
      /first/,
    ],
    ['another part', '', form(['upload', 'a', 'a.csv']), undefined, 'invalid_parameter', /"upload"/],
    ['options that are no JSON', '', form(['options', '{'], ['file', 'a', 'a']), undefined, 'invalid_json', /not JSON/],
    [
      'a misspelt option',
      '',
      form(['options', '{"dryrun":true}'], ['file', 'a', 'a']),
      undefined,
      'invalid_parameter',
      /dryrun/,
    ],
    [
      'a field that is none',
      '',
      form(['options', '{"map":{"cost":"x"}}'], ['file', 'a', 'a']),
      undefined,
      'invalid_parameter',
      /"cost"/,
    ],
    [
      'two columns for a field',
      '?name=a&map=price%3DA&map=UnitPrice%3DB',
      'a',
      'text/csv',
      'invalid_parameter',
      /two columns/,
    ],
    ['a map without a column', '?name=a&map=price', 'a', 'text/csv', 'invalid_parameter', /map is "price"/],
    ['parameters beside a form', '?format=csv', form(['file', 'a', 'a']), undefined, 'invalid_parameter', /"options"/],
    ['parameters beside JSON', '?format=csv', '{"file":"a"}', 'application/json', 'invalid_parameter', /"options"/],
    ['a format that is none', '?name=a&format=xls', 'a', 'text/csv', 'invalid_parameter', /csv, ndjson, parquet/],
    ['an empty body', '?name=a', '', 'text/csv', 'empty_request', /empty/],
    ['no body', '', '', undefined, 'empty_request', /empty/],
    ['a file that is not in the inbox', '', '{"file":"none.csv"}', 'application/json', 'file_not_found', /none\.csv/],
    ['a file beyond the inbox', '', '{"file":"../imports"}', 'application/json', 'invalid_parameter', /directory/],
    ['JSON that names no file', '', '{"files":"a"}', 'application/json', 'invalid_parameter', /file/],
    ['JSON that is too large', '', `"${'x'.repeat(70_000)}"`, 'application/json', 'body_too_large', /64 KiB/],
    ['a form that is none', '', 'nothing', boundary, 'invalid_request', /form/],
    [
      'a form that is cut off',
      '',
      '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\na',
      boundary,
      'invalid_request',
      /form/,
    ],
  ])('%s', async (_what, path, body, type, code, detail) => {
    const before = await directories();
    const { status, body: problem } = await post(path, body, type);
    expect([problem.code, status >= 400 && status < 500]).toEqual([code, true]);
    expect(problem.detail).toMatch(detail);
    expect(await directories()).toEqual(before);
  });

  it.each(['?name=cut.csv', ''])('a sender that goes away: %s', async (path) => {
    const before = await directories();
    const isForm = path === '';
    const sender = httpRequest(`${platform.url}/v1/imports${path}`, {
      method: 'POST',
      headers: {
        ...key,
        'content-type': isForm ? boundary : 'text/csv',
        'content-length': '1000000',
      },
    });
    sender.on('error', () => {});
    if (isForm) sender.write('--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n');
    sender.write('x'.repeat(100_000));
    await eventually(async () => expect(await directories()).toHaveLength(before.length + 1));
    sender.destroy();
    await eventually(async () => expect(await directories()).toEqual(before));
  });

  it('a body that says it is larger than the disk has room for, before it is sent', async () => {
    const sender = httpRequest(`${platform.url}/v1/imports?name=large.csv`, {
      method: 'POST',
      headers: { ...key, 'content-type': 'text/csv', 'content-length': String(10 ** 15) },
    });
    sender.on('error', () => {});
    sender.write('InvoiceNo');
    const [answer] = await once(sender, 'response');
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '30']);
    sender.destroy();
  });

  it('more uploads at once than a disk writes well', async () => {
    const before = await directories();
    const senders = Array.from({ length: 8 }, () => {
      const sender = httpRequest(`${platform.url}/v1/imports?name=slow.csv`, { method: 'POST', headers: key });
      sender.on('error', () => {}).write('InvoiceNo');
      return sender;
    });
    await eventually(async () => expect(await directories()).toHaveLength(before.length + 8));
    const { status, headers, body } = await post('?name=a', 'a', 'text/csv');
    expect([status, headers.get('retry-after'), body.code]).toEqual([503, '30', 'overloaded']);
    for (const sender of senders) sender.destroy();
    await eventually(async () => {
      expect((await post('?dryRun=true', csv('6'), 'text/csv')).status).toBe(202);
    });
  });
});

test('a link in the inbox is no file of it', async () => {
  const elsewhere = join(directory, 'elsewhere.csv');
  await writeFile(elsewhere, 'x');
  await symlink(elsewhere, join(directory, 'lake', 'inbox', 'link.csv'));
  const { body } = await post('', '{"file":"link.csv"}', 'application/json');
  expect(body).toMatchObject({ code: 'file_not_found', field: 'file', value: 'link.csv' });
});

test('they are listed newest first, by page and by state; one that is not there is not found', async () => {
  const all: string[] = (await send('?limit=1000')).body.imports.map(({ id }: ImportReport) => id);
  const pages: string[] = [];
  for (let before: string | null = ''; before !== null; ) {
    const { body } = await send(`?limit=3${before === '' ? '' : `&before=${before}`}`);
    pages.push(...body.imports.map(({ id }: ImportReport) => id));
    before = body.next;
  }
  expect(pages).toEqual(all);
  const { body } = await send('?state=checked');
  expect(new Set(body.imports.map(({ state }: ImportReport) => state))).toEqual(new Set(['checked']));
  expect((await send('?before=none')).body).toMatchObject({
    code: 'invalid_parameter',
    field: 'before',
    value: 'none',
  });
  for (const path of ['/none', '/none/rejects']) expect((await send(path)).body.code).toBe('not_found');
  for (const path of ['/none/answer', '/none/cancel'])
    expect((await send(path, { method: 'POST' })).body.code).toBe('not_found');
});

test('one that asks is answered, or cancelled; live, status and metrics tell of it', async () => {
  const live = await fetch(`${platform.url}/v1/live`, { headers: key });
  const reader = live.body?.pipeThrough(new TextDecoderStream()).getReader();
  let told = '';
  const hears = async (wanted: RegExp): Promise<void> => {
    while (!wanted.test(told)) told += (await reader?.read())?.value ?? '';
  };
  const open = csv('7', ['1,1/2/2010 8:26,1', 'six,1/2/2010 8:26,1']);
  const { id, question } = await imported(await post('?name=open.csv', open, 'text/csv'));
  expect(question).toMatchObject({ kind: 'date_order', file: 'open.csv' });
  const status = await fetch(`${platform.url}/v1/status`, { headers: key });
  expect(((await status.json()) as { imports: object[] }).imports).toContainEqual(
    expect.objectContaining({ id, state: 'needs_answer', question: 'date_order', files: ['open.csv'] }),
  );
  await hears(new RegExp(`event: import\ndata: {"id":"${id}".*"needs_answer"`));
  expect((await post(`/${id}/answer`, '{}')).body.code).toBe('invalid_parameter');
  expect((await post(`/${id}/answer`, '{"conflicts":"replace"}')).body.code).toBe('invalid_parameter');
  expect((await post(`/${id}/answer`, '{"dateOrder":"day-first"}')).status).toBe(200);
  // Half of its rows are none.
  const asks = await eventually(async () => {
    const now = await settled(id);
    expect(now.question?.kind).toBe('too_many_rejects');
    return now;
  });
  expect(asks.state).toBe('needs_answer');
  expect((await post(`/${id}/answer`, '{"maxRejects":60}')).status).toBe(200);
  await eventually(async () => expect((await settled(id)).state).toBe('done'));
  await hears(new RegExp(`event: import\ndata: {"id":"${id}".*"done"`));
  await reader?.cancel();
  expect(told).not.toContain('17850');
  for (const [path, body] of [
    ['answer', '{"maxRejects":60}'],
    ['cancel', ''],
  ] as const) {
    expect((await post(`/${id}/${path}`, body)).body.code).toBe('conflict');
  }
  const rejects = await send(`/${id}/rejects`);
  expect(rejects.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(rejects.headers.get('content-disposition')).toBe(`attachment; filename="rejects-${id}.csv"`);
  expect(rejects.body.split('\n').slice(0, 1)).toEqual([`${HEADER},id,row,code,reason`]);
  expect(rejects.body).toContain(`imports-${id}-`);

  const other = await imported(await post('?name=other.csv', open.replaceAll('7,', '8,'), 'text/csv'));
  expect((await send(`/${other.id}/cancel`, { method: 'POST' })).body.state).toBe('cancelled');
  const metrics = await eventually(async () => {
    const text = await (await fetch(`${platform.url}/metrics`, { headers: key })).text();
    expect(text).toMatch(/tillstream_imports_ended_total\{state="cancelled"\} 2\n/);
    return text;
  });
  expect(metrics).toMatch(/tillstream_imports_open\{state="needs_answer"\} 0\n/);
  expect(metrics).toMatch(/tillstream_imports_ended_total\{state="done"\} [1-9]/);
  expect(metrics).toMatch(/tillstream_import_rejected_rows_total 4\n/);
});
