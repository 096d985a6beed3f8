// `status --watch` on a real terminal (util-linux's `script`): painted in place, left clean, and back when the platform is.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cliEnvironment, cliPath } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { endPlatforms, freshDirectory, type Platform, remember, startPlatform } from '../support/platform.ts';

let directory: string;
let platform: Platform;
beforeEach(async () => {
  directory = await freshDirectory('watch');
  platform = await startPlatform(directory);
});
afterEach(endPlatforms);

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';

interface Watching {
  /** All that reached the terminal. */
  screen(): string;
  /** The lines of the newest whole frame, without colours. */
  frame(): string[];
  press(keys: string): void;
  readonly closed: Promise<unknown[]>;
}

/** @param before run in the same terminal, first */
function watchOnTerminal(env: Record<string, string> = {}, columns = 80, before = ''): Watching {
  const command = `stty cols ${columns} rows 30; ${before} exec '${process.execPath}' '${cliPath}' status --watch --data-dir '${directory}'`;
  const { NO_COLOR: _, ...environment } = cliEnvironment({ TERM: 'xterm-256color' });
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    env: { ...environment, SHELL: '/bin/sh', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  remember(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return {
    screen: () => output,
    frame: () => {
      const frames = output.split('\u001b[?2026h\u001b[H').filter((frame) => frame.includes('\u001b[?2026l'));
      return stripVTControlCharacters(frames.at(-1) ?? '').split('\r\n');
    },
    press: (keys) => child.stdin.write(keys),
    closed: once(child, 'close'),
  };
}

const line = (invoice: number) => ({
  InvoiceNo: `5${invoice}`,
  LineNo: 1,
  StockCode: 'MUG',
  Quantity: 1,
  InvoiceDate: '2025-12-24T09:00:00',
  UnitPrice: 1,
  Country: 'France',
});

it('paints in place under load, with rates; Ctrl-C ends with 0 and gives the terminal back', async () => {
  const watching = watchOnTerminal();
  let sent = 0;
  await eventually(() => expect(watching.frame().join('\n')).toContain('client'));
  for (let round = 0; round < 25; round += 1) {
    await platform.send(Array.from({ length: 20 }, () => line(sent++)));
    await pause(100);
  }
  await eventually(() => {
    const frame = watching.frame().join('\n');
    expect(frame).toMatch(/client {2}[\d,.]+ lines\/s, 0 rejected\/s/);
    expect(frame).not.toContain('client  0 lines/s');
    expect(frame).toMatch(/▶ orders +[\d,.]*[1-9]/);
    expect(frame).toMatch(/[▁▂▃▄▅▆▇█]/);
    expect(frame).toContain('Accepted    500 lines in 25 requests; 0 rejected, 0 replaced');
  });
  expect(watching.frame().filter((shown) => shown.length > 80)).toEqual([]);
  watching.press('\u0003');
  expect(await watching.closed).toEqual([0, null]);
  const screen = watching.screen();
  expect(screen.split(ENTER)).toHaveLength(2);
  // A screen that is cleared before it is painted flickers.
  expect(screen).not.toContain('\u001b[2J');
  expect(screen).not.toContain('\u001b[H\u001b[J');
  expect(screen.slice(screen.lastIndexOf(LEAVE))).toBe(LEAVE);
});

it('says that the platform is away, and goes on when it is back, also at another address', async () => {
  const watching = watchOnTerminal({}, 110);
  await eventually(() => expect(watching.frame()[0]).toContain(platform.url));
  await platform.kill();
  await eventually(() => expect(watching.frame()[1]).toMatch(/^Away for .* s, these figures are old: no platform/));
  const again = await startPlatform(directory);
  await eventually(() => {
    expect(watching.frame()[0]).toContain(again.url);
    expect(watching.frame()[1]).toBe('');
  });
  // One that hangs: its port is there, and nothing comes.
  again.child.kill('SIGSTOP');
  await eventually(() => expect(watching.frame()[1]).toMatch(/^Away for .*it takes too long/));
  again.child.kill('SIGCONT');
  await eventually(() => expect(watching.frame()[1]).toBe(''));
  watching.press('\u0003');
  expect(await watching.closed).toEqual([0, null]);
});

it('follows the size of the terminal at once', async () => {
  const narrow = join(directory, 'narrow');
  const whenThere = `while ! [ -e '${narrow}' ]; do sleep 0.1; done`;
  const watching = watchOnTerminal({}, 120, `(${whenThere}; stty cols 60 < /dev/tty) &`);
  await eventually(() => expect(watching.frame().join('\n')).toContain('─▶ stream ─'));
  await writeFile(narrow, '');
  await eventually(() => {
    expect(watching.frame().join('\n')).toContain('    ▼\n');
    expect(watching.frame().filter((shown) => shown.length > 60)).toEqual([]);
  });
  watching.press('\u0003');
  await watching.closed;
});

describe('colours', () => {
  it('are there on a terminal, and not with NO_COLOR', async () => {
    for (const [env, coloured] of [
      [{}, true],
      [{ NO_COLOR: '1' }, false],
    ] as const) {
      const watching = watchOnTerminal(env);
      await eventually(() => expect(watching.frame().join('\n')).toContain('stream'));
      watching.press('\u0003');
      await watching.closed;
      expect(watching.screen().includes('\u001b[32m')).toBe(coloured);
    }
  });
});

it('without a terminal goes on too while the platform is away, and says so once, on stderr', async () => {
  const child = spawn(process.execPath, [cliPath, 'status', '--watch', '--json', '--data-dir', directory], {
    env: cliEnvironment(),
  });
  remember(child);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const uptimes = (): number[] =>
    output.stdout
      .split('\n')
      .slice(0, -1)
      .map((shown) => JSON.parse(shown).uptimeSeconds);
  await eventually(() => expect(uptimes().length).toBeGreaterThan(1));
  await platform.kill();
  await eventually(() => expect(output.stderr).toContain('unreachable: no platform runs on the data directory'));
  platform = await startPlatform(directory);
  const count = uptimes().length;
  await eventually(() => expect(uptimes().length).toBeGreaterThan(count));
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([0, null]);
  // A question that was under way when it ended is another reason.
  const said = output.stderr.trimEnd().split('\n');
  expect(said).toEqual([...new Set(said)]);
});
