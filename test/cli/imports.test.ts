// `tillstream imports`, on a running platform; and what becomes of an import whose command is ended.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliEnvironment, cliPath } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { endPlatforms, type Platform, remember } from '../support/platform.ts';
import { DAY_13, HEADER, ImportDesk } from './import-desk.ts';

let platform: Platform;
let directory: string;
let run: ImportDesk['run'];
let file: ImportDesk['file'];
beforeAll(async () => {
  const desk = await ImportDesk.open();
  ({ platform, directory } = desk);
  run = desk.run.bind(desk);
  file = desk.file.bind(desk);
});
afterAll(endPlatforms);

describe('imports', () => {
  it('lists them, newest first', async () => {
    for (const [at, quantity] of [1, 'many'].entries()) {
      const name = `file-${at + 1}.csv`;
      await file(name, String(at + 1), [
        [quantity, DAY_13],
        [2, DAY_13],
      ]);
      await run('import', name, '--max-rejects', '50');
    }
    await run('import', 'file-1.csv');
    const screen = await run('imports', 'list', '--limit', '2');
    expect(screen.replace(/ {2,}/g, '  ')).toMatchInlineSnapshot(`
      "  Id  When  State  Files  Lines  Rejected  Revenue  Took
        YYYYMMDD-xxxx  YYYY-MM-DD HH:MM  already imported  file-1.csv  2  0  7.50  N s
        YYYYMMDD-xxxx  YYYY-MM-DD HH:MM  done  file-2.csv  1  1  5.00  N s
      --

        The newest 2; more with --limit.
      exit 0"
    `);
  });

  it('shows one that asks; it is answered, or cancelled', async () => {
    await file('asks.csv', '9', [[1, '5/6/2011 9:12']]);
    const begin = async (): Promise<string> => {
      const body = await readFile(join(directory, 'asks.csv'), 'utf8');
      const answer = await platform.request('POST', '/v1/imports?name=asks.csv', body, 'text/csv');
      await eventually(async () =>
        expect((await platform.get(`/v1/imports/${answer.body.id}`)).body.state).toBe('needs_answer'),
      );
      return answer.body.id;
    };
    const one = await begin();
    expect(await run('imports', 'show', one)).toMatchInlineSnapshot(`
      "YYYYMMDD-xxxx

        State    needs answer
        Files    asks.csv, 130 B
        Came in  YYYY-MM-DD HH:MM
      --
      asks.csv  130 B
        Read as  CSV, comma
        Columns  InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country


      The dates of asks.csv can be read in two ways, and nothing in the file decides.

        Written        Month first       Day first
        5/6/2011 9:12  2011-05-06 09:12  2011-06-05 09:12

      Say how they are written: tillstream imports answer YYYYMMDD-xxxx --date-format month-first or --date-format day-first
      exit 0"
    `);
    expect(await run('status')).toMatch(/\n {2}Imports {5}for an answer waits YYYYMMDD-xxxx\n/);
    expect(await run('imports', 'answer', one)).toMatch(/wrong_usage: say one answer.*exit 2$/s);
    expect(await run('imports', 'answer', one, '--replace')).toMatch(/invalid_parameter: .*exit 2$/s);
    expect(await run('imports', 'answer', one, '--date-order', 'month-first')).toMatchInlineSnapshot(`
      "YYYYMMDD-xxxx  answered
      --
      It goes on in its turn: tillstream imports show YYYYMMDD-xxxx
      exit 0"
    `);
    expect(await run('imports', 'show', one)).toMatch(/^1 line of 1 invoice imported.*State {4}done\n/s);
    expect(await run('imports', 'cancel', one)).toMatch(/conflict: .*exit 1$/s);
    await file('asks.csv', '10', [[1, '5/6/2011 9:12']]);
    expect(await run('imports', 'cancel', await begin())).toBe('YYYYMMDD-xxxx  cancelled\nexit 0');
    expect(await run('imports', 'show', 'none')).toMatch(/not_found: .*exit 1$/s);
  });
});

describe('Ctrl-C', () => {
  /** With a file that takes a while; interrupted once it has said that, or when it is time. */
  async function interrupted(
    url: string,
    when: RegExp | Promise<unknown>,
    firstInvoice = 1_000_000,
  ): Promise<{ code: number | null; text: string }> {
    const rows = Array.from(
      { length: 150_000 },
      (_, at) => `${firstInvoice + at},MUG,Blue mug,1,${DAY_13},2.5,17850,France\n`,
    );
    await writeFile(join(directory, 'large.csv'), `${HEADER}\n${rows.join('')}`);
    const child = remember(
      spawn(process.execPath, [cliPath, 'import', 'large.csv', '--url', url], {
        cwd: directory,
        env: cliEnvironment(),
      }),
    );
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        text += chunk;
      });
    }
    const closed = once(child, 'close');
    if (when instanceof RegExp) await eventually(() => expect(text).toMatch(when));
    else await when;
    child.kill('SIGINT');
    const [code] = await closed;
    return { code, text };
  }

  it('leaves the import to the platform once the files are there, and says how to go on', async () => {
    let [code, text]: [number | null, string] = [0, ''];
    // An import that is done has nothing to leave: then the next one.
    for (let time = 1; time <= 10 && code === 0; time += 1) {
      ({ code, text } = await interrupted(platform.url, /Read as/, time * 1_000_000));
    }
    expect(code).toBe(130);
    expect(text).toMatch(
      /goes on in the platform\. Look at it with: tillstream imports show \S+\nEnd it with: tillstream/,
    );
    const id = /imports show (\S+)/.exec(text)?.[1] ?? '';
    expect(await run('imports', 'show', id)).toMatch(/^150,000 lines of 150,000 invoices imported/);
  });

  it('while they are sent ends it all', async () => {
    // Takes what comes until its buffers are full, and never answers.
    const deaf = createServer((socket) => socket.on('error', () => {}).pause());
    deaf.listen(0);
    await once(deaf, 'listening');
    const { port } = deaf.address() as { port: number };
    const { code, text } = await interrupted(`http://127.0.0.1:${port}`, once(deaf, 'connection'));
    expect([code, text.trim()]).toEqual([
      130,
      expect.stringMatching(
        /^Cancelled while the files were sent: nothing is imported, unless the last byte was there\. See: .*imports$/,
      ),
    ]);
    deaf.close();
  });
});
