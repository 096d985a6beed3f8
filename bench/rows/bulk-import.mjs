// Bulk import of the data into lake, orders and warehouse: against plain DuckDB, and against \copy into PostgreSQL.
//
// Every round is an import into nothing: a fresh platform, a fresh DuckDB file in a fresh process, a new table. Timed are
// the import from its request until it is done, and the statements alone.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { interleaved } from '../bench.mjs';
import { startChild } from '../children.mjs';
import { importFresh, sameTotals } from '../imports.mjs';
import { ratioOf } from '../numbers.mjs';
import { judged, measuredLoad } from '../report.mjs';

/** What is read is then in the page cache, for all sides; more would not be used again. */
const WARM_UP_ROUNDS = 1;
const COLUMNS = 'invoice_no, stock_code, description, quantity, invoice_date, unit_price, customer_id, country';

export async function bulkImport(bench) {
  const file = await bench.dataFile();
  const postgres = await bench.postgres();
  const sides = [
    { name: 'tillstream', measure: () => importFresh(bench, file) },
    { name: 'DuckDB, read_csv', measure: () => plainImport(bench, file) },
    ...(postgres === null ? [] : [{ name: 'PostgreSQL, \\copy', measure: () => copy(postgres, file) }]),
  ];
  const measured = await interleaved(bench, sides, WARM_UP_ROUNDS);
  await postgres?.end();
  sameTotals(measured.flatMap(({ side, rounds }) => rounds.map((round) => ({ name: side.name, ...round }))));

  const [ours, plain, copied] = measured.map(({ rounds }) => rounds);
  const seconds = (rounds) => rounds.map((round) => round.seconds);
  const cpu = (rounds) => rounds.map((round) => round.cpuSeconds);
  return {
    name: 'bulk-import',
    title: `bulk import of ${ours[0].lines.toLocaleString('en-US')} lines, into all stores`,
    loads: measured.map(({ side, rounds }) => measuredLoad(side.name, rounds)),
    ratios: [
      judged('seconds, to plain DuckDB', ratioOf(seconds(ours), seconds(plain)), { below: 3.5 }),
      ...(copied === undefined
        ? []
        : [judged('seconds, to \\copy into PostgreSQL', ratioOf(seconds(ours), seconds(copied)), { below: 1 })]),
      judged('CPU, to plain DuckDB', ratioOf(cpu(ours), cpu(plain)), null),
    ],
    notes:
      postgres === null
        ? ['PostgreSQL is not installed here: --install-peers installs it (apt-get install -y postgresql).']
        : [`PostgreSQL ${postgres.version}: a primary key, an index on the customer; its CPU is not measured.`],
  };
}

async function plainImport(bench, file) {
  const child = startChild('plain-import.mjs');
  const database = join(bench.directory, 'plain.duckdb');
  try {
    return await child.call('import', { file, database });
  } finally {
    await child.end();
    rmSync(database, { force: true });
  }
}

async function copy({ connection, psql }, file) {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    await client.query(`
      DROP TABLE IF EXISTS sales;
      CREATE TABLE sales (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, invoice_no text NOT NULL, stock_code text NOT NULL,
        description text, quantity integer NOT NULL, invoice_date timestamp NOT NULL, unit_price numeric(12, 4) NOT NULL,
        customer_id text, country text NOT NULL
      );
      CREATE INDEX ON sales (customer_id);`);
    await client.query('CHECKPOINT'); // what the round before left is not this one's
    const seconds = psqlSeconds(psql, connection, file);
    const { rows } = await client.query('SELECT count(*) AS lines, sum(quantity * unit_price) AS revenue FROM sales');
    return { lines: Number(rows[0].lines), revenue: Number(rows[0].revenue), seconds, cpuSeconds: Number.NaN };
  } finally {
    await client.end();
  }
}

/** As psql itself times the statement. */
function psqlSeconds(psql, { host, user, database }, file) {
  const copying = `\\copy sales (${COLUMNS}) FROM '${file}' WITH (FORMAT csv, HEADER, ENCODING 'LATIN1')`;
  const { status, stdout, stderr } = spawnSync(
    psql,
    ['-X', '-h', host, '-U', user, '-d', database, '-c', '\\timing on', '-c', copying],
    { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C', PGDATESTYLE: 'ISO, MDY' } },
  );
  const took = /^Time: ([\d.]+) ms/m.exec(stdout ?? '');
  if (status !== 0 || took === null) throw new Error(`psql ended with ${status}: ${stdout}${stderr}`);
  return Number(took[1]) / 1000;
}
