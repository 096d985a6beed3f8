// A redrive that is cut off, wherever: the ledger says in the end what the store holds, and verify agrees.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TillstreamError } from '../../src/model/errors.ts';
import { createArchiveRaw } from '../../src/pipelines/archive-raw.ts';
import type { Pipeline } from '../../src/pipelines/pipeline.ts';
import { hostConsumers } from '../../src/platform/consumer-host.ts';
import { verify } from '../../src/platform/verify.ts';
import { digestLake } from '../../src/stores/lake/duckdb-lake-digest.ts';
import { openFileStore } from '../../src/stores/lake/file-store.ts';
import type { Quarantine } from '../../src/stores/quarantine/quarantine.ts';
import { Delivery, numbered } from '../faults/delivery.ts';
import { away, crashAfter, throwingOn } from '../faults/fault-pipeline.ts';

const BATCH = { recordsMax: 100, bytesMax: 2 ** 20, lingerMs: 0, restMs: 0 };
const BAD = '536367';

let delivery: Delivery;
let lake: string;
let id: string;
const hosts: ReturnType<typeof hostConsumers>[] = [];

function host(pipelines: readonly Pipeline[], quarantine: Quarantine = delivery.quarantine) {
  const { stream, head, log } = delivery;
  const hosted = hostConsumers({
    stream,
    head,
    quarantine,
    pipelines: pipelines.map((pipeline) => ({ pipeline, batch: BATCH })),
    log: (_level, message) => log.push(message),
  });
  hosts.push(hosted);
  return hosted;
}

/** After a restart, what the operator would see: orders stand for the warehouse, too. */
async function verified(hosted: ReturnType<typeof hostConsumers>) {
  const held = (upTo?: string): Promise<void> => hosted.hold(upTo);
  return verify({
    stream: delivery.stream,
    quarantine: delivery.quarantine,
    hold: held,
    release: async () => hosted.release(),
    holdImports: async () => {},
    releaseImports: () => {},
    finishRedrives: () => hosted.finishRedrives(),
    lakeDigest: ({ excluded }) => digestLake({ directory: lake, temporaryDirectory: `${lake}-spill`, excluded }),
    ordersDigest: () => delivery.orders.digest(),
    warehouseDigest: () => digestLake({ directory: lake, temporaryDirectory: `${lake}-spill` }),
  });
}

const archive = (): Pipeline => createArchiveRaw(openFileStore(lake));

beforeEach(async () => {
  delivery = await Delivery.open();
  lake = await mkdtemp(path.join(tmpdir(), 'tillstream-redrive-'));
  const sequences = await delivery.appendAll(numbered(5));
  id = `orders-${sequences[2]}`;
  const broken = host([throwingOn(delivery.pipeline, (text) => text.includes(BAD)), archive()]);
  await broken.start();
  await expect.poll(async () => (await delivery.waiting()).map((entry) => entry.id)).toEqual([id]);
  await expect.poll(() => broken.status().map(({ checkpoint }) => checkpoint)).toEqual([sequences[4], sequences[4]]);
  await broken.stop();
});
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((hosted) => hosted.stop()));
  await delivery.close();
  await rm(lake, { recursive: true, force: true });
  await rm(`${lake}-spill`, { recursive: true, force: true });
});

/** A quarantine whose process dies at one of its calls: before it is on disk, or after. */
function dying(at: 'beginRedrive' | 'settle', moment: 'before' | 'after', died: () => void): Quarantine {
  const { quarantine } = delivery;
  const die = async (): Promise<never> => {
    died();
    return new Promise<never>(() => {});
  };
  return {
    ...quarantine,
    async beginRedrive(entry) {
      if (at === 'beginRedrive' && moment === 'before') return die();
      await quarantine.beginRedrive(entry);
      if (at === 'beginRedrive') await die();
    },
    async settle(entry, state) {
      if (at === 'settle' && moment === 'before') return die();
      await quarantine.settle(entry, state);
      if (at === 'settle') await die();
    },
  };
}

/** Starts a redrive, and resolves when its process is dead. */
function redriveUntilDeath(make: (died: () => void) => ReturnType<typeof hostConsumers>): Promise<void> {
  return new Promise((resolve, reject) => {
    const hosted = make(resolve);
    hosted.start().then(() => hosted.redrive('orders', id), reject);
  });
}

describe('a kill within a redrive', () => {
  test.each([
    [
      'before its entry is marked',
      'waiting',
      (died: () => void) => host([delivery.pipeline], dying('beginRedrive', 'before', died)),
    ],
    [
      'when it is marked',
      'redriven',
      (died: () => void) => host([delivery.pipeline], dying('beginRedrive', 'after', died)),
    ],
    ['when the store has the record', 'redriven', (died: () => void) => host([crashAfter(delivery.pipeline, 1, died)])],
    [
      'before its entry is settled',
      'redriven',
      (died: () => void) => host([delivery.pipeline], dying('settle', 'before', died)),
    ],
    ['when it is settled', 'redriven', (died: () => void) => host([delivery.pipeline], dying('settle', 'after', died))],
  ] as const)('%s: after a start the entry is %s, and the stores agree', async (_when, state, make) => {
    await redriveUntilDeath(make);
    const restarted = host([delivery.pipeline, archive()]);
    await restarted.start();
    expect(await delivery.quarantine.get(id)).toMatchObject({ state, redriving: false });
    expect(await delivery.stored([BAD])).toEqual(state === 'redriven' ? [BAD] : []);
    const [, orders] = (await verified(restarted)).stores;
    expect(orders).toMatchObject({ agrees: true, quarantined: state === 'waiting' ? 1 : 0 });
    expect(await restarted.redrive('orders', id)).toMatchObject({ state: 'redriven' });
    expect((await verified(restarted)).agrees).toBe(true);
  });
});

test('a store that goes away within a redrive: verify finishes it before it compares', async () => {
  let back = true;
  const flaky = away(delivery.pipeline, () => back);
  const hosted = host([flaky, archive()]);
  await hosted.start();
  await hosted.hold();
  hosted.release();
  // The store takes the record and does not say so.
  const { process } = flaky;
  Object.assign(flaky, {
    async process(...call: Parameters<Pipeline['process']>) {
      await process(...call);
      back = false;
      throw new TillstreamError('unavailable', 'The answer was lost');
    },
  });
  await expect(hosted.redrive('orders', id)).rejects.toMatchObject({ code: 'unavailable' });
  expect(await delivery.quarantine.get(id)).toMatchObject({ state: 'waiting', redriving: true });
  expect(await delivery.stored([BAD])).toEqual([BAD]);
  Object.assign(flaky, { process });
  back = true;
  expect((await verified(hosted)).agrees).toBe(true);
  expect(await delivery.quarantine.get(id)).toMatchObject({ state: 'redriven' });
});

test('a record that fails again waits again, unmarked, and can be given up', async () => {
  const hosted = host([throwingOn(delivery.pipeline, (text) => text.includes(BAD)), archive()]);
  await hosted.start();
  expect(await hosted.redrive('orders', id)).toMatchObject({ state: 'waiting' });
  expect(await delivery.quarantine.get(id)).toMatchObject({ state: 'waiting', redriving: false, attempts: 2 });
  await delivery.quarantine.settle(id, 'discarded');
  const [, orders] = (await verified(hosted)).stores;
  expect(orders).toMatchObject({ agrees: true, discarded: 1 });
});
