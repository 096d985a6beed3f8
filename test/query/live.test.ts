// GET /v1/live of a running platform: pulses, the tail of lines, who sees what of it, and when it ends.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { line, lines } from '../faults/lines.ts';
import type { AnyJson } from '../support/any-json.ts';
import { eventually } from '../support/eventually.ts';
import { endPlatforms, freshDirectory, type Platform, startPlatform } from '../support/platform.ts';

interface LiveEvent {
  readonly name: string;
  readonly data: AnyJson;
}

/** Somebody who looks. */
class Viewer {
  readonly events: LiveEvent[] = [];
  readonly ended: Promise<void>;
  readonly #stop = new AbortController();

  static async open(url: string, key: string): Promise<Viewer> {
    const stop = new AbortController();
    const answer = await fetch(`${url}/v1/live`, { headers: { 'x-api-key': key }, signal: stop.signal });
    if (answer.status !== 200 || answer.body === null) throw new Error(`${answer.status}: ${await answer.text()}`);
    return new Viewer(answer.body, stop);
  }

  private constructor(body: ReadableStream<Uint8Array>, stop: AbortController) {
    this.#stop = stop;
    this.ended = this.#read(body).catch(() => {});
  }

  of(name: string): LiveEvent['data'][] {
    return this.events.filter((event) => event.name === name).map(({ data }) => data);
  }

  close(): void {
    this.#stop.abort();
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let rest = '';
    for await (const part of body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + part).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
        if (name !== undefined && data !== undefined) this.events.push({ name, data: JSON.parse(data) });
      }
    }
  }
}

let platform: Platform;
let admin: string;

async function make(scopes: readonly string[]): Promise<{ id: string; key: string }> {
  const headers = { 'x-api-key': admin, 'content-type': 'application/json' };
  const body = JSON.stringify({ name: 'viewer', scopes });
  const answer = await fetch(`${platform.url}/v1/keys`, { method: 'POST', headers, body });
  return (await answer.json()) as { id: string; key: string };
}

async function send(sent: readonly object[]): Promise<void> {
  const headers = { 'x-api-key': admin, 'content-type': 'application/x-ndjson' };
  const body = sent.map((each) => JSON.stringify(each)).join('\n');
  const answer = await fetch(`${platform.url}/v1/transactions`, { method: 'POST', headers, body });
  expect(answer.status).toBe(202);
}

beforeEach(async () => {
  platform = await startPlatform(await freshDirectory('live'), { auth: true });
  admin = (await readFile(join(platform.directory, 'admin-key'), 'utf8')).trim();
});
afterEach(endPlatforms);

const seen = (viewer: Viewer) => viewer.of('lines').flatMap(({ lines: some }) => some);

test('tells rates and lags each second, and the lines that came, each once; without read, not who bought', async () => {
  const { key } = await make(['ingest']);
  const [reader, sender] = await Promise.all([Viewer.open(platform.url, admin), Viewer.open(platform.url, key)]);
  for (const viewer of [reader, sender]) {
    await eventually(() => expect(viewer.of('pulse').length).toBeGreaterThan(0));
  }
  await send([line('800001', 1), line('800001', 2, { CustomerID: null })]);
  await eventually(() => expect(seen(reader)).toHaveLength(2));
  await send([line('800002', 1, { extra: 'of the sender' })]);
  await eventually(() => expect(seen(reader)).toHaveLength(3));
  expect(
    seen(reader).map(({ invoiceNo, lineId, customerId, amount }) => [invoiceNo, lineId, customerId, amount]),
  ).toEqual([
    ['800001', '000001', '17850', 1.25],
    ['800001', '000002', null, 1.25],
    ['800002', '000001', '17850', 1.25],
  ]);
  await eventually(() => expect(seen(sender)).toHaveLength(3));
  expect(seen(sender).map(({ customerId }) => customerId)).toEqual(['•••', null, '•••']);
  expect(JSON.stringify(sender.events)).not.toContain('17850');
  expect(JSON.stringify(reader.events)).not.toContain('of the sender');

  await eventually(() =>
    expect(reader.of('pulse').at(-1)).toMatchObject({
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      accepting: { open: true, reason: null },
      accepted: { lines: 3, requests: 2 },
      consumers: [{ store: 'lake' }, { store: 'orders', lagRecords: 0 }, { store: 'warehouse' }],
      quarantine: { waiting: 0 },
    }),
  );
  reader.close();
  sender.close();
});

test('of many lines, the newest are told, and how many records were passed over', async () => {
  const viewer = await Viewer.open(platform.url, admin);
  await eventually(() => expect(viewer.of('pulse').length).toBeGreaterThan(0));
  await send(Array.from({ length: 500 }, (_, index) => line(`9${String(index).padStart(5, '0')}`, 1)));
  await eventually(() => expect(seen(viewer).at(-1)?.invoiceNo).toBe('900499'));
  const events = viewer.of('lines');
  const told = events.reduce((sum, { lines: some }) => sum + some.length, 0);
  const skipped = events.reduce((sum, { skippedRecords }) => sum + skippedRecords, 0);
  expect(told + skipped).toBe(500);
  expect(skipped).toBeGreaterThan(0);
  viewer.close();
});

test('a key that is revoked sees no more', async () => {
  const { id, key } = await make(['read']);
  const viewer = await Viewer.open(platform.url, key);
  await eventually(() => expect(viewer.of('pulse').length).toBeGreaterThan(0));
  await fetch(`${platform.url}/v1/keys/${id}`, { method: 'DELETE', headers: { 'x-api-key': admin } });
  await viewer.ended;
  const told = viewer.events.length;
  await pause(1500);
  expect(viewer.events).toHaveLength(told);
});

test('one key takes no more than its places, all no more than a hundred, until one goes; the end waits for none', async () => {
  const keys = await Promise.all(Array.from({ length: 4 }, () => make(['read'])));
  const viewers: Viewer[] = [];
  for (const { key } of keys) {
    viewers.push(...(await Promise.all(Array.from({ length: 25 }, () => Viewer.open(platform.url, key)))));
    if (viewers.length > 25) continue;
    await expect(Viewer.open(platform.url, key)).rejects.toThrow('25 look with this key already');
  }
  await expect(Viewer.open(platform.url, admin)).rejects.toThrow('503: {"type":"/docs/errors#overloaded"');
  viewers[0]?.close();
  await eventually(async () => viewers.push(await Viewer.open(platform.url, admin)));
  expect(await platform.stop()).toBe(0);
  await Promise.all(viewers.map(({ ended }) => ended));
});

test('one who does not read does not keep others from it, nor takes memory', async () => {
  const { key } = await make(['read']);
  // Nothing reads its body.
  const asleep = await fetch(`${platform.url}/v1/live`, { headers: { 'x-api-key': key } });
  expect(asleep.status).toBe(200);
  const viewer = await Viewer.open(platform.url, admin);
  for (let round = 0; round < 5; round += 1) {
    await send(lines(`80001${round}`, 100));
    await pause(500);
  }
  await eventually(() => expect(seen(viewer).at(-1)?.invoiceNo).toBe('800014'));
  viewer.close();
  await asleep.body?.cancel();
});
