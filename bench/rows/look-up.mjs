// GET /v1/invoices/{invoiceNo} over all invoices, in random order, against a Fastify route with the same bytes in a Map.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { interleaved } from '../bench.mjs';
import { loadedPlatform } from '../loaded.mjs';
import { ratioOf } from '../numbers.mjs';
import { judged, measuredSide, rateOf } from '../report.mjs';
import { Asker } from '../wire.mjs';

const CONNECTIONS = 64;

export async function lookUp(bench) {
  const load = await bench.generator();
  const platform = await loadedPlatform(bench);
  const answers = await answersOf(platform.at, invoiceNosIn(bench.lines.file));
  const file = join(bench.directory, 'answers.json');
  writeFileSync(file, JSON.stringify(answers));
  const map = await bench.peer('map', { file });
  const paths = answers.map(([invoiceNo]) => pathOf(invoiceNo));
  const sides = [
    sideOf('tillstream', platform, load, bench, paths),
    sideOf('fastify, from a Map', map, load, bench, paths),
  ];
  const [ours, theirs] = await interleaved(bench, sides);
  await map.end();
  const bytes = answers.reduce((sum, [, body]) => sum + Buffer.byteLength(body), 0);
  return {
    name: 'look-up',
    title: `GET /v1/invoices/{no}, ${answers.length.toLocaleString('en-US')} invoices, ${CONNECTIONS} connections`,
    unit: 'req/s',
    sides: [ours, theirs].map((side) => measuredSide(side)),
    ratios: [
      judged('to bytes from a Map', ratioOf(ours.rounds.map(rateOf), theirs.rounds.map(rateOf)), { atLeast: 0.8 }),
    ],
    notes: [`An answer has ${(bytes / answers.length / 1000).toFixed(1)} kB on average.`],
  };
}

function pathOf(invoiceNo) {
  return `/v1/invoices/${encodeURIComponent(invoiceNo)}`;
}

function invoiceNosIn(file) {
  const found = new Set();
  for (const [, invoiceNo] of readFileSync(file, 'utf8').matchAll(/^\{"InvoiceNo":"([^"]*)"/gm)) found.add(invoiceNo);
  return [...found];
}

/** What the platform answers is what the peer answers. */
async function answersOf(at, invoiceNos) {
  const asker = new Asker(at);
  const answers = [];
  for (const invoiceNo of invoiceNos) {
    const { status, body } = await asker.get(pathOf(invoiceNo));
    if (status !== 200) throw new Error(`Invoice ${invoiceNo}: ${status} ${body}`);
    answers.push([invoiceNo, body]);
  }
  asker.close();
  return answers;
}

function sideOf(name, { pid, at }, load, bench, paths) {
  const { seconds, seed } = bench;
  return { name, pid, measure: () => load.call('paths', { at, connections: CONNECTIONS, seconds, paths, seed }) };
}
