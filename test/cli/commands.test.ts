// The commands on a running platform: screens as a person sees them, and the same for programs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliRun, cliEnvironment, cliPath, PROGRESS, runCli } from '../support/cli.ts';
import { endPlatforms, freshDirectory, type Platform, startPlatform } from '../support/platform.ts';

const CSV = `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,12/1/2010 8:26,2.55,17850,United Kingdom
536365,71053,WHITE METAL LANTERN,6,12/1/2010 8:26,3.39,17850,United Kingdom
536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,12/1/2010 8:26,2.55,17850,United Kingdom
536370,22728,ALARM CLOCK BAKELIKE PINK,24,12/1/2010 8:45,3.75,12583,France
536414,22139,,56,12/1/2010 11:52,0,,United Kingdom
C536379,85123A,WHITE HANGING HEART T-LIGHT HOLDER,-2,12/2/2010 9:41,2.55,17850,United Kingdom
537001,22728,ALARM CLOCK BAKELIKE PINK,1000,12/3/2010 10:00,3.7525,12583,France
`;
const BROKEN = `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
538001,22728,ALARM CLOCK BAKELIKE PINK,lots,12/4/2010 10:00,3.75,12583,France
538001,22728,ALARM CLOCK BAKELIKE PINK,1,13/25/2010 8:26,3.75,12583,France
`;

let directory: string;
let up: Platform;
let replayed: CliRun;

const run = (...commandLine: string[]): Promise<CliRun> => runCli(commandLine, { cwd: directory });
const shown = async (...commandLine: string[]): Promise<string> => {
  const { code, stdout, stderr } = await run(...commandLine);
  return `${stdout}${stderr}exit ${code}`;
};

beforeAll(async () => {
  directory = await freshDirectory('commands');
  await writeFile(join(directory, 'shop.csv'), CSV);
  await writeFile(join(directory, 'broken.csv'), BROKEN);
  // In the default place, so that the commands find it without being told.
  up = await startPlatform(join(directory, 'tillstream-data'));
  replayed = await run('replay', 'shop.csv');
  await run('verify');
});

afterAll(endPlatforms);

/** Figures that differ from run to run. */
const steady = (text: string): string =>
  text
    .replaceAll(directory, '…')
    .replaceAll(up.url, 'http://127.0.0.1:8080')
    .replace(/(?: *\b\d[\d.,]* (?:ms|s|min|B|kB|MB|GB)\b)+/g, ' #')
    .replace(/\d[\d.,]* lines\/s/g, '# lines/s');

describe('replay', () => {
  it('says what became of the rows', () => {
    expect(replayed.code).toBe(0);
    expect(steady(replayed.stdout)).toMatchInlineSnapshot(`
      "7 lines accepted in #: # lines/s

        Refused  0 lines
        Answers  p50 #, p99 #, longest #
      "
    `);
    expect(replayed.stderr).toMatch(PROGRESS);
  });

  it('says so when there is nothing to send', async () => {
    await writeFile(join(directory, 'empty.csv'), CSV.slice(0, CSV.indexOf('\n') + 1));
    expect(await shown('replay', 'empty.csv')).toMatchInlineSnapshot(`
      "Nothing was sent: there are no rows below the header.
      exit 0"
    `);
  });

  it('ends with 3 when rows were refused, and shows why', async () => {
    const { code, stdout, stderr } = await run('replay', 'broken.csv', '--rejects', 'rejects.csv');
    expect(steady(stdout)).toMatchInlineSnapshot(`
      "0 lines accepted in #: # lines/s

        Refused  2 lines
        Answers  p50 #, p99 #, longest #
      "
    `);
    expect(stderr).toMatchInlineSnapshot(`
      "
        broken.csv, row 1
          invalid_quantity: Quantity is "lots"; expected a whole number from -10,000,000 to 10,000,000.

        broken.csv, row 2
          invalid_date: InvoiceDate is "13/25/2010 8:26"; expected M/D/YYYY H:MM or ISO 8601
          (YYYY-MM-DDTHH:MM:SS), from 1900 to 2099.

      All of them are in rejects.csv.
      "
    `);
    expect(code).toBe(3);
  });

  it('refuses, before anything is sent, a file that is not there or is no CSV', async () => {
    await writeFile(join(directory, 'notes.csv'), 'shopping list\nmilk\n');
    expect(steady(await shown('replay', 'shop.csv', 'nothere.csv'))).toMatchInlineSnapshot(`
      "file_not_found: There is no file nothere.csv.
      Check the path.
      exit 2"
    `);
    expect(steady(await shown('replay', 'notes.csv'))).toMatchInlineSnapshot(`
      "not_a_csv: notes.csv begins "shopping list"; expected a header with columns separated by comma, semicolon or tab.
      exit 2"
    `);
  });
});

describe('look-ups', () => {
  it('invoice', async () => {
    expect(await shown('invoice', '536365')).toMatchInlineSnapshot(`
      "Invoice 536365  2010-12-01 08:26 · customer 17850 · United Kingdom

        Product  Description                         Quantity  Price  Amount
        85123A   WHITE HANGING HEART T-LIGHT HOLDER         6   2.55   15.30
        71053    WHITE METAL LANTERN                        6   3.39   20.34
        85123A   WHITE HANGING HEART T-LIGHT HOLDER         6   2.55   15.30

                 3 lines                                   18          50.94
      exit 0"
    `);
  });
  it('invoice of a guest, and one that is not there', async () => {
    expect(await shown('invoice', '536414')).toMatchInlineSnapshot(`
      "Invoice 536414  2010-12-01 11:52 · guest · United Kingdom

        Product  Description  Quantity  Price  Amount
        22139                       56   0.00    0.00

                 1 line             56           0.00
      exit 0"
    `);
    expect(await shown('invoice', '1')).toMatchInlineSnapshot(`
      "not_found: There is no invoice 1.
      exit 1"
    `);
  });
  it('customer', async () => {
    expect(await shown('customer', '17850')).toMatchInlineSnapshot(`
      "Customer 17850  United Kingdom

        Spent           45.84
        Invoices        1
        Cancellations   1
        First purchase  2010-12-01 08:26
        Last purchase   2010-12-01 08:26

        Date              Invoice  Lines  Total
        2010-12-02 09:41  C536379      1  -5.10  cancellation
        2010-12-01 08:26  536365       3  50.94
      exit 0"
    `);
    expect(await shown('customer', '12583', '--limit', '1')).toMatchInlineSnapshot(`
      "Customer 12583  France

        Spent           3,842.50
        Invoices        2
        Cancellations   0
        First purchase  2010-12-01 08:45
        Last purchase   2010-12-03 10:00

        Date              Invoice  Lines     Total
        2010-12-03 10:00  537001       1  3,752.50

        The newest 1; more with --limit 10.
      exit 0"
    `);
  });
  it('sales', async () => {
    expect(await shown('sales', '--by', 'day')).toMatchInlineSnapshot(`
      "  Day              Revenue  Cancelled  Orders  Units  Customers
        2010-12-01 Wed    140.94       0.00       3     98          2  █▎
        2010-12-02 Thu     -5.10      -5.10       0     -2          1
        2010-12-03 Fri  3,752.50       0.00       1  1,000          1  ████████████████████████████████

        3 days          3,888.34      -5.10       4  1,096          2
        on average      1,296.11      -1.70       1    365          1
      exit 0"
    `);
    expect(await shown('sales', '--from', '2012')).toMatchInlineSnapshot(`
      "No sales in that time.
      exit 0"
    `);
    expect(await shown('sales', '--country', 'Narnia')).toMatchInlineSnapshot(`
      "No sales in Narnia yet.
      Countries are spelt as in the data: tillstream query "SELECT DISTINCT country FROM sales"
      exit 0"
    `);
    expect(await shown('sales', '--country', 'Narnia', '--to', '2012')).toContain('No sales in Narnia in that time.');
  });
  it('products', async () => {
    expect(await shown('products', '--limit', '2')).toMatchInlineSnapshot(`
      "     Product  Description                Units  Orders   Revenue
        1  22728    ALARM CLOCK BAKELIKE PINK  1,024       2  3,842.50
        2  22139                                  56       1      0.00
      exit 0"
    `);
    expect(await shown('products', '--by', 'day', '--limit', '1', '--rank', 'revenue')).toMatchInlineSnapshot(`
      "  Day                Product  Description                         Units  Orders   Revenue
        2010-12-01 Wed  1  22728    ALARM CLOCK BAKELIKE PINK              24       1     90.00
        2010-12-02 Thu  1  85123A   WHITE HANGING HEART T-LIGHT HOLDER     -2       0     -5.10
        2010-12-03 Fri  1  22728    ALARM CLOCK BAKELIKE PINK           1,000       1  3,752.50
      exit 0"
    `);
  });
  it('query', async () => {
    const sql = 'SELECT country, count(*) AS lines, sum(amount) AS amount FROM sales GROUP BY 1 ORDER BY 1';
    expect(await shown('query', sql)).toMatchInlineSnapshot(`
      "  country         lines     amount
        France              2  3842.5000
        United Kingdom      5    45.8400

        2 rows
      exit 0"
    `);
    const { stdout } = await runCli(['query', '-', '--json'], { cwd: directory, input: 'SELECT 1 AS one' });
    expect(JSON.parse(stdout)).toMatchObject({ rows: [[1]], truncated: false });
    expect(await shown('query', 'DROP TABLE sales')).toMatch(/^invalid_sql: .*exit 1$/s);
  });
  it.each([
    ['invoice', '536365'],
    ['customer', '17850'],
    ['sales', ''],
    ['products', ''],
    ['status', ''],
    ['verify', ''],
    ['quarantine', 'list'],
  ])('%s %s --json is JSON and nothing else', async (...words) => {
    const { code, stdout, stderr } = await run(...words.filter((word) => word !== ''), '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toBeTypeOf('object');
  });
});

describe('operating', () => {
  it('status', async () => {
    expect(steady(await shown('status'))).toMatchInlineSnapshot(`
      "Tillstream 0.1.0 at http://127.0.0.1:8080, up #, accepting

        Accepted    7 lines in 9 requests since the start, # lines/s now
        Replaced    0 lines by a version that differs
        Stream      7 records, # of #
        Quarantine  nothing waits
        Disk # free; stops accepting at #
        Data        …/tillstream-data
        Time zone   UTC

        Store      State       Behind  For  Visible after
        lake       running  0 records    - #
        orders     running  0 records    - #
        warehouse  running  0 records    - #
      exit 0"
    `);
  });
  it('status --watch shows it again every second, until Ctrl-C', async () => {
    const child = spawn(process.execPath, [cliPath, 'status', '--watch', '--json', '--url', up.url], {
      env: cliEnvironment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    const closed = once(child, 'close');
    await expect.poll(() => output.split('\n').length).toBeGreaterThan(2);
    child.kill('SIGINT');
    expect(await closed).toEqual([0, null]);
    for (const line of output.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('consumers');
  });
  it('verify', async () => {
    expect(steady(await shown('verify'))).toMatchInlineSnapshot(`
      "  Store      Lines  Invoices   Revenue  Agrees
        lake           7         5  3,888.34  yes
        orders         7         5  3,888.34  yes
        warehouse      7         5  3,888.34  yes

      All stores agree. Compared in #.
      exit 0"
    `);
  });
  it('quarantine, when nothing waits', async () => {
    expect(await shown('quarantine', 'list')).toMatchInlineSnapshot(`
      "Nothing waits in quarantine.
      exit 0"
    `);
    expect(await shown('quarantine', 'redrive', '--all')).toMatchInlineSnapshot(`
      "Nothing waits in quarantine.
      exit 0"
    `);
    expect(await shown('quarantine', 'discard', 'orders-1')).toMatchInlineSnapshot(`
      "not_found: There is nothing in quarantine under orders-1.
      exit 1"
    `);
  });
});

describe('up', () => {
  it('refuses a data directory that is in use, and a port that is taken, with the way out', async () => {
    const port = new URL(up.url).port;
    expect(steady(await shown('up', '--port', '0')).replace(/process \d+/, 'process #')).toMatchInlineSnapshot(`
      "directory_locked: …/tillstream-data is in use by another platform (process #).
      End that one first (Ctrl-C), or choose another directory with --data-dir.
      exit 2"
    `);
    expect(
      steady(await shown('up', '--port', port, '--data-dir', 'other')).replaceAll(port, '8080'),
    ).toMatchInlineSnapshot(`
      "port_taken: Port 8080 of 127.0.0.1 is taken by another program.
      Choose another with --port, or --port 0 for any that is free.
      exit 2"
    `);
  });

  it('refuses a data directory of a newer version, one that is none, and one that cannot be', async () => {
    await mkdir(join(directory, 'newer'));
    await writeFile(join(directory, 'newer', 'version.json'), '{"format": 999}');
    expect(steady(await shown('up', '--data-dir', 'newer'))).toMatchInlineSnapshot(`
      "directory_too_new: …/newer has format 999; this version reads up to 1.
      Run the version of Tillstream that wrote it, or a newer one.
      exit 2"
    `);
    await mkdir(join(directory, 'photos'));
    await writeFile(join(directory, 'photos', 'cat.jpg'), '');
    expect(steady(await shown('up', '--data-dir', 'photos'))).toMatchInlineSnapshot(`
      "directory_foreign: …/photos holds files, but is not a data directory of Tillstream.
      Choose an empty or new directory with --data-dir.
      exit 2"
    `);
    expect(steady(await shown('up', '--port', '0', '--data-dir', 'shop.csv/data'))).toMatchInlineSnapshot(`
      "directory_not_writable: The data directory …/shop.csv/data cannot be written: ENOTDIR: not a directory, mkdir '…/shop.csv/data'.
      Give this user the right to write there, or choose another directory with --data-dir.
      exit 2"
    `);
  });

  it('refuses a setting that is none', async () => {
    const { code, stderr } = await runCli(['up'], { cwd: directory, env: { TILLSTREAM_TIME_ZONE: 'Mars/Olympus' } });
    expect(`${stderr}exit ${code}`).toMatchInlineSnapshot(`
      "wrong_usage: TILLSTREAM_TIME_ZONE is "Mars/Olympus"; expected an IANA time zone such as Europe/London.
      \`tillstream up --help\` shows all settings.
      exit 2"
    `);
  });

  it('refuses to play sample lines into the data directory of a shop', async () => {
    expect(steady(await shown('up', '--sample', '--data-dir', 'tillstream-data'))).toMatchInlineSnapshot(`
      "wrong_usage: …/tillstream-data is not a sample's: sample lines would mix with the shop's own.
      Leave --data-dir out, or name a new directory.
      exit 2"
    `);
  });

  it('refuses an address that others can reach', async () => {
    expect(steady(await shown('up', '--host', '0.0.0.0', '--data-dir', 'other'))).toMatchInlineSnapshot(`
      "address_not_allowed: --host is "0.0.0.0"; keys and customers' data would travel there unencrypted.
      Add --tls-cert and --tls-key, or --behind-proxy where a proxy before it speaks HTTPS.
      exit 2"
    `);
  });
});
