// Clients that connect and then dawdle: thousands of them keep nobody out, take little memory, and are sent away in time.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { endPlatforms, freshDirectory, type Platform, startPlatform } from '../support/platform.ts';
import { line } from './lines.ts';

afterEach(endPlatforms);

const SLOW_CLIENTS = 1800;
/** src/platform/server.ts gives a body a minute, a head 10 s. */
const BODY_MS = 58_000;
/** Much more than they need, much less than they would if what they announce were set aside. */
const MEMORY_BYTES_MAX = 150 * 2 ** 20;

/** RssAnon: memory that is the process's own. */
async function memoryOf({ child }: Platform): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
  return Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

test('clients that say nothing, half a head, or a body byte by byte: a shop sells as before', async () => {
  const platform = await startPlatform(await freshDirectory('slow'), { auth: true });
  const key = (await readFile(join(platform.directory, 'admin-key'), 'utf8')).trim();
  const headers = { 'x-api-key': key, 'content-type': 'application/json' };
  const sell = async (number: number): Promise<number> => {
    const startedMs = performance.now();
    const body = JSON.stringify(line('800001', number));
    const answer = await fetch(`${platform.url}/v1/transactions`, { method: 'POST', headers, body });
    expect(answer.status).toBe(202);
    return performance.now() - startedMs;
  };
  for (let number = 1; number <= 50; number += 1) await sell(number);
  const before = await memoryOf(platform);

  const beginnings = [
    '',
    'POST /v1/transactions HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ',
    `POST /v1/transactions HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Api-Key: ${key}\r\nContent-Length: 16000000\r\n\r\n[`,
  ];
  const port = Number(new URL(platform.url).port);
  const startedMs = performance.now();
  const slow: Socket[] = [];
  let gone = 0;
  for (let index = 0; index < SLOW_CLIENTS; index += 1) {
    const socket = connect(port, '127.0.0.1');
    socket
      .on('error', () => {})
      .on('close', () => {
        gone += 1;
      });
    await once(socket, 'connect');
    socket.write(beginnings[index % beginnings.length] ?? '');
    slow.push(socket.resume());
  }
  const dripping = setInterval(() => {
    for (const [index, socket] of slow.entries()) if (index % 3 > 0 && !socket.destroyed) socket.write(' ');
  }, 1000);
  try {
    const tookMs: number[] = [];
    for (let number = 51; number <= 250 && gone === 0; number += 1) tookMs.push(await sell(number));
    expect(tookMs.length, 'sold while the slow ones are all still there').toBeGreaterThan(5);
    tookMs.sort((a, b) => a - b);
    expect(tookMs[tookMs.length >> 1], 'half of them').toBeLessThan(3000);
    expect((await memoryOf(platform)) - before).toBeLessThan(MEMORY_BYTES_MAX);

    // Without a whole head, within seconds; a body has a minute.
    const withoutHead = (SLOW_CLIENTS * 2) / 3;
    while (gone < withoutHead && performance.now() - startedMs < BODY_MS) await pause(200);
    expect(gone).toBe(withoutHead);
    await sell(251);
    const verified = await fetch(`${platform.url}/v1/verify`, { method: 'POST', headers: { 'x-api-key': key } });
    expect(verified.status).toBe(200);
  } finally {
    clearInterval(dripping);
    for (const socket of slow) socket.destroy();
  }
  expect(await platform.stop()).toBe(0);
});
