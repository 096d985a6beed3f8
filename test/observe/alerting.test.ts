// A platform tells its webhook, and its log, what is the matter.
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { accept, lines } from '../faults/lines.ts';
import { runCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { consumerOf, endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';

let receiver: Server | null = null;
afterEach(async () => {
  await endPlatforms();
  receiver?.closeAllConnections();
  receiver?.close();
  receiver = null;
});

/** A webhook, and what it was told. */
async function listen(): Promise<{ readonly url: string; readonly told: unknown[] }> {
  const told: unknown[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const part of request.setEncoding('utf8')) text += part;
    told.push(JSON.parse(text));
    response.end();
  });
  receiver = server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}/hooks/secret`, told };
}

/** A data directory whose order store was deleted when its stream no longer had everything. */
async function withoutOrders(): Promise<string> {
  const directory = await freshDirectory('alerting');
  const platform = await startPlatform(directory, { env: { TILLSTREAM_STREAM_HOURS: '0' } });
  await accept(platform, lines('800001', 50));
  await platform.statusWhen(({ stream }) => stream.trimmed !== null && stream.trimmed === stream.newest);
  expect(await platform.stop()).toBe(0);
  await rm(join(directory, 'orders'), { recursive: true });
  return directory;
}

it('a consumer that has stopped is told once, while the platform goes on', async () => {
  const directory = await withoutOrders();
  const { url, told } = await listen();
  const platform = await startPlatform(directory, { env: { TILLSTREAM_ALERT_URL: url } });
  await eventually(() => expect(told).toHaveLength(1));
  expect(told[0]).toMatchObject({
    alert: 'consumer_stopped',
    state: 'firing',
    store: 'orders',
    message: 'The orders store takes nothing any more (stream_gap); lines go on being accepted.',
    platform: { version: '0.1.0', dataDirectory: directory },
    text: expect.stringContaining('consumer_stopped (orders)'),
  });
  await accept(platform, lines('800002', 50));
  await platform.statusWhen((status) => consumerOf(status, 'warehouse').lagRecords === 0);
  expect(await platform.stop()).toBe(0);
  expect(told).toHaveLength(1);
});

it('a webhook that is not there harms nothing, and is logged without its secret', async () => {
  const directory = await withoutOrders();
  const url = `http://127.0.0.1:${await freePort()}/hooks/secret`;
  const platform = await startPlatform(directory, { env: { TILLSTREAM_ALERT_URL: url } });
  await eventually(() => expect(platform.output.stderr).toContain('TILLSTREAM_ALERT_URL'));
  await accept(platform, lines('800002', 50));
  await platform.statusWhen((status) => consumerOf(status, 'warehouse').lagRecords === 0);
  expect(await platform.stop()).toBe(0);
  const said = platform.output.stderr.split('\n').filter((line) => line.includes('TILLSTREAM_ALERT_URL'));
  expect(said.map((line) => JSON.parse(line))).toMatchObject([
    { level: 40, origin: new URL(url).origin, reason: expect.stringContaining('ECONNREFUSED'), triedAgain: true },
  ]);
  expect(platform.output.stderr).not.toContain('secret');
});

it.each(['ftp://alerts.example/', 'https://user:word@alerts.example/', 'alerts.example'])(
  'an address that no alert can be sent to is refused at the start: %s',
  async (url) => {
    const data = join(await freshDirectory('alerting'), 'data');
    const up = await runCli(['up', '--port', '0', '--data-dir', data], { env: { TILLSTREAM_ALERT_URL: url } });
    expect(up.code).toBe(2);
    expect(up.stderr).toContain('expected an http or https address without a user name');
    expect(up.stderr, 'it may hold a secret').not.toContain(url);
  },
);
