import { existsSync } from 'node:fs';
import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replay } from '../../src/client/replay.ts';
import type { ReplayOptions, ReplayProgress } from '../../src/client/replay-options.ts';
import { isTillstreamError } from '../../src/model/errors.ts';
import { csvOf, identity, type Line, Platform, type PlatformOptions, type ShopRow, seeded, shopRows } from './shop.ts';

const seed = Number(process.env.TILLSTREAM_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32));
const random = seeded(seed);

let directory: string;
let platform: Platform;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tillstream-replay-'));
});
afterEach(() => platform?.close());

async function listen(options: PlatformOptions = {}): Promise<string> {
  platform = new Platform(options);
  return await platform.listen();
}

async function shop(rows: readonly ShopRow[], name = 'shop.csv'): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, csvOf(rows));
  return path;
}

function run(file: string, url: string, options: Partial<ReplayOptions> = {}) {
  const resumeFile = join(directory, 'resume.json');
  return replay({ files: [file], url, resumeFile, random, ...options });
}

/** What should arrive: `invoice-number of the line` → stock code. */
function expected(rows: readonly ShopRow[]): Map<string, string> {
  const counts = new Map<string, number>();
  return new Map(
    rows.map(({ invoiceNo, stockCode }) => {
      const lineNo = (counts.get(invoiceNo) ?? 0) + 1;
      counts.set(invoiceNo, lineNo);
      return [`${invoiceNo}-${lineNo}`, stockCode];
    }),
  );
}

function arrived(): Map<string, string> {
  return new Map(platform.stored.map((line) => [identity(line), line.StockCode]));
}

/** Within an invoice, a line first arrives after all before it. */
function expectOrder(): void {
  const last = new Map<string, number>();
  const seen = new Set<string>();
  for (const line of platform.stored) {
    if (seen.has(identity(line))) continue;
    seen.add(identity(line));
    const number = Number(line.LineNo);
    if (number <= (last.get(line.InvoiceNo) ?? 0)) expect(line).toBe('after those before it');
    last.set(line.InvoiceNo, number);
  }
}

const REFUSED = {
  code: 'invalid_price',
  field: 'UnitPrice',
  value: '"free"',
  message: 'UnitPrice is "free"; expected a number.',
};
const isRefused = (line: Line) => Number(line.StockCode.slice(1)) % 7 === 0;

describe(`replay (seed ${seed})`, () => {
  it.each<[string, { batch?: number }]>([
    ['one line a request', {}],
    ['batches', { batch: 50 }],
  ])('%s: every line arrives once, an invoice’s in order, over as many connections as told', async (_name, options) => {
    const rows = shopRows(3_000, random);
    const url = await listen();
    const summary = await run(await shop(rows), url, { concurrency: 7, ...options });
    expect(arrived()).toEqual(expected(rows));
    expect(platform.stored.length).toBe(3_000);
    expectOrder();
    expect(summary).toMatchObject({
      sent: 3_000,
      accepted: 3_000,
      rejected: 0,
      retries: 0,
      interrupted: false,
      lastRow: 3_000,
      resumeFile: null,
    });
    expect(summary.latencyMs.p50).toBeGreaterThan(0);
    expect(summary.latencyMs.max).toBeGreaterThanOrEqual(summary.latencyMs.p99);
    expect(existsSync(join(directory, 'resume.json'))).toBe(false);
  });

  it('sends what the platform documents: JSON, its source, its key', async () => {
    const url = await listen();
    await run(await shop(shopRows(1, random)), `${url}/`, { key: 'secret' });
    expect(platform.requests[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-tillstream-source': 'replay',
      authorization: 'Bearer secret',
      connection: 'keep-alive',
    });
    expect(platform.stored[0]).toEqual({
      InvoiceNo: '500001',
      StockCode: 'S1',
      Description: 'A "MUG", BLUE',
      Quantity: 2,
      InvoiceDate: '12/1/2010 8:26',
      UnitPrice: 2.55,
      CustomerID: '17850',
      Country: 'France',
      LineNo: 1,
    });
  });

  it.each<[string, { batch?: number }]>([
    ['one line a request', {}],
    ['batches', { batch: 40 }],
  ])('%s: a platform that fails in every way loses nothing', async (_name, options) => {
    const rows = shopRows(1_500, random);
    const faults = [
      { status: 503, headers: { 'retry-after': '0' } },
      { status: 429, headers: { 'retry-after': '0' } },
      { status: 500, body: 'oops' },
      { status: 502, body: '<html>Bad gateway</html>' },
      'dropped',
      'stored-then-dropped',
    ] as const;
    const url = await listen({
      fault: () => (random() < 0.15 ? (faults[Math.floor(random() * faults.length)] ?? null) : null),
      delayMs: () => Math.floor(random() * 3),
    });
    const summary = await run(await shop(rows), url, { concurrency: 16, ...options, random: () => random() * 0.05 });
    expect(arrived()).toEqual(expected(rows));
    expectOrder();
    expect(summary).toMatchObject({ sent: 1_500, accepted: 1_500, rejected: 0, lastRow: 1_500 });
    expect(summary.retries).toBeGreaterThan(0);
  });

  it('waits as long as Retry-After asks', async () => {
    const url = await listen({
      fault: (request) => (request === 1 ? { status: 503, headers: { 'retry-after': '1' } } : null),
    });
    const summary = await run(await shop(shopRows(1, random)), url);
    expect(summary.seconds).toBeGreaterThanOrEqual(1);
    expect(summary).toMatchObject({ accepted: 1, retries: 1 });
  });

  it('of a batch that is stored in part, sends again what is not, and no more', async () => {
    const rows = shopRows(900, random);
    const waiting = new Set<string>();
    const url = await listen({
      refuse: (line) => {
        if (isRefused(line)) return REFUSED;
        if (Number(line.StockCode.slice(1)) % 3 !== 0 || waiting.has(identity(line))) return null;
        waiting.add(identity(line));
        return { code: 'try_again', field: '', value: '', message: 'Not stored yet.' };
      },
    });
    const summary = await run(await shop(rows), url, { batch: 300, concurrency: 2, random: () => 0 });
    const accepted = rows.filter((_, index) => (index + 1) % 7 !== 0).length;
    expect(summary).toMatchObject({ sent: 900, accepted, rejected: 900 - accepted });
    expect(platform.stored.length).toBe(accepted);
    expect(platform.identities().size).toBe(accepted);
  });

  it('finds the reason of every refused line, although an answer explains a hundred at most', async () => {
    const rows = shopRows(1_000, random);
    const url = await listen({ refuse: (line) => (Number(line.StockCode.slice(1)) > 300 ? REFUSED : null) });
    const rejectsFile = join(directory, 'rejects.csv');
    const summary = await run(await shop(rows), url, { batch: 1_000, concurrency: 1, rejectsFile });
    expect(summary).toMatchObject({ accepted: 300, rejected: 700 });
    expect(platform.stored.length).toBe(300);
    const rejects = parse(await readFile(rejectsFile), { columns: true }) as Record<string, string>[];
    expect(rejects.map(({ row }) => Number(row)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 700 }, (_, i) => 301 + i),
    );
    expect(rejects.every(({ code }) => code === 'invalid_price')).toBe(true);
  });

  it('a batch that is too large for the platform is halved until it fits', async () => {
    const rows = shopRows(500, random);
    const tooLarge = { status: 413, body: { code: 'too_many_lines', detail: 'At most 60 lines.' } };
    const url = await listen({ fault: (_, lines) => (lines.length > 60 ? tooLarge : null) });
    const summary = await run(await shop(rows), url, { batch: 500, concurrency: 1 });
    expect(arrived()).toEqual(expected(rows));
    expect(summary).toMatchObject({ accepted: 500, rejected: 0 });
  });

  it('a batch that nobody fills goes all the same: --rate does not hold lines back', async () => {
    const url = await listen();
    const summary = await run(await shop(shopRows(60, random)), url, { batch: 1_000, rate: 60 });
    expect(summary.accepted).toBe(60);
    expect(platform.requests.length).toBeGreaterThan(3);
    expect(summary.seconds).toBeGreaterThan(0.8);
    expect(summary.seconds).toBeLessThan(3);
  });

  it('--rate holds, also when the platform stalls in between', async () => {
    const url = await listen({ delayMs: () => (random() < 0.02 ? 100 : 0) });
    const summary = await run(await shop(shopRows(400, random)), url, { rate: 400 });
    expect(summary.seconds).toBeGreaterThan(0.9);
    expect(summary.seconds).toBeLessThan(2.5);
  });

  it('--speed plays by the clock of the invoices', async () => {
    const content = csvOf(shopRows(3, random)).split('\r\n');
    const at = (line: number, time: string) => content[line]?.replace('12/1/2010 8:26', time) ?? '';
    const text = [content[0], at(1, '12/1/2010 8:00'), at(2, 'whenever'), at(3, '2010-12-01T09:00:00')].join('\n');
    const file = join(directory, 'clock.csv');
    await writeFile(file, text);
    const url = await listen();
    const summary = await run(file, url, { speed: 3_600 });
    expect(summary.accepted).toBe(3);
    expect(summary.seconds).toBeGreaterThan(0.95);
    expect(summary.seconds).toBeLessThan(2);
  });

  it('a slow lane does not make memory grow: the reader waits', async () => {
    // One invoice of 100,000 lines is one lane, on a platform that takes 5 ms a line.
    const rows = Array.from({ length: 100_000 }, (_, index) => ({ invoiceNo: '1', stockCode: `S${index + 1}` }));
    const url = await listen({ delayMs: () => 5 });
    const stop = new AbortController();
    let read = 0;
    const summary = await run(await shop(rows), url, {
      signal: stop.signal,
      onProgress: ({ row }) => {
        read = row;
        if (platform.stored.length > 150) stop.abort();
      },
    });
    expect(summary.interrupted).toBe(true);
    expect(read).toBeGreaterThan(500);
    expect(read).toBeLessThan(2_000);
  });

  it('says that it waits for a platform that is not there, and goes on when it is', async () => {
    const port = await freePort();
    const progress: ReplayProgress[] = [];
    const rows = shopRows(200, random);
    const going = run(await shop(rows), `http://127.0.0.1:${port}`, {
      concurrency: 8,
      random: () => 0.1,
      onProgress: (now) => progress.push(now),
    });
    await until(() => progress.some(({ waiting }) => waiting !== null));
    expect(progress.find(({ waiting }) => waiting !== null)?.waiting?.reason).toContain('ECONNREFUSED');
    platform = new Platform();
    await platform.listen(port);
    const summary = await going;
    expect(arrived()).toEqual(expected(rows));
    expect(summary).toMatchObject({ accepted: 200, interrupted: false });
  });

  it('ends at once, and can be resumed, when the platform refuses the client rather than a line', async () => {
    const rows = shopRows(500, random);
    const wrongKey = { status: 401, body: { code: 'not_found', detail: 'The key is not known.' } };
    const url = await listen({ fault: (request) => (request > 100 ? wrongKey : null) });
    await expect(run(await shop(rows), url, { concurrency: 4 })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[TillstreamError: The platform answered 401: The key is not known.]`,
    );
    const state = JSON.parse(await readFile(join(directory, 'resume.json'), 'utf8'));
    expect(state.row).toBeGreaterThan(0);
    expect(platform.requests.length).toBeLessThan(110);
  });
});

describe(`rejects (seed ${seed})`, () => {
  it('each refused row is in the file once, as it was, with its place and reason; mended, it can be replayed', async () => {
    const rows = shopRows(300, random);
    const file = await shop(rows);
    const rejectsFile = join(directory, 'rejects.csv');
    const url = await listen({ refuse: (line) => (isRefused(line) ? REFUSED : null) });
    const summary = await run(file, url, { rejectsFile });
    expect(summary).toMatchObject({ sent: 300, accepted: 258, rejected: 42, rejectsFile });
    expect(summary.firstRejects.length).toBe(10);
    const text = await readFile(rejectsFile, 'utf8');
    expect(text.split('\n').find((line) => line.includes('S7,'))).toMatch(
      /^\d+,S7,"A ""MUG"", BLUE",2,12\/1\/2010 8:26,2\.55,17850,France,\d+,7,invalid_price,"UnitPrice is ""free""; expected a number\."$/,
    );
    expect(text.split('\n')[0]).toMatchInlineSnapshot(
      `"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country,LineNo,row,code,reason"`,
    );
    await platform.close();

    const stored = platform.stored;
    const again = await listen();
    await run(rejectsFile, again);
    expect(platform.stored[0]).not.toHaveProperty('reason');
    platform.stored.push(...stored);
    expect(arrived()).toEqual(expected(rows));
  });

  it('a row that does not fit the header is refused without asking the platform, and keeps its number', async () => {
    const rows = shopRows(3, random).map((row) => ({ ...row, invoiceNo: '1' }));
    const lines = csvOf(rows).split('\r\n');
    lines[2] = `${lines[2]},slipped`;
    const file = join(directory, 'slipped.csv');
    await writeFile(file, lines.join('\n'));
    const url = await listen();
    const summary = await run(file, url);
    expect(summary).toMatchObject({ sent: 2, accepted: 2, rejected: 1, lastRow: 3 });
    expect([...arrived().keys()]).toEqual(['1-1', '1-3']);
    expect(summary.firstRejects[0]).toMatchObject({ file: 'slipped.csv', row: 2, refusal: { code: 'surplus_fields' } });
  });

  it('the file is never one of those that are replayed', async () => {
    const file = await shop(shopRows(3, random));
    const before = await readFile(file, 'utf8');
    const work = run(file, 'http://127.0.0.1:1', { rejectsFile: file });
    await expect(work).rejects.toSatisfy((error) => isTillstreamError(error, 'wrong_usage'));
    expect(await readFile(file, 'utf8')).toBe(before);
  });
});

describe(`resuming (seed ${seed})`, () => {
  it.each<[string, { batch?: number }]>([
    ['one line a request', {}],
    ['batches', { batch: 30 }],
  ])(
    '%s: interrupted again and again, every row is covered, and none before the mark is sent twice',
    async (_name, options) => {
      const rows = shopRows(2_000, random);
      const file = await shop(rows);
      const rejectsFile = join(directory, 'rejects.csv');
      const url = await listen({
        refuse: (line) => (isRefused(line) ? REFUSED : null),
        delayMs: () => Math.floor(random() * 4),
        fault: () => (random() < 0.02 ? 'stored-then-dropped' : null),
      });
      let lastRow = 0;
      let runs = 0;
      for (let isDone = false; !isDone; runs += 1) {
        const stop = new AbortController();
        const stopAt = platform.requests.length + 5 + Math.floor((random() * 600) / (options.batch ?? 1));
        const timer = setInterval(() => platform.requests.length >= stopAt && stop.abort(), 1);
        const before = platform.stored.length;
        const summary = await run(file, url, {
          ...options,
          concurrency: 9,
          resume: true,
          rejectsFile,
          signal: stop.signal,
        });
        clearInterval(timer);
        expect(summary.resumedAfterRow).toBe(lastRow);
        const sentAgain = platform.stored.slice(before).filter((line) => Number(line.StockCode.slice(1)) <= lastRow);
        expect(sentAgain).toEqual([]);
        lastRow = summary.lastRow;
        isDone = !summary.interrupted;
      }
      expect(runs).toBeGreaterThan(1);
      expect(lastRow).toBe(2_000);
      const good = new Map([...expected(rows)].filter(([, stockCode]) => Number(stockCode.slice(1)) % 7 !== 0));
      expect(arrived()).toEqual(good);
      const rejects = parse(await readFile(rejectsFile), { columns: true }) as Record<string, string>[];
      expect(rejects.map(({ row }) => Number(row)).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 285 }, (_, index) => (index + 1) * 7),
      );
      expect(existsSync(join(directory, 'resume.json'))).toBe(false);
    },
  );

  it('the state on disk never runs ahead of what the platform has', async () => {
    const rows = shopRows(3_000, random);
    const url = await listen({ delayMs: () => Math.floor(random() * 30) });
    const resumeFile = join(directory, 'resume.json');
    const going = run(await shop(rows), url, { concurrency: 32 });
    let isOver = false;
    const ended = going.finally(() => (isOver = true));
    const marks = new Set<number>();
    while (!isOver) {
      const text = await readFile(resumeFile, 'utf8').catch(() => '');
      const row: number = text === '' ? 0 : JSON.parse(text).row;
      const there = new Set(platform.stored.map(({ StockCode }) => StockCode));
      for (let at = 1; at <= row; at += 1) if (!there.has(`S${at}`)) expect(`row ${at}`).toBe(`stored, as ${row} are`);
      marks.add(row);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await ended;
    expect(marks.size).toBeGreaterThan(1);
  });

  it('ends within about five seconds, although a request is not answered', async () => {
    const url = await listen({ delayMs: () => 60_000 });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 100);
    const summary = await run(await shop(shopRows(50, random)), url, { signal: stop.signal });
    expect(summary.seconds).toBeLessThan(6.5);
    expect(summary).toMatchObject({ interrupted: true, accepted: 0, lastRow: 0 });
  });

  it('--limit counts from the first row, also after --resume', async () => {
    const rows = shopRows(100, random);
    const file = await shop(rows);
    const url = await listen();
    expect(await run(file, url, { limit: 40 })).toMatchObject({ sent: 40, lastRow: 40, interrupted: false });
    expect(await run(file, url, { limit: 70, resume: true })).toMatchObject({ sent: 30, lastRow: 70 });
    expect(await run(file, url, { resume: true })).toMatchObject({ sent: 30, lastRow: 100, resumeFile: null });
    expect(arrived()).toEqual(expected(rows));
    expect(platform.stored.length).toBe(100);
  });

  it('refuses a file that has changed since, and another platform: rows would be skipped that never came', async () => {
    const file = await shop(shopRows(100, random));
    const url = await listen();
    await run(file, url, { limit: 10 });
    await expect(run(file, `${url}/other`, { resume: true })).rejects.toThrow('went to');
    await shop(shopRows(101, random));
    const { size } = await stat(file);
    expect(size).toBeGreaterThan(0);
    const error = await run(file, url, { resume: true }).catch((reason) => reason);
    expect(`${error.code}: ${error.message}\n${error.hint}`.replaceAll(directory, 'DIR')).toMatchInlineSnapshot(`
      "conflict: The files are not, or no longer, those of the replay that stopped (DIR/resume.json).
      Run it without --resume to send everything again: what is stored already is not counted twice."
    `);
    expect(platform.stored.length).toBe(10);
  });

  it('a state that is not ours is not overwritten by --resume', async () => {
    const file = await shop(shopRows(3, random));
    await writeFile(join(directory, 'resume.json'), '{"mine": true}');
    const work = run(file, await listen(), { resume: true });
    await expect(work).rejects.toSatisfy((error) => isTillstreamError(error, 'conflict'));
    expect(await readFile(join(directory, 'resume.json'), 'utf8')).toBe('{"mine": true}');
  });
});

describe('wrong usage is told before anything is sent', () => {
  it.each([
    ['url', { url: 'localhost:8080' }],
    ['batch', { batch: 0 }],
    ['batch', { batch: 20_000 }],
    ['concurrency', { concurrency: 1.5 }],
    ['limit', { limit: 0 }],
    ['rate', { rate: 0 }],
    ['speed', { speed: Number.POSITIVE_INFINITY }],
  ])('%s', async (_name, options) => {
    const file = await shop(shopRows(3, random));
    const work = run(file, await listen(), options);
    await expect(work).rejects.toSatisfy((error) => isTillstreamError(error, 'wrong_usage'));
    expect(platform.requests).toEqual([]);
  });

  it('a second file that is no CSV', async () => {
    const [good, bad] = [await shop(shopRows(3, random)), join(directory, 'prose.txt')];
    await writeFile(bad, 'Dear shop\n');
    const url = await listen();
    await expect(run(good, url, { files: [good, bad] })).rejects.toSatisfy((error) =>
      isTillstreamError(error, 'not_a_csv'),
    );
    expect(platform.requests).toEqual([]);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 20));
}
