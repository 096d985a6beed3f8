// A process that is killed while it appends: nothing acknowledged is lost, nothing is there twice, no sequence comes again.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createClock } from '../../src/model/clock.ts';
import { Head } from '../../src/stream/head.ts';
import { openLmdbStream } from '../../src/stream/lmdb-stream.ts';
import { dice } from '../support/seed.ts';

const child = fileURLToPath(new URL('appending-child.mjs', import.meta.url));
const ROUNDS = 4;

/** What a child said was acknowledged before it was killed, after `acknowledgements` of them. */
function runAndKill(directory: string, run: number, acknowledgements: number): Promise<[string, string][]> {
  return new Promise((resolve, reject) => {
    const process_ = spawn(process.execPath, [child, directory, String(run)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    let complained = '';
    process_.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.split('\n').length > acknowledgements) process_.kill('SIGKILL');
    });
    process_.stderr.setEncoding('utf8').on('data', (text: string) => {
      complained += text;
    });
    process_.on('close', (code, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`The child ended by itself with ${code}: ${complained}`));
      const whole = said.slice(0, said.lastIndexOf('\n')).split('\n');
      resolve(whole.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
    });
  });
}

test(`stream (lmdb): an acknowledged record survives kill -9, once and under its sequence, ${ROUNDS} times over`, async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'tillstream-kill-'));
  const { seed, between } = dice('stream kill -9');
  const acknowledged = new Map<string, string>();
  for (let run = 0; run < ROUNDS; run += 1) {
    const [here, earlier] = [await runAndKill(directory, run, between(10, 2000)), acknowledged.size];
    for (const [sequence, text] of here) {
      expect(acknowledged.has(sequence), `${sequence} came again, seed ${seed}`).toBe(false);
      acknowledged.set(sequence, text);
    }
    expect(acknowledged.size).toBeGreaterThan(earlier);
    await expectAll(directory, acknowledged, `run ${run}, seed ${seed}`);
  }
  await rm(directory, { recursive: true });
});

async function expectAll(directory: string, acknowledged: ReadonlyMap<string, string>, when: string): Promise<void> {
  const clock = createClock(() => 0);
  const head = new Head();
  const stream = await openLmdbStream({ directory, head, clock, newId: () => 'other', bytesMax: 2 ** 30 });
  const records = await stream.read(null, { recordsMax: 1e6, bytesMax: 1e9 });
  const stored = new Map(records.map(({ sequence, data }) => [sequence, data.toString()]));
  expect(stored.size, when).toBe(records.length);
  expect(new Set(stored.values()).size, `each once, ${when}`).toBe(records.length);
  for (const [sequence, text] of acknowledged) expect(stored.get(sequence), when).toBe(text);
  expect((await stream.bounds()).newest, when).toBe(records.at(-1)?.sequence);
  // receivedAt goes on after everything that was given out before, whatever the machine's clock says now.
  expect(clock.nowMicros() / 1000, when).toBeGreaterThanOrEqual(records.at(-1)?.arrivedAtMs ?? Number.MAX_VALUE);
  await stream.close();
}
