// A bulk import of a file by a running platform, from the request to its end.
import { linkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { cpuSeconds, memoryBytes } from './children.mjs';
import { Asker } from './wire.mjs';

const NAME = 'import.csv';
const LOOK_MS = 10;
const MEMORY_LOOK_MS = 50;
const UNDER_WAY = ['waiting', 'reading', 'staging', 'checking', 'loading'];

/** Nothing else may look into the inbox: see platformForImports(). Memory is the most that was seen. */
export async function importFile(platform, file) {
  // It is moved away from there, and never written to.
  linkSync(file, join(platform.directory, 'lake', 'inbox', NAME));
  const asker = new Asker(platform.at);
  let memory = 0;
  const looks = setInterval(() => {
    memory = Math.max(memory, memoryBytes(platform.pid));
  }, MEMORY_LOOK_MS);
  try {
    const cpuBefore = cpuSeconds(platform.pid);
    const startMs = performance.now();
    let report = answered(await asker.post('/v1/imports', JSON.stringify({ file: NAME })), 202);
    while (UNDER_WAY.includes(report.state)) {
      await pause(LOOK_MS);
      report = answered(await asker.get(`/v1/imports/${report.id}`), 200);
    }
    const seconds = (performance.now() - startMs) / 1000;
    const { state, counts } = report;
    if (state !== 'done' || counts.rejected > 0) throw new Error(`The import is ${state}: ${JSON.stringify(report)}`);
    return {
      lines: counts.lines,
      revenue: Number(counts.revenue),
      seconds,
      cpuSeconds: cpuSeconds(platform.pid) - cpuBefore,
      memoryBytes: memory,
    };
  } finally {
    clearInterval(looks);
    asker.close();
  }
}

/** The same into a platform of its own, whose warehouse then has to hold the lines, and no others. */
export async function importFresh(bench, file) {
  const platform = await platformForImports(bench);
  try {
    const imported = await importFile(platform, file);
    sameTotals([
      { name: 'the import', ...imported },
      { name: 'the warehouse', ...(await warehouseTotals(platform)) },
    ]);
    return imported;
  } finally {
    await platform.end();
  }
}

export function platformForImports(bench) {
  return bench.platform(['--import-schedule', 'off']);
}

/** @throws unless all have the same lines and revenue, to the ten-thousandth */
export function sameTotals(sides) {
  const [one, ...others] = sides.map(({ name, lines, revenue }) => ({
    name,
    totals: `${lines}, ${revenue.toFixed(4)}`,
  }));
  for (const other of others) {
    if (other.totals !== one.totals) {
      throw new Error(`${one.name} has ${one.totals}; ${other.name} has ${other.totals} (lines, revenue)`);
    }
  }
}

async function warehouseTotals({ at }) {
  const asker = new Asker(at);
  const sql = 'SELECT count(*) AS lines, sum(amount) AS revenue FROM sales';
  const { rows } = answered(await asker.post('/v1/query', JSON.stringify({ sql })), 200);
  asker.close();
  const [lines, revenue] = rows[0].map(Number);
  return { lines, revenue };
}

function answered({ status, body }, expected) {
  if (status !== expected) throw new Error(`An answer with status ${status}: ${body.slice(0, 300)}`);
  return JSON.parse(body);
}
