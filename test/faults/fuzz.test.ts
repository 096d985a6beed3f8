// What nobody should send, by the thousand: no answer of 500 and more, no crash, memory stays, and the shop still sells.
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { StatusAnswer } from '../../src/cli/answers.ts';
import { endPlatforms, freshDirectory, type Platform, startPlatform } from '../support/platform.ts';
import { dice, diceOf } from '../support/seed.ts';
import { type FuzzedRequest, Fuzzer } from './fuzz-requests.ts';
import { line } from './lines.ts';

const REQUESTS = process.env.TILLSTREAM_TEST_LONG === '1' ? 100_000 : 4000;
/** So many at once that what unpacks to 16 MiB each still fits. */
const LANES = 3;
/** How long an answer to half a request is waited for. */
const PART_MS = 20;
const WHOLE_MS = 30_000;
/** Compared after the first tenth, when all code has run once. */
const GROWTH_BYTES_MAX = 200 * 2 ** 20;

afterEach(endPlatforms);

it(`${REQUESTS} requests that nobody should send`, async () => {
  const chance = dice('fuzz');
  const directory = await freshDirectory('fuzz');
  const platform = await startPlatform(directory, { auth: true });
  const key = (await readFile(join(directory, 'admin-key'), 'utf8')).trim();
  const port = Number(new URL(platform.url).port);
  const answers = new Map<number, number>();
  const unexpected: string[] = [];
  let sent = 0;
  let before = Number.NaN;

  const lane = async (number: number): Promise<void> => {
    const fuzzer = new Fuzzer(diceOf(chance.seed + number), port, [key, key, key, `${key.slice(0, -1)}!`, '']);
    while (sent < REQUESTS) {
      sent += 1;
      if (sent === REQUESTS / 10) before = await memoryOf(platform);
      // Addresses of many clients, so that ports do not run out.
      const request = fuzzer.next();
      const text = await answerTo(request, port, `127.0.0.${2 + (sent % 250)}`);
      const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
      for (const status of statuses) answers.set(status, (answers.get(status) ?? 0) + 1);
      if (statuses.some((status) => status >= 500) || (request.whole && statuses.length === 0)) {
        unexpected.push(`${request.kind}: ${request.bytes.toString('latin1').slice(0, 2000)}\n→ ${text.slice(0, 500)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
  expect(unexpected.slice(0, 3)).toEqual([]);
  expect(platform.alive, platform.output.stderr).toBe(true);
  expect((await memoryOf(platform)) - before).toBeLessThan(GROWTH_BYTES_MAX);
  // It was not all refused in the same way.
  expect([...answers.keys()]).toEqual(expect.arrayContaining([200, 202, 400, 401, 404, 405, 413, 415, 422, 431]));

  const headers = { 'x-api-key': key, 'content-type': 'application/json' };
  const sale = await fetch(`${platform.url}/v1/transactions`, {
    method: 'POST',
    headers,
    body: JSON.stringify(line('800001', 1)),
  });
  expect(sale.status).toBe(202);
  const verified = await fetch(`${platform.url}/v1/verify`, { method: 'POST', headers });
  expect(await verified.json()).toMatchObject({ agrees: true });
  const invoice = await fetch(`${platform.url}/v1/invoices/800001`, { headers });
  expect(await invoice.json()).toMatchObject({ lineCount: 1, total: 1.25 });
  const status = (await (await fetch(`${platform.url}/v1/status`, { headers })).json()) as StatusAnswer;
  expect(status.quarantine, 'nothing got in that a store cannot use').toMatchObject({ waiting: 0 });
  expect(platform.output.stderr).toBe('');
  expect(await platform.stop()).toBe(0);
});

/** All that comes back until the server hangs up, or for a while. */
function answerTo({ bytes, whole }: FuzzedRequest, port: number, localAddress: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(text);
    };
    const timer = setTimeout(end, whole ? WHOLE_MS : PART_MS);
    socket.on('connect', () => socket.write(bytes));
    socket.setEncoding('latin1').on('data', (part: string) => {
      if (text.length < 10_000) text += part;
    });
    socket.on('error', () => {}).on('close', end);
  });
}

/** RssAnon: memory that is the process's own. */
async function memoryOf({ child }: Platform): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
  return Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
