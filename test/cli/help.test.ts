// The help screens, as they are read.
import { describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';

const help = async (...commandLine: string[]): Promise<string> => {
  const { code, stdout, stderr } = await runCli([...commandLine, '--help']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
};

const commands = [
  ['up'],
  ['replay'],
  ['import'],
  ['imports', 'list'],
  ['imports', 'show'],
  ['imports', 'answer'],
  ['imports', 'cancel'],
  ['imports', 'rejects'],
  ['generate'],
  ['invoice'],
  ['customer'],
  ['sales'],
  ['products'],
  ['query'],
  ['status'],
  ['verify'],
  ['doctor'],
  ['backup'],
  ['restore'],
  ['quarantine', 'list'],
  ['quarantine', 'show'],
  ['quarantine', 'redrive'],
  ['quarantine', 'discard'],
];

describe('help', () => {
  it.each(commands)(
    'of %s %s: usage, what it does, running it again, examples; at most 100 columns',
    async (...words) => {
      const screen = await help(...words.filter((word) => word !== undefined));
      expect(screen).toMatch(/^Usage: tillstream /);
      expect(screen).toMatch(/\nExamples:\n {2}tillstream /);
      expect(screen.split('\n').filter((line) => line.length > 100)).toEqual([]);
    },
  );

  it('of the program', async () => {
    expect(await help()).toMatchInlineSnapshot(`
      "Usage: tillstream <command> [options]

      The sales-data platform of an online shop: every invoice line kept, once, and shown at once.

      Run:
        up                runs the platform

      Bring sales in:
        replay <csv…>     plays a CSV as live traffic: each row is POSTed as a line
        import <file…>    imports files of any size, round the stream into all stores
        imports           lists imports, shows one, answers or cancels it
        generate          writes sample data as a CSV

      Look things up:
        invoice <no>      shows one invoice with its lines
        customer <id>     shows a customer and the purchase history
        sales             shows sales by hour, day, month or year
        products          shows the most sold products
        query <sql>       runs one SELECT on the warehouse

      Operate:
        status            shows how the platform is
        verify            proves that all stores hold the same lines
        rebuild <store>   builds a store anew, from the lake
        quarantine        lists, shows, redrives or discards what could not be used
        backup <path>     copies everything, while the platform runs
        restore <backup>  makes a data directory from a backup

      Administer:
        keys              makes, lists and revokes API keys
        token <customer>  makes a token that opens one customer's own data
        doctor            finds what is wrong, and says how to mend it

      tillstream <command> --help says more about each, --version which version this is.
      Results go to standard output, everything else to standard error; --json gives results to programs.
      Exit codes: 0 done, 1 failed or stores differ, 2 wrong usage, 3 done with rejects, 130 interrupted.

      Start here:
        tillstream up --sample     a platform with sample data, to try things on
        tillstream up              your own, in ./tillstream-data
      "
    `);
  });
  it('of up', async () => {
    expect(await help('up')).toMatchInlineSnapshot(`
      "Usage: tillstream up [options]

      Runs the platform: accepts invoice lines over HTTP, keeps them, and serves shop and analysts. Ctrl-C
      ends it; nothing accepted is lost.

      Started again on the same data directory, it goes on where it was.

      Options:
        --data-dir <directory>      where everything is kept (default: ./tillstream-data;
                                    ./tillstream-sample for the sample, or $TILLSTREAM_DATA_DIR)
        --host <address>            address to listen on; any but this machine's own needs HTTPS or a
                                    proxy (default: 127.0.0.1, or $TILLSTREAM_HOST)
        --port <port>               port to listen on; 0 takes any that is free (default: 8080, or
                                    $TILLSTREAM_PORT)
        --no-auth                   ask for no key; on this machine's own addresses only (default: keys
                                    are asked for)
        --tls-cert <file>           serve HTTPS with this certificate, PEM (or $TILLSTREAM_TLS_CERT)
        --tls-key <file>            the certificate's key, PEM (or $TILLSTREAM_TLS_KEY)
        --behind-proxy [addresses]  a proxy before it speaks HTTPS; its X-Forwarded headers are believed,
                                    from loopback,linklocal,uniquelocal where the flag names no addresses
                                    (or $TILLSTREAM_BEHIND_PROXY)
        --import-schedule <cron>    when the inbox is looked into for files to import; off: never
                                    (default: every minute, or $TILLSTREAM_IMPORT_SCHEDULE)
        --sample [lines]            play generated lines through HTTP (25,000 of them)
        --exit                      end once all lines are in every store and verify agrees
        --open                      open its documentation in the browser
        --json                      answer as JSON, for machines
        -h, --help                  print this

      Examples:
        tillstream up                                    your own, in ./tillstream-data
        tillstream up --sample                           with sample lines, in ./tillstream-sample
        tillstream up --sample=100000 --exit             a trial: 0 when every store agrees
        tillstream up --data-dir /srv/shop --port 9000

      More settings, by environment variable:
        TILLSTREAM_DATE_ORDER (default: none)
            How dates such as 1/12/2010 are read in files that leave it open; without it, their import
            waits for an answer.
        TILLSTREAM_TIME_ZONE (default: UTC)
            The shop's time zone: dates that come with an offset are converted to its wall clock.
        TILLSTREAM_STREAM_BYTES_MAX (default: 1073741824)
            Records that every store has are removed from the stream beyond this size, even before 24
            hours are over.
        TILLSTREAM_STREAM_HOURS (default: 24)
            How long records that every store has stay on the stream, in hours.
        TILLSTREAM_DISK_RESERVE_BYTES (default: 536870912)
            Space left free on the disk: below it nothing is accepted, so that the stores can take what
            was accepted.
        TILLSTREAM_BODY_BYTES_IN_FLIGHT_MAX (default: 67108864)
            Bodies of requests that are being stored at once; beyond it the sender is asked to wait.
        TILLSTREAM_RATE_LIMIT (default: 0)
            Requests a second that each key, and each customer with a token, may send; 0: as many as they
            like.
        TILLSTREAM_WAREHOUSE_MEMORY_MB (default: 192)
            Memory of the warehouse in megabytes, of which each of its threads takes 24; larger questions
            go by way of the disk.
        TILLSTREAM_ALERT_URL (default: none)
            A webhook that is told, as JSON, when something is wrong and when it is over; Slack shows it
            as well.
        TILLSTREAM_ALERT_QUIET_MINUTES (default: 30)
            Alert when no line has been accepted for so long, after they came steadily for as long. 0:
            never.
        TILLSTREAM_ALERT_LAG_SECONDS (default: 60)
            Alert when a store is behind the stream by more than this, or away, for a minute. 0: never.
        TILLSTREAM_ALERT_QUARANTINE_RECORDS (default: 1)
            Alert when so many records wait in quarantine, and again when as many more do. 0: never.
        TILLSTREAM_ALERT_DISK_FREE_BYTES (default: 2147483648)
            Alert when the disk has less than this free: well before TILLSTREAM_DISK_RESERVE_BYTES. 0:
            never.
        TILLSTREAM_LOG_LEVEL (default: warn)
            What is logged to stderr, as JSON lines.
      "
    `);
  });
  it('of replay', async () => {
    expect(await help('replay')).toMatchInlineSnapshot(`
      "Usage: tillstream replay [options] <csv...>

      The shop's client: reads CSV files (gzipped or not) and POSTs each row as JSON, as tills and web
      shops would. Lines of an invoice stay in order. Exit code 3 when some lines were refused.

      Files without a LineNo column are numbered within each invoice, on across all files of the command:
      name the parts of one export in one command, in their order.

      Lines that are there already count once: run it again in full, or go on with --resume.

      Arguments:
        csv                       files, in this order

      Options:
        --rate <lines>            lines a second at most
        --speed <factor>          in the rhythm of the invoice dates, this much faster
        --batch <lines>           lines a request (default: 1)
        --concurrency <requests>  requests at once (default: 64; 8 with --batch)
        --limit <rows>            stop after this row, counted from the first
        --resume                  go on after the last row that the platform has acknowledged
        --rejects <file>          write refused rows, with the reason, to this file
        --json                    answer as JSON, for machines
        -h, --help                print this

      Reaching the platform:
        --url <url>               where the platform answers (default: the one running here, or
                                  $TILLSTREAM_URL)
        --key <key>               API key, where the platform asks for one (or $TILLSTREAM_KEY)
        --data-dir <directory>    of a platform running here (or $TILLSTREAM_DATA_DIR)

      Examples:
        tillstream replay shop.csv                           as fast as it goes
        tillstream replay shop.csv --speed 3600              an hour of the file a second
        tillstream replay may.csv june.csv.gz --batch 1000   in requests of 1,000
        tillstream replay shop.csv --resume                  after Ctrl-C
      "
    `);
  });
  it('of sales', async () => {
    expect(await help('sales')).toMatchInlineSnapshot(`
      "Usage: tillstream sales [options]

      Shows sales by hour, day, month or year: revenue net of cancellations, orders, units, customers.

      Reads only: run it as often as you like.

      Options:
        --by <period>           length of a period: hour, day, month or year (default: month)
        --from <date>           first moment, inclusive, e.g. 2011-01-01
        --to <date>             end, exclusive
        --country <name>        of one country only
        --json                  answer as JSON, for machines
        -h, --help              print this

      Reaching the platform:
        --url <url>             where the platform answers (default: the one running here, or
                                $TILLSTREAM_URL)
        --key <key>             API key, where the platform asks for one (or $TILLSTREAM_KEY)
        --data-dir <directory>  of a platform running here (or $TILLSTREAM_DATA_DIR)

      Examples:
        tillstream sales                           month by month
        tillstream sales --by day --from 2011-11-01 --to 2011-12-01
            the days of a month
        tillstream sales --by hour --from 2011-11-11 --to 2011-11-12
            the hours of a day
        tillstream sales --country France --json   for a program
      "
    `);
  });
  it('of doctor', async () => {
    expect(await help('doctor')).toMatchInlineSnapshot(`
      "Usage: tillstream doctor [options]

      Checks Node.js, machine, settings, data directory, disk, clock, port and stores; and, of a platform
      that runs, whether it answers, keeps up and agrees. Give it the options and variables that up gets.
      Exit code 1 when a check failed.

      Changes nothing: run it as often as you like, before the first start, while it runs, and when it
      does not start.

      Options:
        --data-dir <directory>      where everything is kept (default: ./tillstream-data;
                                    ./tillstream-sample for the sample, or $TILLSTREAM_DATA_DIR)
        --host <address>            address to listen on; any but this machine's own needs HTTPS or a
                                    proxy (default: 127.0.0.1, or $TILLSTREAM_HOST)
        --port <port>               port to listen on; 0 takes any that is free (default: 8080, or
                                    $TILLSTREAM_PORT)
        --no-auth                   ask for no key; on this machine's own addresses only (default: keys
                                    are asked for)
        --tls-cert <file>           serve HTTPS with this certificate, PEM (or $TILLSTREAM_TLS_CERT)
        --tls-key <file>            the certificate's key, PEM (or $TILLSTREAM_TLS_KEY)
        --behind-proxy [addresses]  a proxy before it speaks HTTPS; its X-Forwarded headers are believed,
                                    from loopback,linklocal,uniquelocal where the flag names no addresses
                                    (or $TILLSTREAM_BEHIND_PROXY)
        --import-schedule <cron>    when the inbox is looked into for files to import; off: never
                                    (default: every minute, or $TILLSTREAM_IMPORT_SCHEDULE)
        --quick                     leave out verify, which reads everything that is stored
        --json                      answer as JSON, for machines
        -h, --help                  print this

      Examples:
        tillstream doctor
        tillstream doctor --quick                       without comparing the stores
        tillstream doctor --data-dir /srv/shop --json   for a program
      "
    `);
  });
  it('of quarantine', async () => {
    expect(await help('quarantine')).toMatchInlineSnapshot(`
      "Usage: tillstream quarantine [options] [command]

      Records that a store could not use, and rows of imported files that are no lines, wait in
      quarantine, whole, with the reason; the shop goes on without them. Fix the cause, then redrive them;
      or discard what is not worth keeping in that store (the lake keeps it, if it could use it).

      Options:
        -h, --help     print this

      Commands:
        list           lists what waits
        show <id>      shows one record whole, with the reason
        redrive [id…]  brings records back in, once the cause is fixed
        discard [id…]  gives records up for a store
      "
    `);
  });

  it('comes unasked, on stderr and with 2, where no command is named', async () => {
    const { code, stdout, stderr } = await runCli([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^Usage: tillstream <command>/);
  });

  it('names npx where npm started the program: in a clone there is no other way', async () => {
    const { stdout } = await runCli(['invoice', '--help'], { env: { npm_command: 'exec' } });
    expect(stdout).toContain('\n  npx tillstream invoice 536365\n');
  });
});
