import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import type { ReplayProgress } from '../../src/client/replay-options.ts';
import { isTillstreamError } from '../../src/model/errors.ts';
import { freePort } from '../support/free-port.ts';
import { csvOf, identity, shopRows } from './shop.ts';
import {
  arrived,
  expected,
  expectOrder,
  isRefused,
  listen,
  REFUSED,
  random,
  run,
  seed,
  setStage,
  shop,
  stage,
} from './stage.ts';

setStage();

describe(`replay (seed ${seed})`, () => {
  it.each<[string, { batch?: number }]>([
    ['one line a request', {}],
    ['batches', { batch: 50 }],
  ])('%s: every line arrives once, an invoice’s in order, over as many connections as told', async (_name, options) => {
    const rows = shopRows(3_000, random);
    const url = await listen();
    const summary = await run(await shop(rows), url, { concurrency: 7, ...options });
    expect(arrived()).toEqual(expected(rows));
    expect(stage.platform.stored.length).toBe(3_000);
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
    expect(existsSync(join(stage.directory, 'resume.json'))).toBe(false);
  });

  it('sends what the platform documents: JSON, its source, its key', async () => {
    const url = await listen();
    await run(await shop(shopRows(1, random)), `${url}/`, { key: 'secret' });
    expect(stage.platform.requests[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-tillstream-source': 'replay',
      authorization: 'Bearer secret',
      connection: 'keep-alive',
    });
    expect(stage.platform.stored[0]).toEqual({
      InvoiceNo: expect.stringMatching(/^\d{6}$/), // whichever the seed gives
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
      // Once at least.
      fault: (request) =>
        request === 2 || random() < 0.15 ? (faults[Math.floor(random() * faults.length)] ?? null) : null,
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
    expect(stage.platform.stored.length).toBe(accepted);
    expect(stage.platform.identities().size).toBe(accepted);
  });

  it('finds the reason of every refused line, although an answer explains a hundred at most', async () => {
    const rows = shopRows(1_000, random);
    const url = await listen({ refuse: (line) => (Number(line.StockCode.slice(1)) > 300 ? REFUSED : null) });
    const rejectsFile = join(stage.directory, 'rejects.csv');
    const summary = await run(await shop(rows), url, { batch: 1_000, concurrency: 1, rejectsFile });
    expect(summary).toMatchObject({ accepted: 300, rejected: 700 });
    expect(stage.platform.stored.length).toBe(300);
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
    expect(stage.platform.requests.length).toBeGreaterThan(3);
    expect(summary.seconds).toBeGreaterThan(0.8);
    expect(summary.seconds).toBeLessThan(60);
  });

  it('--rate holds, also when the platform stalls in between', async () => {
    const url = await listen({ delayMs: () => (random() < 0.02 ? 100 : 0) });
    const summary = await run(await shop(shopRows(400, random)), url, { rate: 400 });
    expect(summary.seconds).toBeGreaterThan(0.9);
    expect(summary.seconds).toBeLessThan(60);
  });

  it('--speed plays by the clock of the invoices', async () => {
    const content = csvOf(shopRows(3, random)).split('\r\n');
    const at = (line: number, time: string) => content[line]?.replace('12/1/2010 8:26', time) ?? '';
    const text = [content[0], at(1, '12/1/2010 8:00'), at(2, 'whenever'), at(3, '2010-12-01T09:00:00')].join('\n');
    const file = join(stage.directory, 'clock.csv');
    await writeFile(file, text);
    const url = await listen();
    const summary = await run(file, url, { speed: 3_600 });
    expect(summary.accepted).toBe(3);
    expect(summary.seconds).toBeGreaterThan(0.95);
    expect(summary.seconds).toBeLessThan(60);
  });

  it('--speed also waits for longer than a timer can: 30 days are not 1 ms', async () => {
    const [header, first = '', second = ''] = csvOf(shopRows(2, random)).split('\r\n');
    const file = join(stage.directory, 'gap.csv');
    await writeFile(file, [header, first, second.replace('12/1/2010', '12/31/2010')].join('\n'));
    const stop = new AbortController();
    const url = await listen();
    const going = run(file, url, { speed: 1, signal: stop.signal });
    await until(() => stage.platform.stored.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    stop.abort();
    expect(await going).toMatchObject({ accepted: 1, interrupted: true, lastRow: 1 });
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
        if (stage.platform.stored.length > 150) stop.abort();
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
    await listen({}, port);
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
    const state = JSON.parse(await readFile(join(stage.directory, 'resume.json'), 'utf8'));
    expect(state.row).toBeGreaterThan(0);
    expect(stage.platform.requests.length).toBeLessThan(110);
  });

  it.each([
    ['200', {}],
    ['200', { batch: 50 }],
    ['204', {}],
  ])('another program that says %s to anything has stored nothing (%o)', async (status, options) => {
    const url = await listen({ fault: () => ({ status: Number(status), body: '' }) });
    const work = run(await shop(shopRows(100, random)), url, options);
    await expect(work).rejects.toThrow(`${url} answers, but not as a Tillstream platform does.`);
    await expect(work).rejects.toSatisfy((error) => isTillstreamError(error, 'unreachable'));
    expect(JSON.parse(await readFile(join(stage.directory, 'resume.json'), 'utf8')).row).toBe(0);
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
    expect(stage.platform.requests).toEqual([]);
  });

  it('a second file that is no CSV', async () => {
    const [good, bad] = [await shop(shopRows(3, random)), join(stage.directory, 'prose.txt')];
    await writeFile(bad, 'Dear shop\n');
    const url = await listen();
    await expect(run(good, url, { files: [good, bad] })).rejects.toSatisfy((error) =>
      isTillstreamError(error, 'not_a_csv'),
    );
    expect(stage.platform.requests).toEqual([]);
  });
});

async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 20));
}
