// Live traffic while a large file is imported: one-line POSTs at a steady rate, before and meanwhile, and how soon an
// answered one is visible.
import { setTimeout as pause } from 'node:timers/promises';
import { importFile, platformForImports } from '../imports.mjs';
import { probeInvoices } from '../probes.mjs';
import { judged } from '../report.mjs';

const FILE_LINES = 5_000_000;
const LINES_A_SECOND = 200;
/** A pause of the platform must not slow down what is sent. */
const CONNECTIONS = 64;
const WARM_UP_SECONDS = 3;
/** A round of the other rows, so many times. */
const ROUNDS_LONG = 4;
/** Longer than the import takes, whose end ends it. */
const SECONDS_MAX = 600;
/** Until all requests are made, and the load runs. */
const LOAD_STARTS_MS = 1000;
const PROBES_FROM = 80_000_000;

export async function importLive(bench) {
  const load = await bench.generator();
  const file = await bench.generatedFile(FILE_LINES);
  const platform = await platformForImports(bench);
  const { at } = platform;
  // Renumbered: a line that the file has too would be a question for the owner.
  let from = bench.lines.count;
  let probes = PROBES_FROM;
  const phase = async (seconds, meanwhile) => {
    const probing = { load: true };
    const [sent, visible, done] = await Promise.all([
      load.call('paced', { at, connections: CONNECTIONS, seconds, rate: LINES_A_SECOND, from }).finally(() => {
        probing.load = false;
      }),
      probeInvoices(at, probing, bench.seed, probes),
      meanwhile?.().finally(() => load.call('stop')),
    ]);
    from += sent.requests;
    probes += visible.count;
    return { sent, visible, done };
  };
  await phase(WARM_UP_SECONDS);
  const before = await phase(bench.seconds * ROUNDS_LONG);
  bench.say('import-live: importing');
  const during = await phase(SECONDS_MAX, async () => {
    await pause(LOAD_STARTS_MS);
    return importFile(platform, file);
  });
  await platform.end();
  const { lines, seconds } = during.done;
  const rate = Math.round(lines / seconds).toLocaleString('en-US');
  return {
    name: 'import-live',
    title: `one-line POST at ${LINES_A_SECOND} lines/s, before and during the import of ${FILE_LINES / 1e6} million lines`,
    latencies: [
      { name: 'before: POST, due → answered', ...before.sent.latencyMs },
      { name: 'before: answered → GET /v1/invoices/{no}', ...before.visible },
      { name: 'during: POST, due → answered', ...during.sent.latencyMs },
      { name: 'during: answered → GET /v1/invoices/{no}', ...during.visible },
    ],
    ratios: [
      judged('p99 during the import, ms', { value: during.sent.latencyMs.p99 }, { below: 100 }),
      judged('p99 to the invoice meanwhile, ms', { value: during.visible.p99 }, null),
    ],
    notes: [`The import took ${seconds.toFixed(1)} s meanwhile: ${rate} lines/s.`],
  };
}
