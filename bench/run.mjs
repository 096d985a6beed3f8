// `npm run bench [-- row…]`: Tillstream beside what it is measured against, on this machine, in one run, as ratios.
//
// Everything is on loopback and in fresh temporary directories. Machines are noisy: sides take turns, a ratio is the
// median of the rounds' ratios, and its range is printed. Exit code: 0 when it could measure, budgets met or not.
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { openBench } from './bench.mjs';
import { printed } from './report.mjs';
import { analytics } from './rows/analytics.mjs';
import { bulkImport } from './rows/bulk-import.mjs';
import { disk } from './rows/disk.mjs';
import { freshness } from './rows/freshness.mjs';
import { importLive } from './rows/import-live.mjs';
import { importSize } from './rows/import-size.mjs';
import { lookUp } from './rows/look-up.mjs';
import { ndjson } from './rows/ndjson.mjs';
import { oneLine } from './rows/one-line.mjs';
import { overload } from './rows/overload.mjs';
import { rebuild } from './rows/rebuild.mjs';

const rows = {
  disk,
  'one-line': oneLine,
  ndjson,
  freshness,
  'look-up': lookUp,
  analytics,
  overload,
  'bulk-import': bulkImport,
  'import-size': importSize,
  'import-live': importLive,
  rebuild,
};

const HELP = `Usage: npm run bench [-- options row…]

Rows, all of them when none is named:

  disk              what the disk allows: fdatasync, commits of LMDB
  one-line          one-line POST, against bare node:http and one PostgreSQL INSERT a request
  ndjson            NDJSON POST of 1,000 lines, against bare parsing
  freshness         how soon an answered line is visible, at 5,000 lines/s
  look-up           GET /v1/invoices/{no}, against Fastify that answers from a Map
  analytics         questions of the dashboard
  overload          clients that do not wait when they are told to
  bulk-import       import of the data, against DuckDB's read_csv and PostgreSQL's \\copy
  import-size       import of 0.5 and 5 million generated lines: cost of a line, memory
  import-live       one-line POST while 5 million lines are imported
  rebuild           orders and warehouse from the lake, beside the import itself

  --seconds <n>     length of a round (default: 2.5)
  --rounds <n>      rounds of every side (default: 5)
  --seed <n>        of generated lines and random order (default: 1)
  --large           import-size also with 50 million lines: 30 GB of disk, minutes a round
  --json            one JSON document on stdout
  --install-peers   install PostgreSQL with apt-get where it is missing
  --profile <dir>   write CPU profiles of Tillstream's threads there

Lines are those of the data set that TILLSTREAM_TEST_DATASET names, else generated.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '2.5' },
    rounds: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    large: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'install-peers': { type: 'boolean', default: false },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const [seconds, rounds, seed] = [values.seconds, values.rounds, values.seed].map(Number);
const unknown = positionals.filter((name) => !(name in rows));
const wrong = !(seconds > 0) || !(rounds >= 1 && Number.isInteger(rounds)) || !(seed >= 0 && Number.isInteger(seed));
if (values.help || wrong || unknown.length > 0) {
  if (unknown.length > 0) console.error(`There is no row ${unknown.join(', ')}.\n`);
  (values.help ? console.log : console.error)(HELP);
  process.exit(values.help ? 0 : 2);
}

/** Progress, on a terminal only: one line that is written over. */
const say = (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`);
const bench = await openBench({
  seconds,
  rounds,
  seed,
  large: values.large,
  profile: values.profile,
  installPeers: values['install-peers'],
  say,
});
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    interrupted = true;
    void bench.close().finally(() => process.exit(130));
  });
}

const startMs = Date.now();
const results = [];
try {
  for (const name of positionals.length > 0 ? positionals : Object.keys(rows)) {
    say(`${name} …`);
    const row = await rows[name](bench);
    results.push(row);
    say('');
    if (!values.json) console.log(printed(row));
  }
} catch (error) {
  if (!interrupted) {
    console.error(error);
    process.exitCode = 1;
  }
} finally {
  if (!interrupted) await bench.close();
}

if (interrupted) await new Promise(() => {}); // ends with the processes
const processor = cpus()[0]?.model ?? 'unknown';
const about = {
  node: process.version,
  cpus: cpus().length,
  processor,
  lines: bench.from,
  seed,
  rounds,
  secondsARound: seconds,
  tookSeconds: Math.round((Date.now() - startMs) / 1000),
};
if (values.json) console.log(JSON.stringify({ ...about, rows: results }, null, 2));
else {
  console.log(
    `${about.cpus} × ${processor}, Node ${about.node}; seed ${seed}; lines: ${about.lines ?? 'none needed'}; ` +
      `${rounds} rounds of ${seconds} s, ratios are medians of pairs (least to greatest); took ${about.tookSeconds} s.`,
  );
}
