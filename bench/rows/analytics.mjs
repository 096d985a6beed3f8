// The questions that a dashboard asks, by HTTP, on all the lines of the data: how long each takes, one at a time.
import { loadedPlatform } from '../loaded.mjs';
import { latencies } from '../numbers.mjs';
import { judged } from '../report.mjs';
import { Asker } from '../wire.mjs';

const QUESTIONS = [
  '/v1/analytics/sales?by=month',
  '/v1/analytics/sales?by=day',
  '/v1/analytics/sales?by=hour',
  '/v1/analytics/products?rank=revenue&limit=10',
  '/v1/analytics/products?rank=units&limit=3&by=month',
  '/v1/analytics/invoices?order=highest&limit=10',
];
const TIMES = 20;
const WARM_UP_TIMES = 3;

export async function analytics(bench) {
  const platform = await loadedPlatform(bench);
  const asker = new Asker(platform.at);
  const took = new Map(QUESTIONS.map((question) => [question, []]));
  for (let time = -WARM_UP_TIMES; time < TIMES; time += 1) {
    for (const question of QUESTIONS) {
      const startMs = performance.now();
      const { status, body } = await asker.get(question);
      if (status !== 200) throw new Error(`${question}: ${status} ${body}`);
      if (time >= 0) took.get(question).push(performance.now() - startMs);
    }
  }
  asker.close();
  const rows = QUESTIONS.map((name) => ({ name, ...latencies(Float64Array.from(took.get(name))) }));
  return {
    name: 'analytics',
    title: `questions of the dashboard, on ${bench.lines.count.toLocaleString('en-US')} lines`,
    unit: 'ms',
    latencies: rows,
    ratios: [judged('slowest p50, ms', { value: Math.max(...rows.map(({ p50 }) => p50)) }, { below: 50 })],
    notes: [],
  };
}
