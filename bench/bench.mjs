// What the rows share: the load generator, the lines, platforms and peers on demand, and their end.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuSeconds, startChild } from './children.mjs';
import { writeData, writeGenerated } from './files.mjs';
import { writeLines } from './lines.mjs';
import { startPlatform } from './platform.mjs';
import { findPostgres, installPostgres, startPostgres } from './postgres.mjs';

/**
 * @param {{seconds: number, rounds: number, seed: number, large: boolean, profile?: string, installPeers: boolean,
 *   say: Function}} options
 */
export async function openBench(options) {
  const directory = mkdtempSync(join(tmpdir(), 'tillstream-bench-'));
  const ends = [async () => rmSync(directory, { recursive: true, force: true })];
  let platforms = 0;
  let load = null;
  let lines = null;
  let data = null;
  const generated = new Map();

  const started = (process) => {
    ends.push(() => process.end());
    return process;
  };
  return {
    ...options,
    directory,
    /** What is known of the lines, once a row has asked for the generator. */
    get lines() {
      return lines;
    },

    /** Where the lines are from; null while no row has asked for any. */
    get from() {
      return data?.from ?? (generated.size > 0 ? `generated, seed ${options.seed}` : null);
    },

    /** The data as a CSV: see files.mjs. */
    async dataFile() {
      data ??= await writeData(directory, options.seed);
      return data.file;
    },

    /** A CSV of so many generated lines. */
    async generatedFile(count) {
      if (!generated.has(count)) generated.set(count, await writeGenerated(directory, count, options.seed));
      return generated.get(count);
    },

    async generator() {
      if (load === null) {
        lines = await writeLines(directory, await this.dataFile());
        load = started(startChild('load.mjs'));
        await load.call('open', { file: lines.file });
      }
      return load;
    },

    /** A platform on a data directory of its own; `flags` are more of `up`. */
    async platform(flags) {
      platforms += 1;
      return started(await startPlatform(join(directory, `platform-${platforms}`), flags, options.profile));
    },

    /** @param {'bare' | 'map' | 'postgres'} name */
    async peer(name, parameters) {
      const child = started(startChild('peer.mjs', [name]));
      return { pid: child.pid, end: child.end, at: { port: await child.call('start', parameters) } };
    },

    /** null where it is not installed. */
    async postgres() {
      if (findPostgres() === null && options.installPeers) installPostgres();
      const programs = findPostgres();
      return programs === null ? null : started(await startPostgres(programs));
    },

    /** Ends everything, the newest first. */
    async close() {
      for (const end of ends.splice(0).reverse()) await end().catch((error) => console.error(error));
    },
  };
}

/** Compiled code and filled caches: a platform has more of both to come to than a bare server. */
const WARM_UP_ROUNDS = 3;

/**
 * Measures all sides in turn, round after round: A B C A B C … A side's `measure()` answers what the generator
 * does; its `rest()`, if any, waits until its work in the background is done, so that it does not fall on another's turn.
 * A side without a `pid` measures its own CPU, or none.
 */
export async function interleaved(bench, sides, warmUpRounds = WARM_UP_ROUNDS) {
  for (let round = 0; round < warmUpRounds; round += 1) {
    for (const side of sides) {
      await side.measure();
      await side.rest?.();
      bench.say(`${side.name}: warming up`);
    }
  }
  const results = new Map(sides.map((side) => [side, []]));
  for (let round = 0; round < bench.rounds; round += 1) {
    for (const side of sides) {
      const before = cpuSeconds(side.pid);
      const result = await side.measure();
      const cpu = cpuSeconds(side.pid) - before;
      const restMs = (await side.rest?.()) ?? 0;
      results.get(side).push({ cpuSeconds: cpu, ...result, restMs });
      bench.say(`${side.name}: round ${round + 1} of ${bench.rounds}`);
    }
  }
  return sides.map((side) => ({ side, rounds: results.get(side) }));
}
