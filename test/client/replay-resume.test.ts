import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { beforeEach, describe, expect, it } from 'vitest';
import { isTillstreamError } from '../../src/model/errors.ts';
import { freePort } from '../support/free-port.ts';
import { csvOf, shopRows } from './shop.ts';
import { arrived, expected, isRefused, listen, REFUSED, random, run, seed, setStage, shop, stage } from './stage.ts';

setStage();

describe(`rejects (seed ${seed})`, () => {
  it('each refused row is in the file once, as it was, with its place and reason; mended, it can be replayed', async () => {
    const rows = shopRows(300, random);
    const file = await shop(rows);
    const rejectsFile = join(stage.directory, 'rejects.csv');
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
    await stage.platform.close();

    const stored = stage.platform.stored;
    const again = await listen();
    await run(rejectsFile, again);
    expect(stage.platform.stored[0]).not.toHaveProperty('reason');
    stage.platform.stored.push(...stored);
    expect(arrived()).toEqual(expected(rows));
  });

  describe('a row whose invoice is not known', () => {
    const TOO_LONG = 'R'.repeat(300);
    const row = (invoiceNo: string, stockCode: string) => ({ invoiceNo, stockCode });
    const noInvoice = { code: 'invalid_invoice_no', field: 'InvoiceNo', value: '""', message: 'InvoiceNo is "".' };
    const onPlatform = () => [...arrived()].map(([identity, stockCode]) => `${identity} ${stockCode}`);
    let rejectsFile: string;
    let url: string;
    beforeEach(async () => {
      rejectsFile = join(stage.directory, 'rejects.csv');
      url = await listen({ refuse: ({ InvoiceNo }) => (/^R\d$/.test(InvoiceNo) ? null : noInvoice) });
      await run(await shop([row('R1', 'A'), row('', 'B'), row('R1', 'C'), row(TOO_LONG, 'D')]), url, { rejectsFile });
      expect(onPlatform()).toEqual(['R1-1 A', 'R1-2 C']);
    });

    it('has no line number in the rejects file: mended there, it must not replace another line', async () => {
      const text = await readFile(rejectsFile, 'utf8');
      await writeFile(rejectsFile, text.replace(/^,B/m, 'R1,B').replace(TOO_LONG, 'R1'));
      const summary = await run(rejectsFile, url);
      expect(onPlatform()).toEqual(['R1-1 A', 'R1-2 C']);
      expect(summary).toMatchObject({ sent: 0, rejected: 2 });
      expect(summary.firstRejects[0]?.refusal).toMatchInlineSnapshot(`
        {
          "code": "invalid_line_id",
          "field": "LineNo",
          "message": "LineNo is empty; expected the number of the line. Either correct all refused rows in the file they came from and replay that instead; or give this one a LineNo that no other line of its invoice has.",
          "value": "",
        }
      `);
    });

    it('says in the rejects file what to do; done so, in either way or both, every line is there once', async () => {
      const text = await readFile(rejectsFile, 'utf8');
      const rows = parse(text, { columns: true }) as Record<string, string>[];
      expect(rows.find(({ StockCode }) => StockCode === 'B')?.reason).toMatchInlineSnapshot(
        `"InvoiceNo is "". Either correct all refused rows in the file they came from and replay that instead; or give this one a LineNo that no other line of its invoice has."`,
      );
      await writeFile(rejectsFile, text.replace(/^(,B.*France,)/m, 'R1$13').replace(/^RRR.*\n/m, ''));
      expect(await run(rejectsFile, url)).toMatchObject({ sent: 1, accepted: 1 });
      expect(onPlatform()).toEqual(['R1-1 A', 'R1-2 C', 'R1-3 B']);

      await run(await shop([row('R1', 'A'), row('R1', 'B'), row('R1', 'C'), row('R1', 'D')]), url);
      expect(onPlatform()).toEqual(['R1-1 A', 'R1-2 B', 'R1-3 C', 'R1-4 D']);
    });
  });

  it('rows of files that name their columns differently are all there, under one name', async () => {
    const numbered = csvOf([{ invoiceNo: '7', stockCode: 'S7' }])
      .replace('CustomerID', 'Customer ID')
      .replace('Country', 'Country,LineId')
      .replace('France', 'France,12');
    await writeFile(join(stage.directory, 'numbered.csv'), numbered);
    const files = [await shop([{ invoiceNo: '6', stockCode: 'S14' }]), join(stage.directory, 'numbered.csv')];
    const rejectsFile = join(stage.directory, 'rejects.csv');
    const url = await listen({ refuse: (line) => (isRefused(line) ? REFUSED : null) });
    await run('', url, { files, rejectsFile });
    const [first, second] = (parse(await readFile(rejectsFile), { columns: true }) as Record<string, string>[]).sort(
      (a, b) => Number(a.row) - Number(b.row),
    );
    expect(first).toMatchObject({ InvoiceNo: '6', CustomerID: '17850', LineId: '1' });
    expect(second).toMatchObject({ InvoiceNo: '7', CustomerID: '17850', LineId: '12' });
  });

  it('a row that does not fit the header is refused without asking the platform, and keeps its number', async () => {
    const rows = shopRows(3, random).map((row) => ({ ...row, invoiceNo: '1' }));
    const lines = csvOf(rows).split('\r\n');
    lines[2] = `${lines[2]},slipped`;
    const file = join(stage.directory, 'slipped.csv');
    await writeFile(file, lines.join('\n'));
    const url = await listen();
    const summary = await run(file, url);
    expect(summary).toMatchObject({ sent: 2, accepted: 2, rejected: 1, lastRow: 3 });
    expect([...arrived().keys()]).toEqual(['1-1', '1-3']);
    expect(summary.firstRejects[0]).toMatchObject({ file: 'slipped.csv', row: 2, refusal: { code: 'surplus_fields' } });
  });

  it('a row with too many fields is there with all of them, so that it can be mended in the file', async () => {
    const good = csvOf([{ invoiceNo: '1', stockCode: 'S1' }]);
    const file = join(stage.directory, 'slipped.csv');
    await writeFile(file, good.replace('"A ""MUG"", BLUE"', 'MUG, "BLUE",, ROUND'));
    const [first, second] = [join(stage.directory, 'first.csv'), join(stage.directory, 'second.csv')];
    const url = await listen();
    await run(file, url, { rejectsFile: first });
    const [, rejected] = (await readFile(first, 'utf8')).split('\n');
    expect(rejected).toMatchInlineSnapshot(
      `"1,S1,MUG," ""BLUE""",, ROUND,2,12/1/2010 8:26,1,1,surplus_fields,"The row has more fields than the 8 columns of the header; quote a field that holds the delimiter. Those beyond stand after this reason.",2.55,17850,France"`,
    );

    // What is not mended stays as it is, however often it goes round.
    await run(first, url, { rejectsFile: second });
    const [, again] = parse(await readFile(second), { relax_column_count: true }) as string[][];
    const [, before] = parse(await readFile(first), { relax_column_count: true }) as string[][];
    expect(again?.slice(0, 9)).toEqual(before?.slice(0, 9));
    expect(again?.slice(12)).toEqual(before?.slice(12));
    expect(again?.slice(12)).toHaveLength(3);

    const fields = [...(again?.slice(0, 8) ?? []), ...(again?.slice(12) ?? [])];
    const mended = [...fields.slice(0, 2), `"${fields.slice(2, 6).join().replaceAll('"', '""')}"`, ...fields.slice(6)];
    const header = (await readFile(second, 'utf8')).split('\n')[0];
    await writeFile(second, `${header}\n${mended.join()},1,1,,\n`);
    await run(second, url);
    expect(stage.platform.stored).toMatchObject([
      { InvoiceNo: '1', LineNo: '1', Description: 'MUG, "BLUE",, ROUND', Quantity: 2, Country: 'France' },
    ]);
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
      const rejectsFile = join(stage.directory, 'rejects.csv');
      const url = await listen({
        refuse: (line) => (isRefused(line) ? REFUSED : null),
        delayMs: () => Math.floor(random() * 4),
        fault: () => (random() < 0.02 ? 'stored-then-dropped' : null),
      });
      let lastRow = 0;
      let runs = 0;
      for (let isDone = false; !isDone; runs += 1) {
        const stop = new AbortController();
        const stopAt = stage.platform.requests.length + 5 + Math.floor((random() * 600) / (options.batch ?? 1));
        const timer = setInterval(() => stage.platform.requests.length >= stopAt && stop.abort(), 1);
        const before = stage.platform.stored.length;
        const summary = await run(file, url, {
          ...options,
          concurrency: 9,
          resume: true,
          rejectsFile,
          signal: stop.signal,
        });
        clearInterval(timer);
        expect(summary.resumedAfterRow).toBe(lastRow);
        const sentAgain = stage.platform.stored
          .slice(before)
          .filter((line) => Number(line.StockCode.slice(1)) <= lastRow);
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
      expect(existsSync(join(stage.directory, 'resume.json'))).toBe(false);
    },
  );

  it('the state on disk never runs ahead of what the platform has', async () => {
    const rows = shopRows(3_000, random);
    const url = await listen({ delayMs: () => Math.floor(random() * 30) });
    const resumeFile = join(stage.directory, 'resume.json');
    const going = run(await shop(rows), url, { concurrency: 32 });
    let isOver = false;
    const ended = going.finally(() => (isOver = true));
    const marks = new Set<number>();
    while (!isOver) {
      const text = await readFile(resumeFile, 'utf8').catch(() => '');
      const row: number = text === '' ? 0 : JSON.parse(text).row;
      const there = new Set(stage.platform.stored.map(({ StockCode }) => StockCode));
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
    expect(summary.seconds).toBeLessThan(50);
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
    expect(stage.platform.stored.length).toBe(100);
  });

  it('refuses a file that has changed since: rows would be skipped that never came', async () => {
    const file = await shop(shopRows(100, random));
    const url = await listen();
    await run(file, url, { limit: 10 });
    await shop(shopRows(101, random));
    expect(await refusal(run(file, url, { resume: true }))).toMatchInlineSnapshot(`
      "conflict: The files are not, or no longer, those of the replay that stopped (DIR/resume.json).
      Run it without --resume to send everything again: what is stored already is not counted twice."
    `);
    expect(stage.platform.stored.length).toBe(10);
  });

  it('refuses other data behind the same URL, for the same reason; the same data may be behind another', async () => {
    const rows = shopRows(100, random);
    const file = await shop(rows);
    const url = await listen({}, await freePort());
    await run(file, url, { limit: 10 });
    const first = stage.platform;
    await first.close();
    await listen({ streamId: 'stream-2' }, Number(new URL(url).port));
    expect((await refusal(run(file, url, { resume: true }))).replaceAll(url, 'URL')).toMatchInlineSnapshot(`
      "conflict: The replay that stopped went to URL, and what was stored there is not in the data that URL has now.
      Run it without --resume to send everything again: what is stored already is not counted twice."
    `);
    expect(stage.platform.stored).toEqual([]);
    await stage.platform.close();

    const elsewhere = await listen();
    expect(await run(file, elsewhere, { resume: true })).toMatchObject({ sent: 90, resumedAfterRow: 10 });
    stage.platform.stored.push(...first.stored);
    expect(arrived()).toEqual(expected(rows));
  });

  it('resumes what was stopped before any platform answered', async () => {
    const file = await shop(shopRows(10, random));
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 200);
    const waited = await run(file, 'http://127.0.0.1:1', { signal: stop.signal });
    expect(waited).toMatchObject({ sent: 0, lastRow: 0, interrupted: true, retries: 0 });
    expect(await run(file, await listen(), { resume: true })).toMatchObject({ accepted: 10, lastRow: 10 });
  });

  it('a state that is not ours is not overwritten by --resume', async () => {
    const file = await shop(shopRows(3, random));
    await writeFile(join(stage.directory, 'resume.json'), '{"mine": true}');
    const work = run(file, await listen(), { resume: true });
    await expect(work).rejects.toSatisfy((error) => isTillstreamError(error, 'conflict'));
    expect(await readFile(join(stage.directory, 'resume.json'), 'utf8')).toBe('{"mine": true}');
  });
});

/** `code: message` (hint), with the directory left out. */
async function refusal(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.catch((reason) => reason);
  if (!isTillstreamError(error)) throw error ?? new Error('It did not fail');
  return `${error.code}: ${error.message}\n${error.hint}`.replaceAll(stage.directory, 'DIR');
}
