// A killed process alone does not show that an answer waits for the disk: the kernel keeps what was written. So this reads
// in a trace of system calls that between the writes of a commit and its `HTTP/1.1 202` there is a sync; and that the same
// check goes red when there is none.
import { spawn, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { cliEnvironment, cliPath } from '../support/cli.ts';
import { endPlatforms, freshDirectory, remember } from '../support/platform.ts';
import { checkTrace, type Findings, TRACED_CALLS } from './sync-trace.ts';

const child = fileURLToPath(new URL('door-child.mjs', import.meta.url));
const POSTS = 25;

afterEach(endPlatforms);

/** Whether strace is here and may trace. */
function canTrace(): boolean {
  return spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;
}

/** Runs a command under strace, sends it lines one at a time, ends it, and reads the trace. */
async function traced(data: string, command: readonly string[], end: () => Promise<void>): Promise<Findings> {
  const trace = path.join(await freshDirectory('trace'), 'trace');
  const strace = ['-f', '-y', '-s', '64', '-e', `trace=${TRACED_CALLS}`, '-e', 'signal=none', '-o', trace];
  const running = spawn('strace', [...strace, process.execPath, ...command], { env: cliEnvironment() });
  remember(running);
  const closed = new Promise((resolve) => running.on('close', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    const read = (text: string): void => {
      said += text;
      const url = /"url":"([^"]+)"/.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    };
    running.stdout.setEncoding('utf8').on('data', read);
    running.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    running.on('close', () => reject(new Error(`It ended before it served: ${said}`)));
  });
  for (let line = 1; line <= POSTS; line += 1) expect(await post(url, line)).toBe(202);
  running.stdin.end();
  await end();
  await closed;
  const lines = (await readFile(trace, 'utf8')).split('\n');
  return checkTrace(lines, (file) => file === path.join(data, 'stream', 'data.mdb'));
}

function post(url: string, line: number): Promise<number | undefined> {
  const body = JSON.stringify({
    InvoiceNo: '536365',
    LineNo: line,
    StockCode: '85123A',
    Quantity: 6,
    InvoiceDate: '12/1/2010 8:26',
    UnitPrice: 2.55,
    Country: 'United Kingdom',
  });
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/v1/transactions`, { method: 'POST' }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const nothing = async (): Promise<void> => {};

describe.runIf(canTrace())('202 means on disk: the sync precedes the answer', () => {
  test('of the door', async () => {
    const directory = await freshDirectory('sync');
    const findings = await traced(directory, [child, directory], nothing);
    expect(findings).toStrictEqual({ answers: POSTS, unsynced: [] });
  });

  test('of the whole platform', async () => {
    const directory = await freshDirectory('sync');
    const findings = await traced(
      directory,
      [cliPath, 'up', '--json', '--no-auth', '--port', '0', '--data-dir', directory],
      async () => {
        // strace keeps signals for itself: they go to the platform, by the id that it leaves in its directory.
        const { pid } = JSON.parse(await readFile(path.join(directory, 'platform.json'), 'utf8')) as { pid: number };
        process.kill(pid, 'SIGINT');
      },
    );
    expect(findings).toStrictEqual({ answers: POSTS, unsynced: [] });
  });

  test('and where it is taken out, the same check finds every answer', async () => {
    const directory = await freshDirectory('sync');
    const findings = await traced(directory, [child, directory, '--no-sync'], nothing);
    expect(findings.answers).toBe(POSTS);
    expect(findings.unsynced).toHaveLength(POSTS);
    expect(findings.unsynced[0]?.why).toMatch(/^\d+ of \d+ writes were not synced$/);
  });
});

describe('the check of a trace', () => {
  const isData = (file: string): boolean => file === '/data.mdb';
  const OPEN = [
    '1 openat(AT_FDCWD</>, "/data.mdb", O_RDWR|O_CREAT, 0664) = 19</data.mdb>',
    '1 openat(AT_FDCWD</>, "/data.mdb", O_WRONLY|O_DSYNC|O_CLOEXEC) = 20</data.mdb>',
  ];
  const WRITE = '2 pwrite64(19</data.mdb>, "x"..., 4096, 8192) = 4096';
  const SYNC = '2 fdatasync(19</data.mdb>) = 0';
  const META = '2 pwrite64(20</data.mdb>, "x"..., 128, 40) = 128';
  const ANSWER = '1 write(25<socket:[7]>, "HTTP/1.1 202 Accepted\\r\\n"..., 300) = 300';
  const findingsOf = (...lines: string[]) => checkTrace([...OPEN, ...lines], isData).unsynced.map(({ why }) => why);

  test.each<[string, string[], string[]]>([
    ['a commit', [WRITE, SYNC, META, ANSWER], []],
    ['two commits', [WRITE, SYNC, META, ANSWER, WRITE, SYNC, META, ANSWER], []],
    [
      'a commit whose calls are interleaved with others',
      [
        '2 pwrite64(19</data.mdb>, "x"..., 4096, 8192 <unfinished ...>',
        '3 write(7<pipe:[1]>, "x", 1) = 1',
        '2 <... pwrite64 resumed>) = 4096',
        '2 fdatasync(19</data.mdb> <unfinished ...>',
        '2 <... fdatasync resumed>) = 0',
        META,
        '1 writev(25<socket:[7]>, [{iov_base="HTTP/1.1 202 Accepted\\r\\n"..., iov_len=200}], 1 <unfinished ...>',
        '1 <... writev resumed>) = 200',
      ],
      [],
    ],
    ['no sync', [WRITE, META, ANSWER], ['1 of 2 writes were not synced']],
    ['a sync after the answer', [WRITE, ANSWER, SYNC], ['1 of 1 writes were not synced']],
    ['a sync before the write', [SYNC, WRITE, META, ANSWER], ['1 of 2 writes were not synced']],
    ['a sync that fails', [WRITE, '2 fdatasync(19</data.mdb>) = -1 EIO', ANSWER], ['1 of 1 writes were not synced']],
    ['a sync of another file', [WRITE, '2 fdatasync(9</other.mdb>) = 0', ANSWER], ['1 of 1 writes were not synced']],
    [
      'a sync that is not done',
      [WRITE, '2 fdatasync(19</data.mdb> <unfinished ...>', ANSWER],
      ['1 of 1 writes were not synced'],
    ],
    [
      'a sync that began before the write was done',
      [
        '2 pwrite64(19</data.mdb>, "x"..., 4096, 8192 <unfinished ...>',
        '3 fdatasync(19</data.mdb> <unfinished ...>',
        '2 <... pwrite64 resumed>) = 4096',
        '3 <... fdatasync resumed>) = 0',
        ANSWER,
      ],
      ['1 of 1 writes were not synced'],
    ],
    ['a meta page without O_DSYNC', [WRITE, SYNC, WRITE, ANSWER], ['1 of 2 writes were not synced']],
    [
      'a descriptor that is another file by now',
      [OPEN[0]?.replace('19<', '20<') ?? '', META, ANSWER],
      ['1 of 1 writes were not synced'],
    ],
    ['an answer to nothing', [WRITE, SYNC, META, ANSWER, ANSWER], ['nothing was written']],
  ])('%s', (_, lines, expected) => {
    expect(findingsOf(...lines)).toStrictEqual(expected);
  });
});
