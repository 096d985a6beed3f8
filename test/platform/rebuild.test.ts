// A store built anew from the lake alone, while the shop sells: afterwards all stores agree, and nothing is lost on the way.
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Line } from '../../src/model/line.ts';
import { expectHeld } from '../faults/held-lines.ts';
import { accept, agreeing, line, lines } from '../faults/lines.ts';
import { Till } from '../faults/till.ts';
import { beginFromInbox, begun, importWhen, settled, upload } from '../imports/watched.ts';
import { appendUnusable } from '../support/append-unusable.ts';
import { runCli } from '../support/cli.ts';
import { dataset } from '../support/dataset.ts';
import { eventually } from '../support/eventually.ts';
import { putImport } from '../support/lake-import.ts';
import { consumerOf, endPlatforms, freshDirectory, type Platform, startPlatform } from '../support/platform.ts';
import { dice, diceOf } from '../support/seed.ts';

afterEach(endPlatforms);

const STORES = ['orders', 'warehouse'] as const;
/** What every store has leaves the stream at once. */
const KEEP_NOTHING = { env: { TILLSTREAM_STREAM_HOURS: '0' } };

const rebuild = (platform: Platform, store: string) => platform.request('POST', `/v1/rebuild/${store}`);

async function rebuilt(platform: Platform, store: string, figures: object = {}): Promise<void> {
  const { status, body } = await rebuild(platform, store);
  expect({ status, body }).toMatchObject({ status: 200, body: { store, ...figures } });
}

/** All that customers and analysts see of some invoices. */
async function seen(platform: Platform, invoices: readonly string[]): Promise<unknown> {
  const paths = [
    ...invoices.map((each) => `/v1/invoices/${each}`),
    '/v1/customers/17850/invoices',
    '/v1/customers/17850',
  ];
  const answers = await Promise.all(paths.map(async (path) => (await fetch(platform.url + path)).text()));
  return [...answers, await platform.select('SELECT * FROM sales ORDER BY invoice_no, line_id LIMIT 10000')];
}

/** As the door reads `lines()`. */
function imported(invoiceNo: string, count: number, description = 'imported'): Line[] {
  return Array.from({ length: count }, (_, index) => ({
    invoiceNo,
    lineId: String(index + 1).padStart(6, '0'),
    stockCode: 'MUG',
    description,
    quantity: 1,
    invoiceDate: '2011-12-24T09:00:00',
    unitPrice: 1.25,
    customerId: '17850',
    country: 'France',
  }));
}

describe('a rebuild', () => {
  it('of each store while tills sell: it answers all the while, all stores agree, and nothing is lost', async () => {
    const chance = dice('rebuild');
    const directory = await freshDirectory('rebuild');
    const platform = await startPlatform(directory, KEEP_NOTHING);
    const tills = Array.from({ length: 2 }, (_, index) => new Till(`${index + 1}0`, diceOf(chance.seed + index)));
    let enough = false;
    const selling = Promise.all(tills.map((till) => till.sell(platform.url, () => enough)));
    const known = await eventually(() => {
      const [first] = [...(tills[0]?.memory ?? [])].flatMap(([key, { acknowledged }]) =>
        acknowledged === null ? [] : [String(key.split(' ')[0])],
      );
      if (first === undefined) throw new Error('Nothing is sold yet');
      return first;
    });
    await pause(1000);
    // And every store has it.
    const { replaced } = await platform.verify();
    let lookUps = 0;
    const looking = (async () => {
      while (!enough) {
        const { status, body } = await platform.get(`/v1/invoices/${known}`);
        expect({ status, invoiceNo: body.invoiceNo }).toEqual({ status: 200, invoiceNo: known });
        lookUps += 1;
        expect(await platform.select('SELECT count(*) > 0 FROM sales')).toEqual([[true]]);
        await pause(20);
      }
    })();
    while (lookUps <= 10) for (const store of STORES) await rebuilt(platform, store);
    expect((await platform.get('/v1/rebuild')).body).toEqual({ running: null });
    enough = true;
    await Promise.all([selling, looking]);
    expect(tills.flatMap((till) => [...till.refusals])).toEqual([]);
    await expectHeld(platform, tills);
    expect((await platform.verify()).replaced).toBeGreaterThanOrEqual(replaced);
    expect(existsSync(join(directory, 'rebuild'))).toBe(false);
    // Nothing keeps the stream long any more.
    await platform.statusWhen(({ stream }) => stream.trimmed === stream.newest);
  });

  it('takes in what imports have committed, the newest version of each line, and less what the ledger says', async () => {
    const directory = await freshDirectory('rebuild-ledger');
    let platform = await startPlatform(directory);
    await accept(platform, lines('800001', 300));
    await accept(platform, [line('800001', 7, { Description: 'corrected' })]);
    await platform.verify();
    await platform.stop();
    await appendUnusable(join(directory, 'stream'), [
      'what is this?\n',
      // The lake reads the first of its lines; the other stores take a record whole or not at all.
      `${JSON.stringify({ ...imported('800009', 1)[0], receivedAt: 1_700_000_000_000_000, position: 0, source: 'api' })}\n{"invoiceNo":"1"}\n`,
    ]);
    await putImport(join(directory, 'lake'), {
      id: '20261123-k7mq',
      // Before all that came by the door, and after it.
      parts: [imported('800001', 5, 'older'), imported('700001', 40)],
      receivedAt: 1_000_000_000_000_000,
    });
    await putImport(join(directory, 'lake'), {
      id: '20261124-k7mq',
      parts: [imported('800001', 2, 'newer'), imported('1', 1)],
      partsCommitted: 1,
    });
    platform = await startPlatform(directory);
    await expect.poll(async () => (await platform.status()).quarantine.waiting).toBe(5);
    const { entries } = (await platform.get('/v1/quarantine?store=warehouse')).body;
    expect((await platform.request('DELETE', `/v1/quarantine/${entries[0].id}`)).status).toBe(200);
    expect(await platform.verify()).toMatchObject({ agrees: false, replaced: 1 });
    const figures = { lines: 340, invoices: 2, revenue: '425' };
    for (const store of STORES) await rebuilt(platform, store, figures);
    const store = { agrees: true, lines: 340 };
    const lake = { ...store, lines: 341 };
    expect(await platform.verify()).toMatchObject({ agrees: true, replaced: 1, stores: [lake, store, store] });
    const { lines: held } = (await platform.get('/v1/invoices/800001')).body;
    const descriptions = held.slice(0, 8).map((each: { description: string }) => each.description);
    expect(descriptions).toEqual(['newer', 'newer', 'line 3', 'line 4', 'line 5', 'line 6', 'corrected', 'line 8']);
    // Once more: nothing changes, not a byte of what is seen.
    const before = await seen(platform, ['800001', '700001']);
    for (const each of STORES) await rebuilt(platform, each, figures);
    expect(await seen(platform, ['800001', '700001'])).toEqual(before);
    // And what comes next goes on from there, also after a start.
    await accept(platform, lines('800002', 10));
    expect(await platform.verify()).toMatchObject({
      agrees: true,
      stores: [{ lines: 351 }, { lines: 350 }, { lines: 350 }],
    });
    await platform.stop();
    platform = await startPlatform(directory);
    expect(await platform.verify()).toMatchObject({ agrees: true, replaced: 1 });
  });

  it.each(STORES)('of %s, which was deleted: the way out of stream_gap', async (store) => {
    const directory = await freshDirectory('rebuild-gap');
    let platform = await startPlatform(directory, KEEP_NOTHING);
    await accept(platform, lines('800001', 300));
    await platform.verify();
    await platform.statusWhen(({ stream }) => stream.newest !== null && stream.trimmed === stream.newest);
    const before = await seen(platform, ['800001']);
    await platform.stop();
    await rm(join(directory, store), { recursive: true });
    platform = await startPlatform(directory, KEEP_NOTHING);
    const status = await platform.statusWhen((found) => consumerOf(found, store).state === 'stopped');
    expect(consumerOf(status, store).error?.hint).toContain(`tillstream rebuild ${store}`);
    const run = await runCli(['rebuild', store, '--json', '--data-dir', directory]);
    expect({ code: run.code, stderr: run.stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(run.stdout)).toMatchObject({ store, lines: 300, invoices: 1, revenue: '375' });
    expect(await seen(platform, ['800001'])).toEqual(before);
    await accept(platform, lines('800002', 100));
    expect(await platform.verify()).toMatchObject(agreeing(400));
    expect(consumerOf(await platform.status(), store)).toMatchObject({ state: 'running', error: null });
    await platform.stop();
    platform = await startPlatform(directory, KEEP_NOTHING);
    expect(await platform.verify()).toMatchObject(agreeing(400));
  });

  it.each(STORES)('of %s, which was deleted, where the stream is whole but imports are not on it', async (store) => {
    const directory = await freshDirectory('rebuild-lost');
    let platform = await startPlatform(directory);
    const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
    const fileOf = (invoiceNo: string, quantity: string) =>
      `${header}\n${invoiceNo},MUG,Blue mug,${quantity},2010-12-13T08:26:00,1.25,17850,France\n`;
    // Rows of which none is a line, and then an import alone, are nothing lost.
    for (const [lines, quantity] of ['none', '1'].entries()) {
      expect(await upload(platform, [fileOf('700001', quantity)], { maxRejects: 100 })).toMatchObject({
        state: 'done',
        counts: { lines },
      });
      await platform.stop();
      platform = await startPlatform(directory);
      expect(await platform.verify()).toMatchObject(agreeing(lines));
    }
    await accept(platform, lines('800001', 300));
    expect(await platform.verify()).toMatchObject(agreeing(301));
    await platform.stop();
    await rm(join(directory, store), { recursive: true });
    platform = await startPlatform(directory);
    const status = await platform.statusWhen((found) => consumerOf(found, store).state === 'stopped');
    expect(consumerOf(status, store).error).toMatchObject({
      code: 'stream_gap',
      message: `The ${store} store is new, but imports have brought lines, which are not on the stream.`,
      hint: expect.stringContaining(`tillstream rebuild ${store}`),
    });
    // With another import in it, it would no longer look lost: that waits.
    await writeFile(join(directory, 'lake', 'inbox', 'more.csv'), fileOf('700002', '1'));
    const id = await beginFromInbox(platform, 'more.csv');
    await expect.poll(async () => (await platform.get(`/v1/imports/${id}`)).body.error?.code).toBe('stream_gap');
    await rebuilt(platform, store, { lines: 301, revenue: '376.25' });
    expect(await settled(platform, id)).toMatchObject({ state: 'done', counts: { lines: 1 } });
    expect(await platform.verify()).toMatchObject(agreeing(302));
  });

  it('that cannot be done, or is cancelled: the old store goes on, and nothing is left', async () => {
    const directory = await freshDirectory('rebuild-fails');
    const platform = await startPlatform(directory);
    await accept(platform, lines('800001', 300));
    await platform.verify();
    const lake = join(directory, 'lake');
    await putImport(lake, { id: '20261123-k7mq', parts: [imported('1', 1)] });
    await rm(join(lake, 'imports/20261123-k7mq/part-000001.parquet'));
    for (const store of STORES) {
      expect(await rebuild(platform, store)).toMatchObject({ status: 409, body: { code: 'lake_damaged' } });
    }
    await rm(join(lake, 'imports'), { recursive: true });
    const running = async () => (await platform.get('/v1/rebuild')).body.running;
    for (const store of STORES) {
      const gone = new AbortController();
      // Until one is seen: it may be quicker than this process.
      for (let isSeen = false; !isSeen; ) {
        let isOver = false;
        fetch(`${platform.url}/v1/rebuild/${store}`, { method: 'POST', signal: gone.signal })
          .catch(() => {}) // its request is given up
          .finally(() => {
            isOver = true;
          });
        while (!isSeen && !isOver) isSeen = (await running()) !== null;
      }
      gone.abort();
      await expect.poll(running).toBeNull();
    }
    expect(await rebuild(platform, 'lake')).toMatchObject({ status: 400, body: { code: 'invalid_parameter' } });
    expect(existsSync(join(directory, 'rebuild'))).toBe(false);
    await accept(platform, lines('800002', 100));
    expect(await platform.verify()).toMatchObject(agreeing(400));
  });
});

describe.runIf(dataset !== null)('a rebuild while an import runs', () => {
  it('of each store: the import stands still between two parts, goes on, and all stores agree', async () => {
    const directory = await freshDirectory('rebuild-import');
    const platform = await startPlatform(directory);
    const body = await readFile(dataset ?? '');
    const headers = { 'content-type': 'application/gzip' };
    const accepted = await fetch(`${platform.url}/v1/imports?name=online-retail.csv.gz`, {
      method: 'POST',
      headers,
      body,
    });
    const { id } = (await accepted.json()) as { id: string };
    expect(accepted.status).toBe(202);
    await begun(platform, id);
    await rebuilt(platform, 'orders');
    await importWhen(platform, id, ({ state }) => state === 'loading' || state === 'done');
    await rebuilt(platform, 'warehouse');
    expect(await settled(platform, id)).toMatchObject({ state: 'done' });
    const store = { lines: 541_909, invoices: 25_900, revenue: '9747747.934', agrees: true };
    expect(await platform.verify()).toMatchObject({ agrees: true, stores: [store, store, store] });
    for (const each of STORES) await rebuilt(platform, each, { lines: 541_909, revenue: '9747747.934' });
    expect(await platform.verify()).toMatchObject({ agrees: true, stores: [store, store, store] });
  });
});

const ROUNDS = process.env.TILLSTREAM_TEST_LONG === '1' ? 30 : 2;

describe('a platform that is killed during a rebuild', () => {
  it(`${ROUNDS} times: it starts, answers and agrees, and a rebuild goes well`, async () => {
    const chance = dice('kill during a rebuild');
    const directory = await freshDirectory('rebuild-killed');
    let platform = await startPlatform(directory, KEEP_NOTHING);
    let sent = 0;
    for (let round = 1; round <= ROUNDS; round += 1) {
      const store = STORES[round % 2] ?? 'orders';
      const invoiceNo = String(800_000 + round);
      await accept(platform, lines(invoiceNo, 400));
      sent += 400;
      const asked = rebuild(platform, store).catch(() => null);
      await pause(chance.between(0, 900));
      await accept(platform, lines(invoiceNo, 1, 401));
      sent += 1;
      await platform.kill();
      await asked;
      platform = await startPlatform(directory, KEEP_NOTHING);
      expect(await platform.verify(), `round ${round}, ${store}`).toMatchObject(agreeing(sent));
      expect(existsSync(join(directory, 'rebuild'))).toBe(false);
    }
    for (const store of STORES) await rebuilt(platform, store, { lines: sent });
    expect(await platform.verify()).toMatchObject(agreeing(sent));
  });
});
