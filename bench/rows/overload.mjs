// Ever more clients than it can serve, none of which waits when it is told to: what is accepted, how fast, with how much
// memory; and the same again once they have gone.
import { memoryBytes } from '../children.mjs';
import { judged } from '../report.mjs';

const CLIENTS = 64;
/** So many lines fill the caches of the stores: what memory grows by afterwards is the flood's. */
const FILLING = 1_500_000;
const LINES_EACH = 1000;
/** The second flood shows whether the first one's memory was growth, or room that is used again. */
const TIMES = [1, 10, 100, 1, 100, 1];

export async function overload(bench) {
  const load = await bench.generator();
  const platform = await bench.platform();
  const bodies = { at: platform.at, connections: 4, count: FILLING / LINES_EACH, linesEach: LINES_EACH, from: 0 };
  await load.call('bodies', bodies);
  await platform.caughtUp();
  let from = FILLING;
  const phase = async (connections, seconds) => {
    const result = await load.call('flood', { at: platform.at, connections, seconds, from });
    from += result.requests + result.refused;
    return result;
  };
  await phase(CLIENTS, 3 * bench.seconds); // until all of it is compiled
  const phases = [];
  for (const [index, times] of TIMES.entries()) {
    const connections = CLIENTS * times;
    const { requests, refused, seconds, latencyMs } = await phase(connections, 2 * bench.seconds);
    phases.push({
      name: `${connections.toLocaleString('en-US')} clients${index === TIMES.length - 1 ? ', afterwards' : ''}`,
      offered: (requests + refused) / seconds,
      accepted: requests / seconds,
      refused: refused / seconds,
      latencyMs,
      memoryBytes: memoryBytes(platform.pid),
    });
  }
  const caughtUpMs = await platform.caughtUp();
  await platform.end();
  const [before, ten, hundred, between, , after] = phases;
  return {
    name: 'overload',
    title: 'one-line POST under overload: clients that send again at once whatever they are told',
    phases,
    ratios: [
      judged(
        'accepted under ten times the clients, to before',
        { value: ten.accepted / before.accepted },
        { atLeast: 0.7 },
      ),
      judged(
        'accepted under a hundred times, to before',
        { value: hundred.accepted / before.accepted },
        { atLeast: 0.5 },
      ),
      judged('p99 under ten times the clients, ms', { value: ten.latencyMs.p99 }, { below: 250 }),
      judged('accepted afterwards, to before', { value: after.accepted / before.accepted }, { atLeast: 0.8 }),
      judged('p99 afterwards, to before', { value: after.latencyMs.p99 / before.latencyMs.p99 }, { below: 2 }),
      judged(
        'memory after two floods, to after one',
        { value: after.memoryBytes / between.memoryBytes },
        { below: 1.15 },
      ),
    ],
    notes: [`All stores had all lines ${Math.round(caughtUpMs)} ms after the end.`],
  };
}
