// NDJSON POST of 1,000 lines: Tillstream, on disk before the answer, against bare parsing of the same bodies.
import { interleaved } from '../bench.mjs';
import { ratioOf } from '../numbers.mjs';
import { judged, measuredSide, rateOf } from '../report.mjs';

const LINES_EACH = 1000;
const CONNECTIONS = 8;
/** Bodies in a round, for each of its seconds. */
const BODIES_A_SECOND = 100;

export async function ndjson(bench) {
  const load = await bench.generator();
  const platform = await bench.platform();
  const bare = await bench.peer('bare');
  const sides = [
    sideOf('tillstream', platform, load, bench, () => platform.caughtUp()),
    sideOf('bare parsing', bare, load, bench),
  ];
  const [ours, theirs] = await interleaved(bench, sides);
  await platform.end();
  await bare.end();

  const restSeconds = Math.max(...ours.rounds.map(({ restMs }) => restMs)) / 1000;
  return {
    name: 'ndjson',
    title: `NDJSON POST, ${LINES_EACH.toLocaleString('en-US')} lines a request, ${CONNECTIONS} connections`,
    unit: 'lines/s',
    sides: [ours, theirs].map((side) => measuredSide(side, LINES_EACH)),
    ratios: [judged('to bare parsing', ratioOf(ours.rounds.map(rateOf), theirs.rounds.map(rateOf)), { atLeast: 0.5 })],
    notes: [
      `A round is ${bodiesOf(bench)} bodies, or ${bench.seconds} s; then every store had all lines within ${restSeconds.toFixed(1)} s.`,
    ],
  };
}

function bodiesOf(bench) {
  return Math.max(1, Math.round(bench.seconds * BODIES_A_SECOND));
}

function sideOf(name, { pid, at }, load, bench, rest) {
  let from = 0;
  const measure = async () => {
    const count = bodiesOf(bench);
    const { seconds } = bench;
    const sent = { at, connections: CONNECTIONS, count, linesEach: LINES_EACH, from, seconds };
    const result = await load.call('bodies', sent);
    from += count * LINES_EACH;
    return result;
  };
  return { name, pid, rest, measure };
}
