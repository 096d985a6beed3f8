// Tillstream itself, as a user starts it: `tillstream up` in a process of its own, on a fresh data directory.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { endProcess } from './children.mjs';
import { Asker } from './wire.mjs';

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const START_MS_MAX = 20_000;
const LOOK_MS = 50;
const IDLE_MS_MAX = 120_000;

/**
 * @param {readonly string[]} flags more of `up`
 * @param {string | undefined} profileTo directory for CPU profiles of its threads
 */
export async function startPlatform(directory, flags = [], profileTo = undefined) {
  const profile = profileTo === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileTo}`];
  const child = spawn(process.execPath, [...profile, main, 'up', '--port', '0', '--data-dir', directory, ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Settings of the user's own platform are not meant for this one.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TILLSTREAM_'))),
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said = (said + text).slice(-4000);
  });
  const port = await portOf(child, join(directory, 'platform.json'), () => said);
  const at = { port, key: readFileSync(join(directory, 'admin-key'), 'utf8').trim() };
  return {
    pid: child.pid,
    directory,
    at,
    /** Waits until every store has every line; answers how long that took. */
    caughtUp: () => caughtUp(at),
    async end() {
      await endProcess(child, 'SIGINT');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function portOf(child, file, said) {
  const lateMs = Date.now() + START_MS_MAX;
  while (!existsSync(file)) {
    if (child.exitCode !== null || Date.now() > lateMs) {
      await endProcess(child, 'SIGKILL');
      throw new Error(`Tillstream did not start: ${said()}`);
    }
    await pause(LOOK_MS);
  }
  return Number(new URL(JSON.parse(readFileSync(file, 'utf8')).url).port);
}

async function caughtUp(at) {
  const asker = new Asker(at);
  const startMs = performance.now();
  try {
    for (;;) {
      const { body } = await asker.get('/v1/status');
      const behind = JSON.parse(body).consumers.filter(({ lagRecords }) => lagRecords > 0);
      if (behind.length === 0) return performance.now() - startMs;
      if (performance.now() - startMs > IDLE_MS_MAX) throw new Error(`Still behind: ${JSON.stringify(behind)}`);
      await pause(LOOK_MS);
    }
  } finally {
    asker.close();
  }
}
