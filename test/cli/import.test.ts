// `tillstream import`, on a running platform: as in a script, where nobody can be asked.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { endPlatforms, type Platform } from '../support/platform.ts';
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
