// How soon an answered POST is visible: by GET /v1/invoices/… and in the warehouse, at 5,000 lines/s, one a request.
//
// See probes.mjs. The looks themselves, also those into the warehouse (every WAREHOUSE_LOOK_MS), are the resolution, and
// part of the load.
import { setTimeout as pause } from 'node:timers/promises';
import { latencies, randomFrom } from '../numbers.mjs';
import { PROBE_PAUSE_MS, postProbe, probeInvoices, VISIBLE_MS_MAX } from '../probes.mjs';
import { judged } from '../report.mjs';
import { Asker } from '../wire.mjs';

const LINES_A_SECOND = 5000;
const CONNECTIONS = 64;
/** A round of the other rows, so many times. */
const ROUNDS_LONG = 4;
const WARM_UP_SECONDS = 1;
const WAREHOUSE_LOOK_MS = 20;
const INVOICES_FROM = 80_000_000;
const WAREHOUSE_FROM = 90_000_000;

export async function freshness(bench) {
  const load = await bench.generator();
  const platform = await bench.platform();
  const { at } = platform;
  const seconds = bench.seconds * ROUNDS_LONG;
  const rate = LINES_A_SECOND;
  const paced = (from, length) => load.call('paced', { at, connections: CONNECTIONS, seconds: length, rate, from });
  const warm = await paced(0, WARM_UP_SECONDS);
  const running = { load: true };
  const [sent, invoices, warehouse] = await Promise.all([
    paced(warm.requests, seconds).finally(() => {
      running.load = false;
    }),
    probeInvoices(at, running, bench.seed, INVOICES_FROM),
    probeWarehouse(at, running, bench.seed + 1),
  ]);
  await platform.end();
  const perSecond = sent.requests / sent.seconds;
  return {
    name: 'freshness',
    title: `answered POST → visible, at ${rate.toLocaleString('en-US')} lines/s, one a request, for ${seconds} s`,
    unit: 'ms',
    latencies: [
      { name: 'POST, due → answered', ...sent.latencyMs },
      { name: 'answered → GET /v1/invoices/{no}', ...invoices },
      { name: 'answered → in the warehouse', ...warehouse },
    ],
    ratios: [
      judged('lines/s accepted', { value: perSecond }, { atLeast: rate * 0.99 }),
      judged('p99 to the invoice, ms', { value: invoices.p99 }, { below: 50 }),
      judged('p99 to the warehouse, ms', { value: warehouse.p99 }, { below: 1000 }),
    ],
    notes: [],
  };
}

/** A probe now and then; one query looks for all that are still missing. */
async function probeWarehouse(at, running, seed) {
  const sender = new Asker(at);
  const looker = new Asker(at);
  const random = randomFrom(seed);
  const missing = new Map();
  const tookMs = [];
  const send = async () => {
    for (let count = 0; running.load; count += 1) {
      const invoiceNo = String(WAREHOUSE_FROM + count);
      await postProbe(sender, invoiceNo);
      missing.set(invoiceNo, performance.now());
      await pause(random() * PROBE_PAUSE_MS);
    }
  };
  const look = async () => {
    while (running.load || missing.size > 0) {
      const asked = [...missing.keys()];
      if (asked.length > 0) {
        const sql = `SELECT invoice_no FROM sales WHERE invoice_no IN ('${asked.join("','")}')`;
        const { status, body } = await looker.post('/v1/query', JSON.stringify({ sql }));
        if (status !== 200) throw new Error(`A query failed: ${body}`);
        const now = performance.now();
        for (const [invoiceNo] of JSON.parse(body).rows) {
          tookMs.push(now - missing.get(invoiceNo));
          missing.delete(invoiceNo);
        }
        const [oldest] = missing;
        if (oldest !== undefined && now - oldest[1] > VISIBLE_MS_MAX) throw new Error(`${oldest[0]} is not visible`);
      }
      await pause(WAREHOUSE_LOOK_MS);
    }
  };
  await Promise.all([send(), look()]);
  sender.close();
  looker.close();
  return latencies(Float64Array.from(tookMs));
}
