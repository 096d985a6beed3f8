// `tillstream up`, when it ends for other reasons than that somebody asked for it, or when nobody reads what it says.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ANSWERS_TIMEOUT_MS,
  BATCHES_TIMEOUT_MS,
  CLOSE_TIMEOUT_MS,
  LINGER_TIMEOUT_MS,
} from '../../src/platform/closing.ts';
import { endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';

let directory: string;
let data: string;
beforeEach(async () => {
  directory = await freshDirectory('end');
  data = join(directory, 'data');
});
afterEach(endPlatforms);

it('goes on when the reader of its output ends (`up | true`), and drains when asked to', async () => {
  const up = await startPlatform(data, { args: ['--sample', '300'] });
  up.child.stdout?.destroy();
  up.child.stderr?.destroy();
  await up.statusWhen(({ accepted }) => accepted.lines === 300);
  expect((await up.verify()).agrees).toBe(true); // After its own, of which it cannot tell anybody.
  await pause(500);
  expect(up.alive).toBe(true);
  expect(await up.stop()).toBe(0);
  expect(existsSync(join(data, 'platform.json'))).toBe(false);
});

describe('a platform that cannot go on', () => {
  it('ends with 1 and says why', async () => {
    const { up, closed, strike } = await withFaults({ 'pipeline-thread': BREAKS });
    await strike();
    expect(await closed).toEqual([1, null]);
    expect(up.output.stderr).toContain('internal: The thread is broken\n');
    expect(existsSync(join(data, 'platform.json'))).toBe(false);
  });

  it('ends with 1 and says why also when closing takes too long', async () => {
    const { up, closed, strike } = await withFaults({
      'pipeline-thread': `setTimeout(() => { ${BREAKS} }, 500);`,
      'warehouse-thread': "spawnSync('sleep', ['6'], { stdio: 'ignore' });",
    });
    await strike();
    expect(await closed).toEqual([1, null]);
    expect(up.output.stderr).toContain('internal: The thread is broken\n');
  });
});

describe('closing', () => {
  it('comes to its end although a client and a batch hang at once', async () => {
    const hangs = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);';
    const { up, closed, strike } = await withFaults({ 'warehouse-thread': hangs });
    await strike();
    const client = connect(Number(new URL(up.url).port), '127.0.0.1');
    client.on('error', () => {}); // The platform goes away in the end.
    client.write('POST /v1/transactions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500\r\n\r\n{');
    await pause(500);
    up.child.kill('SIGINT');
    expect(await closed).toEqual([0, null]);
    client.destroy();
  });

  it('has time for answers, for batches and for the rest within five seconds', () => {
    expect(ANSWERS_TIMEOUT_MS + BATCHES_TIMEOUT_MS).toBeLessThanOrEqual(CLOSE_TIMEOUT_MS - 1000);
    expect(CLOSE_TIMEOUT_MS + LINGER_TIMEOUT_MS).toBeLessThan(5000);
  });
});

const BREAKS = "throw new Error('The thread is broken');";

/** A platform; strike() makes the threads named run this code. */
async function withFaults(faults: Readonly<Record<string, string>>) {
  const [preload, trigger] = [join(directory, 'faults.mjs'), join(directory, 'trigger')];
  const cases = Object.entries(faults).map(([thread, code]) => `case '${thread}.js': ${code} break;`);
  await writeFile(
    preload,
    `import { spawnSync } from 'node:child_process';
    import { existsSync } from 'node:fs';
    import { basename } from 'node:path';
    import { isMainThread } from 'node:worker_threads';
    const timer = isMainThread ? null : setInterval(() => {
      if (!existsSync(${JSON.stringify(trigger)})) return;
      clearInterval(timer);
      switch (basename(process.argv[1])) { ${cases.join('\n')} }
    }, 20);`,
  );
  const up = await startPlatform(data, { env: { NODE_OPTIONS: `--import=${preload}` } });
  return { up, closed: once(up.child, 'close'), strike: () => writeFile(trigger, '') };
}
