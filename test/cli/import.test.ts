// `tillstream import` and what belongs to it, on a running platform: as in a script, where nobody can be asked.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliEnvironment, cliPath, runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { endPlatforms, freshDirectory, type Platform, remember, startPlatform } from '../support/platform.ts';

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';

let platform: Platform;
let directory: string;

async function run(...commandLine: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli([...commandLine, '--data-dir', platform.directory], { cwd: directory });
  return (
    `${stdout}${stderr === '' ? '' : `--\n${stderr}`}exit ${code}`
      // On a machine that is slow, progress is told as well.
      .replace(/^ {2}(?:sending|waiting|looking|reading|loading)\b.*\n/gm, '')
      .replace(/\d{8}-[a-z0-9]{4}/g, 'YYYYMMDD-xxxx')
      .replace(/\b202\d-\d\d-\d\d \d\d:\d\d(:\d\d)?\b(?= {2}|\n)/g, 'YYYY-MM-DD HH:MM')
      .replace(/[\d.]+ (ms|s)(: [\d,]+ lines?\/s)?(?=\n)/g, 'N s')
  );
}

/** Rows of one invoice: quantity and date. */
async function file(
  name: string,
  invoiceNo: string,
  rows: readonly (readonly [string | number, string])[],
  header = HEADER,
) {
  const lines = rows.map(([quantity, date]) => `${invoiceNo},MUG,Blue mug,${quantity},${date},2.5,17850,France`);
  const text = [header, ...lines, ''].join('\n');
  await writeFile(join(directory, name), name.endsWith('.gz') ? gzipSync(text) : text);
}

const DAY_13 = '12/13/2010 8:26';

beforeAll(async () => {
  directory = await freshDirectory('import-files');
  platform = await startPlatform(await freshDirectory('import'), { env: { TILLSTREAM_IMPORT_SCHEDULE: 'off' } });
});
afterAll(endPlatforms);

describe('import', () => {
  it('says what was found, and what came of it', async () => {
    await file('may.csv', '1', [
      [1, DAY_13],
      [2, DAY_13],
    ]);
    await file('june.csv.gz', '1', [[3, DAY_13]], `${HEADER.replace('UnitPrice', 'Price')},Till`);
    expect(await run('import', 'may.csv', 'june.csv.gz')).toMatchInlineSnapshot(`
      "3 lines of 1 invoice imported in N s

        Revenue   15.00
        Rows      3
        Rejected  0 rows
        Replaced  0 lines by a version that differs
        Import    YYYYMMDD-xxxx
      --
      may.csv  182 B
        Read as  CSV, comma, dates month first
        Columns  InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country
      june.csv.gz  141 B
        Read as        CSV, gzip, comma, dates month first
        Columns        InvoiceNo, StockCode, Description, Quantity, InvoiceDate, Price as UnitPrice,
                       CustomerID, Country
        Kept as extra  Till

      exit 0"
    `);
    expect((await runCli(['invoice', '1', '--json', '--data-dir', platform.directory])).stdout).toContain(
      '"total": 15',
    );
  });

  it('of the same files again says that nothing was done, and with --again does it', async () => {
    expect(await run('import', 'may.csv', 'june.csv.gz')).toMatchInlineSnapshot(`
      "These files were imported before, by YYYYMMDD-xxxx: nothing was done.
      --
      may.csv  182 B
        Read as  CSV, comma, dates month first
        Columns  InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country
      june.csv.gz  141 B
        Read as        CSV, gzip, comma, dates month first
        Columns        InvoiceNo, StockCode, Description, Quantity, InvoiceDate, Price as UnitPrice,
                       CustomerID, Country
        Kept as extra  Till


      To import them once more: --again. That changes nothing that is there.
      exit 0"
    `);
    expect(await run('import', 'may.csv', 'june.csv.gz', '--again')).toContain('Replaced  0 lines');
  });

  it('counts and writes nothing in a dry run', async () => {
    await file('dry.csv', '2', [
      [1, DAY_13],
      ['six', DAY_13],
    ]);
    expect(await run('import', 'dry.csv', '--dry-run', '--max-rejects', '50')).toMatchInlineSnapshot(`
      "1 line of 1 invoice would be imported; nothing was written.

        Revenue   2.50
        Rows      2
        Rejected  1 row
        Replaced  0 lines by a version that differs
        Import    YYYYMMDD-xxxx
      --
      dry.csv  184 B
        Read as  CSV, comma, dates month first
        Columns  InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country


        dry.csv, row 2
          invalid_quantity: Quantity is "six"; expected a whole number from -10,000,000 to 10,000,000.
      exit 3"
    `);
    expect(await run('invoice', '2')).toMatch(/not_found.*exit 1/s);
    await run('import', 'dry.csv', '--dry-run', '--max-rejects', '50', '--rejects', 'dry-bad.csv');
    expect(await readFile(join(directory, 'dry-bad.csv'), 'utf8')).toMatch(/^2,MUG,Blue mug,six,.*,invalid_quantity,/m);
  });

  it('with dates that leave their order open is cancelled, and names the flag', async () => {
    await file('open.csv', '3', [[1, '5/6/2011 9:12']]);
    expect(await run('import', 'open.csv')).toMatchInlineSnapshot(`
      "--
      open.csv  130 B
        Read as  CSV, comma
        Columns  InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country

      The dates of open.csv can be read in two ways, and nothing in the file decides.

        Written        Month first       Day first
        5/6/2011 9:12  2011-05-06 09:12  2011-06-05 09:12

      needs_answer: the import asks what nobody here can answer; it is cancelled, and nothing of it is stored.
      Say how they are written: --date-format month-first or --date-format day-first
      exit 1"
    `);
    expect(await run('import', 'open.csv', '--date-format', 'DD/MM/YYYY HH:mm')).toMatch(
      /^1 line of 1 invoice imported/,
    );
    const invoice = await runCli(['invoice', '3', '--json', '--data-dir', platform.directory]);
    expect(JSON.parse(invoice.stdout).invoiceDate).toBe('2011-06-05T09:12:00');
  });

  it('without a column that is needed is cancelled; --map says which it is', async () => {
    await file('columns.csv', '4', [[1, DAY_13]], HEADER.replace('UnitPrice', 'Each'));
    expect(await run('import', 'columns.csv')).toMatchInlineSnapshot(`
      "--
      columns.csv  127 B
        Read as        CSV, comma
        Columns        InvoiceNo, StockCode, Description, Quantity, InvoiceDate, CustomerID, Country
        Kept as extra  Each

      columns.csv has no column for UnitPrice.

        Its columns  InvoiceNo, StockCode, Description, Quantity, InvoiceDate, Each, CustomerID, Country

      needs_answer: the import asks what nobody here can answer; it is cancelled, and nothing of it is stored.
      Say which column it is: --map <field>=<column>
      exit 1"
    `);
    expect(await run('import', 'columns.csv', '--map', 'price=Each')).toMatch(/^1 line of 1 invoice imported/);
  });

  it('that would change lines of others is cancelled with the list; --continue-numbering and --replace decide', async () => {
    await file('more.csv', '1', [[9, DAY_13]]);
    expect(await run('import', 'more.csv')).toMatchInlineSnapshot(`
      "--
      more.csv  132 B
        Read as  CSV, comma, dates month first
        Columns  InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country

      The import would change 1 line of 1 invoice that came from elsewhere.

        Invoice  Line    Source                Now         Then
        1        000001  import:YYYYMMDD-xxxx  Quantity 1  Quantity 9

      needs_answer: the import asks what nobody here can answer; it is cancelled, and nothing of it is stored.
      Say whether these lines are to be replaced, or the new ones numbered on after them: --replace or --continue-numbering
      exit 1"
    `);
    expect(await run('import', 'more.csv', '--continue-numbering')).toMatch(/^1 line of 1 invoice imported/);
    const total = async () =>
      JSON.parse((await runCli(['invoice', '1', '--json', '--data-dir', platform.directory])).stdout).total;
    expect(await total()).toBe(37.5);
    await file('other.csv', '1', [[5, DAY_13]]);
    expect(await run('import', 'other.csv', '--replace')).toContain('Replaced  1 line by a version that differs');
    expect(await total()).toBe(47.5);
  });

  it('of what is plainly the wrong file is cancelled, with the first rows', async () => {
    await file('wrong.csv', '5', [
      ['six', DAY_13],
      ['seven', DAY_13],
      [1, DAY_13],
    ]);
    expect(await run('import', 'wrong.csv')).toMatchInlineSnapshot(`
      "--
      wrong.csv  238 B
        Read as  CSV, comma, dates month first
        Columns  InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country

      2 of 3 rows cannot be used: 66.7 %, where at most 10 % may be. It may be the wrong file.

        wrong.csv, row 1
          invalid_quantity: Quantity is "six"; expected a whole number from -10,000,000 to 10,000,000.

        wrong.csv, row 2
          invalid_quantity: Quantity is "seven"; expected a whole number from -10,000,000 to 10,000,000.

      needs_answer: the import asks what nobody here can answer; it is cancelled, and nothing of it is stored.
      To import what can be used all the same: --max-rejects 100
      exit 1"
    `);
  });

  it('takes standard input', async () => {
    const text = await readFile(join(directory, 'may.csv'), 'utf8');
    const input = text.replaceAll('1,MUG', '6,MUG');
    const { code, stdout } = await runCli(['import', '-', '--data-dir', platform.directory], { input });
    expect([code, stdout.split('\n', 1)[0]]).toEqual([0, expect.stringMatching(/^2 lines of 1 invoice imported/)]);
  });

  it('as JSON is the import, and nothing else', async () => {
    await file('json.csv', '7', [[1, DAY_13]]);
    const { stdout } = await runCli(['import', 'json.csv', '--json', '--data-dir', platform.directory], {
      cwd: directory,
    });
    expect(JSON.parse(stdout)).toMatchObject({ state: 'done', counts: { lines: 1 }, files: [{ name: 'json.csv' }] });
  });
});

describe('import refuses before it sends anything', () => {
  const count = async (): Promise<number> => (await readdir(join(platform.directory, 'lake', 'imports'))).length;
  it.each<[string, string[], RegExp]>([
    ['a file that is not there', ['none.csv'], /^--\nfile_not_found: There is no file none\.csv\..*exit 2$/s],
    ['a directory', ['.'], /file_not_found: \. is not a file.*exit 2$/s],
    ['a second file that is not there', ['may.csv', 'none.csv'], /none\.csv.*exit 2$/s],
    ['an empty file', ['empty.csv'], /not_a_csv: empty\.csv is empty.*exit 2$/s],
    ['a workbook', ['book.xlsx'], /not_a_csv: book\.xlsx is a workbook.*exit 2$/s],
    ['standard input twice', ['-', '-'], /wrong_usage: .*once only.*exit 2$/s],
    ['a rejects file that is one of them', ['may.csv', '--rejects', './may.csv'], /wrong_usage: .*exit 2$/s],
    ['a rejects file that cannot be', ['may.csv', '--rejects', 'nowhere/r.csv'], /directory_not_writable: .*exit 2$/s],
    ['a date format that is none', ['may.csv', '--date-format', 'european'], /wrong_usage: .*month-first.*exit 2$/s],
    ['a map of no field', ['may.csv', '--map', 'cost=Price'], /wrong_usage: .*no field of a line.*exit 2$/s],
    ['two answers to one question', ['may.csv', '--replace', '--continue-numbering'], /wrong_usage: .*exit 2$/s],
    ['no file', [], /wrong_usage: .*file.*exit 2$/s],
  ])('%s', async (_what, words, told) => {
    await writeFile(join(directory, 'empty.csv'), '');
    await writeFile(join(directory, 'book.xlsx'), 'PK\u0003\u0004');
    const before = await count();
    expect(await run('import', ...words)).toMatch(told);
    expect(await count()).toBe(before);
  });
});

describe('rows that cannot be used', () => {
  it('wait in quarantine, go to a file with --rejects, exit code 3; and come back in from there', async () => {
    const rows = Array.from({ length: 30 }, (_, at) => [at % 10 === 4 ? 'six' : 1, DAY_13] as const);
    await file('bad.csv', '8', rows);
    expect(await run('import', 'bad.csv', '--rejects', 'r.csv')).toMatchInlineSnapshot(`
      "27 lines of 1 invoice imported in N s

        Revenue   67.50
        Rows      30
        Rejected  3 rows
        Replaced  0 lines by a version that differs
        Import    YYYYMMDD-xxxx
      --
      bad.csv  1.6 kB
        Read as  CSV, comma, dates month first
        Columns  InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country


        bad.csv, row 5
          invalid_quantity: Quantity is "six"; expected a whole number from -10,000,000 to 10,000,000.

        bad.csv, row 15
          invalid_quantity: Quantity is "six"; expected a whole number from -10,000,000 to 10,000,000.

        bad.csv, row 25
          invalid_quantity: Quantity is "six"; expected a whole number from -10,000,000 to 10,000,000.

      All of them are in r.csv, and wait in quarantine.
      Mend them there, and bring them back in: tillstream quarantine redrive --from r.csv
      Give them up, where they are no sales: tillstream quarantine discard --import YYYYMMDD-xxxx
      exit 3"
    `);
    expect(await run('quarantine', 'list', '--store', 'imports', '--limit', '1')).toMatchInlineSnapshot(`
      "  Id                                Since                Tried
        imports-YYYYMMDD-xxxx-0000000005  YYYY-MM-DD HH:MM      1
          invalid_quantity: bad.csv, row 5: Quantity is "six"; expected a whole number from -10,000,000 to
          10,000,000.
      --

        The first 1; more with --limit.
      exit 0"
    `);
    const listed = await runCli(['quarantine', 'list', '--json', '--data-dir', platform.directory]);
    const [first, second]: string[] = JSON.parse(listed.stdout).entries.map(({ id }: { id: string }) => id);
    expect(await run('quarantine', 'show', first ?? '')).toMatchInlineSnapshot(`
      "imports-YYYYMMDD-xxxx-0000000005

        Why          invalid_quantity: bad.csv, row 5: Quantity is "six"; expected a whole number from
                     -10,000,000 to 10,000,000.
        State        waiting, tried 1 time
        Row          5 of bad.csv, from byte 282
        Line         000005 of invoice 8: it keeps this number
        Quarantined  YYYY-MM-DD HH:MM

        As it stands in the file:
        8,MUG,Blue mug,six,12/13/2010 8:26,2.5,17850,France

        Its columns:
        InvoiceNo    8
        StockCode    MUG
        Description  Blue mug
        Quantity     six
        InvoiceDate  12/13/2010 8:26
        UnitPrice    2.5
        CustomerID   17850
        Country      France
      exit 0"
    `);
    expect(await run('quarantine', 'redrive', first ?? '')).toMatchInlineSnapshot(`
      "imports-YYYYMMDD-xxxx-0000000005  waits again: Quantity is "six"; expected a whole number from -10,000,000 to 10,000,000.
      exit 1"
    `);
    expect(await run('quarantine', 'redrive', first ?? '', '--set', 'quantity=2')).toMatch(/redriven\nexit 0$/);

    const mended = (await readFile(join(directory, 'r.csv'), 'utf8')).replaceAll(',six,', ',3,');
    // One of them is not mended; as a spreadsheet saves it.
    const asSaved = mended
      .replace(new RegExp(`,3,(.*${second})`), ',many,$1')
      .replaceAll(',', ';')
      .replaceAll('\n', '\r\n');
    await writeFile(join(directory, 'mended.csv'), `\ufeff${asSaved}`);
    expect(await run('quarantine', 'redrive', '--from', 'mended.csv')).toMatchInlineSnapshot(`
      "2 rows redriven, 1 wait again
      --
        imports-YYYYMMDD-xxxx-0000000015  Quantity is "many"; expected a whole number from -10,000,000
          to 10,000,000.
      exit 1"
    `);
    await writeFile(join(directory, 'mended.csv'), mended);
    expect(await run('quarantine', 'redrive', '--from', 'mended.csv')).toMatch(
      /^3 rows redriven, 0 wait again\nexit 0$/,
    );
    await eventually(async () => {
      const { stdout } = await runCli(['invoice', '8', '--json', '--data-dir', platform.directory]);
      expect(JSON.parse(stdout)).toMatchObject({ lineCount: 30, total: 87.5 });
    });
    const numbers = JSON.parse(
      (await runCli(['invoice', '8', '--json', '--data-dir', platform.directory])).stdout,
    ).lines;
    expect(numbers.map(({ lineId }: { lineId: string }) => Number(lineId))).toEqual(rows.map((_, at) => at + 1));
  });

  it('are written again at any time; what is no such file is refused', async () => {
    const listed = await runCli(['imports', '--json', '--data-dir', platform.directory]);
    const [{ id }] = JSON.parse(listed.stdout).imports;
    const { stdout } = await runCli(['imports', 'rejects', id, '--data-dir', platform.directory]);
    expect(stdout).toBe(await readFile(join(directory, 'r.csv'), 'utf8'));
    expect(await run('imports', 'rejects', id, '--out', 'again.csv')).toBe('exit 0');
    expect(await readFile(join(directory, 'again.csv'), 'utf8')).toBe(stdout);
    expect(await run('quarantine', 'redrive', '--from', 'may.csv')).toMatchInlineSnapshot(`
      "--
      wrong_usage: may.csv is not a file of rejects: its last columns have to be id, row, code, reason.
      Name the file that --rejects or \`tillstream imports rejects\` wrote, with its rows mended.
      exit 2"
    `);
    for (const words of [[], ['x', '--all'], ['--all', '--set', 'a=b'], ['x', '--set', 'b']])
      expect(await run('quarantine', 'redrive', ...words)).toMatch(/wrong_usage.*exit 2$/s);
  });
});

describe('imports', () => {
  it('lists them, newest first', async () => {
    const screen = await run('imports', 'list', '--limit', '3');
    expect(screen.replace(/ {2,}/g, '  ')).toMatchInlineSnapshot(`
      "  Id  When  State  Files  Lines  Rejected  Revenue  Took
        YYYYMMDD-xxxx  YYYY-MM-DD HH:MM  done  bad.csv  27  3  67.50  N s
        YYYYMMDD-xxxx  YYYY-MM-DD HH:MM  done  json.csv  1  0  2.50  N s
        YYYYMMDD-xxxx  YYYY-MM-DD HH:MM  done  stdin  2  0  7.50  N s
      --

        The newest 3; more with --limit.
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
  ): Promise<{ code: number | null; text: string }> {
    const rows = Array.from(
      { length: 150_000 },
      (_, at) => `${1_000_000 + at},MUG,Blue mug,1,${DAY_13},2.5,17850,France\n`,
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
    if (when instanceof RegExp) await eventually(() => expect(text).toMatch(when));
    else await when;
    child.kill('SIGINT');
    const [code] = await once(child, 'close');
    return { code, text };
  }

  it('leaves the import to the platform once the files are there, and says how to go on', async () => {
    const { code, text } = await interrupted(platform.url, /Read as/);
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
