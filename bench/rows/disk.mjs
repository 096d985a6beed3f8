// What the disk allows: raw fdatasync of a grown file, and raw commits of LMDB with Tillstream's settings, interleaved.
//
// A commit of the stream carries all requests that wait for it: with 64 connections, at most 64 lines.
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { latencies, median, ratioOf } from '../numbers.mjs';
import { judged } from '../report.mjs';

/** 64 lines of 300 bytes: what one commit carries. */
const BLOCK = Buffer.alloc(64 * 300, '{"invoiceNo":"536365"} ');
const SECONDS = 0.7;

export async function disk(bench) {
  const file = openSync(join(bench.directory, 'synced'), 'w');
  const environment = open(join(bench.directory, 'lmdb'), {
    noSubdir: false,
    overlappingSync: false,
    eventTurnBatching: false,
    encoding: 'binary',
  });
  let key = 0;
  const sides = [
    {
      name: 'write + fdatasync',
      once() {
        writeSync(file, BLOCK);
        fdatasyncSync(file);
      },
    },
    {
      name: 'LMDB put + commit',
      once() {
        key += 1;
        return environment.batch(() => environment.put(key, BLOCK));
      },
    },
  ];
  const rounds = sides.map(() => []);
  for (let round = 0; round < bench.rounds; round += 1) {
    for (const [index, { once }] of sides.entries()) rounds[index].push(await repeated(once));
  }
  closeSync(file);
  await environment.close();
  const [synced, committed] = rounds.map((each) => each.map(({ perSecond }) => perSecond));
  const ratio = ratioOf(committed, synced);
  const most = Math.round(median(committed)) * 64;
  return {
    name: 'disk',
    title: `what the disk allows: ${(BLOCK.length / 1000).toFixed(0)} kB, one after the other`,
    unit: 'commits/s',
    sides: sides.map(({ name }, index) => ({
      name,
      perSecond: median(rounds[index].map(({ perSecond }) => perSecond)),
      latencyMs: {
        p50: median(rounds[index].map(({ latencyMs }) => latencyMs.p50)),
        p99: median(rounds[index].map(({ latencyMs }) => latencyMs.p99)),
        max: Math.max(...rounds[index].map(({ latencyMs }) => latencyMs.max)),
      },
    })),
    ratios: [judged('LMDB to fdatasync', ratio, null)],
    notes: [`64 connections in step could have ${most.toLocaleString('en-US')} lines/s on disk, one a request.`],
  };
}

async function repeated(once) {
  const tookMs = [];
  const startMs = performance.now();
  for (let now = startMs; now - startMs < SECONDS * 1000; ) {
    await once();
    const after = performance.now();
    tookMs.push(after - now);
    now = after;
  }
  const seconds = (performance.now() - startMs) / 1000;
  return { perSecond: tookMs.length / seconds, latencyMs: latencies(Float64Array.from(tookMs)) };
}
