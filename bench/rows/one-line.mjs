// One-line POST, on disk before the answer: Tillstream, bare node:http, Fastify with one PostgreSQL INSERT a request.
import { interleaved } from '../bench.mjs';
import { median, ratioOf } from '../numbers.mjs';
import { judged, measuredSide, rateOf } from '../report.mjs';

const CONNECTIONS = 64;
/** Of the pool: more than the ten of its default, so that commits can share a flush. */
const PG_CONNECTIONS = 32;

export async function oneLine(bench) {
  const load = await bench.generator();
  const platform = await bench.platform();
  const bare = await bench.peer('bare');
  const postgres = await bench.postgres();
  const sides = [
    sideOf('tillstream', platform, load, bench, () => platform.caughtUp()),
    sideOf('bare node:http', bare, load, bench),
  ];
  let inserting = null;
  if (postgres !== null) {
    inserting = await bench.peer('postgres', { connection: postgres.connection, connections: PG_CONNECTIONS });
    // Its work is done in processes of PostgreSQL's: CPU of the peer alone would say little.
    sides.push({ ...sideOf('fastify + PostgreSQL', inserting, load, bench), pid: null });
  }
  const [ours, ...theirs] = await interleaved(bench, sides);
  for (const process of [platform, bare, inserting, postgres]) await process?.end();

  const [toBare, toPostgres] = theirs.map(({ rounds }) => ratioOf(ours.rounds.map(rateOf), rounds.map(rateOf)));
  const p99 = median(ours.rounds.map(({ latencyMs }) => latencyMs.p99));
  return {
    name: 'one-line',
    title: `one-line POST, on disk before the answer, ${CONNECTIONS} connections`,
    unit: 'req/s',
    sides: [ours, ...theirs].map((side) => measuredSide(side)),
    ratios: [
      judged('to bare node:http', toBare, { atLeast: 0.8 }),
      ...(toPostgres === undefined ? [] : [judged('to one PostgreSQL INSERT', toPostgres, { atLeast: 3 })]),
      judged('p99, ms', { value: p99 }, { below: 25 }),
    ],
    notes:
      postgres === null
        ? ['PostgreSQL is not installed here: --install-peers installs it (apt-get install -y postgresql).']
        : [`PostgreSQL ${postgres.version}: fsync and synchronous_commit on, a pool of ${PG_CONNECTIONS}.`],
  };
}

function sideOf(name, { pid, at }, load, bench, rest) {
  let from = 0;
  const measure = async () => {
    const result = await load.call('lines', { at, connections: CONNECTIONS, seconds: bench.seconds, from });
    from += result.requests;
    return result;
  };
  return { name, pid, rest, measure };
}
