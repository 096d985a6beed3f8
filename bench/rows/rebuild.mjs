// Orders and warehouse anew from the lake, after an import of the data: how long, beside the import itself.
import { cpuSeconds } from '../children.mjs';
import { importFile, platformForImports, sameTotals } from '../imports.mjs';
import { ratioOf } from '../numbers.mjs';
import { judged, measuredLoad } from '../report.mjs';
import { Asker } from '../wire.mjs';

export async function rebuild(bench) {
  const file = await bench.dataFile();
  const steps = { import: [], orders: [], warehouse: [] };
  for (let round = 0; round < bench.rounds; round += 1) {
    const platform = await platformForImports(bench);
    steps.import.push(await importFile(platform, file));
    steps.orders.push(await rebuilt(platform, 'orders'));
    steps.warehouse.push(await rebuilt(platform, 'warehouse'));
    await platform.end();
    bench.say(`rebuild: round ${round + 1} of ${bench.rounds}`);
  }
  sameTotals(Object.entries(steps).flatMap(([name, rounds]) => rounds.map((round) => ({ name, ...round }))));
  const seconds = (rounds) => rounds.map((round) => round.seconds);
  return {
    name: 'rebuild',
    title: `rebuild from the lake, after an import of ${steps.import[0].lines.toLocaleString('en-US')} lines`,
    loads: Object.entries(steps).map(([name, rounds]) => measuredLoad(name, rounds)),
    ratios: ['orders', 'warehouse'].map((store) =>
      judged(`seconds of ${store}, to the import`, ratioOf(seconds(steps[store]), seconds(steps.import)), null),
    ),
    notes: [],
  };
}

async function rebuilt({ at, pid }, store) {
  const asker = new Asker(at);
  const cpuBefore = cpuSeconds(pid);
  const startMs = performance.now();
  const { status, body } = await asker.post(`/v1/rebuild/${store}`, '');
  const seconds = (performance.now() - startMs) / 1000;
  asker.close();
  if (status !== 200) throw new Error(`A rebuild of ${store}: ${status} ${body}`);
  const { lines, revenue } = JSON.parse(body);
  return { lines, revenue: Number(revenue), seconds, cpuSeconds: cpuSeconds(pid) - cpuBefore };
}
