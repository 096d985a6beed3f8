// Who has imports stand still, so that the stores can be compared, copied or built anew, waits for the part that has begun, and for
// no other.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ImportQueue } from '../../src/imports/import-queue.ts';
import { type ImportManifest, writeManifest } from '../../src/imports/manifest.ts';
import type { ImportWorker } from '../../src/imports/worker.ts';
import { createClock } from '../../src/model/clock.ts';
import { importsGap } from '../../src/stream/stream-gap.ts';
import { eventually } from '../support/eventually.ts';

const ID = '20261123-k7mq';
const PARTS = 3;

let lake: string;
let queue: ImportQueue;
/** What was asked for, in that order. */
let steps: string[];
/** Before the part of that number is loaded. */
let notLost: (part: number) => Promise<void>;

beforeEach(async () => {
  lake = await mkdtemp(path.join(tmpdir(), 'tillstream-import-queue-'));
  const directory = path.join(lake, 'imports', ID);
  await mkdir(directory, { recursive: true });
  await writeManifest(directory, MANIFEST);
  steps = [];
  notLost = async () => {};
  let looks = 0;
  const step = async (name: string): Promise<void> => {
    steps.push(name);
  };
  const worker: Pick<ImportWorker, 'loadOrders' | 'cancel' | 'end'> = {
    async loadOrders(part) {
      await step(`orders ${path.basename(part)}`);
      return { replaced: 0 };
    },
    cancel: async () => {},
    end: async () => {},
  };
  queue = new ImportQueue({
    lake,
    clock: createClock(),
    timeZone: 'UTC',
    dateOrder: null,
    diskReserveBytes: 0,
    quarantine: { putMany: async () => {} },
    log: () => {},
    assertRoom: () => {},
    startWorker: () => worker as ImportWorker,
    warehouse: {
      conflicts: () => Promise.reject(new Error('It was staged and checked before')),
      loadPart: (part) => step(`warehouse ${path.basename(part)}`),
    },
    reachNewest: async () => {},
    async assertNotLost() {
      looks += 1;
      await step(`look ${looks}`);
      await notLost(looks);
    },
  });
});
afterEach(async () => {
  await queue.close();
  await rm(lake, { recursive: true, force: true });
});

/** It has been staged, and nothing of it is loaded. */
const MANIFEST: ImportManifest = {
  ...{ format: 1, id: ID, state: 'loading', origin: 'upload', files: [], options: {}, readings: [] },
  ...{ question: null, error: null, createdAt: '2026-11-23T09:00:00.000Z', startedAt: '2026-11-23T09:00:00.000Z' },
  ...{ endedAt: null, counts: null, firstRejects: [], sameAs: null, receivedAt: 1_800_000_000_000_000 },
  staged: { parts: PARTS, rows: 3, lines: 3, rejected: 0, superseded: 0, invoices: 1, revenueE4: '0', files: [] },
  ...{ partsCommitted: 0, continued: 0, rejectsKept: true, cancelling: false, replaced: 0 },
};

const loaded = (part: number): string[] => [
  `look ${part}`,
  `orders part-00000${part}.parquet`,
  `warehouse part-00000${part}.parquet`,
];

test('a part that has begun is loaded before all stand still, also while it only looks whether it may; the next waits', async () => {
  let goOn = (): void => {};
  const going = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  notLost = async (part) => {
    if (part === 2) await going;
  };
  queue.start();
  await eventually(() => expect(steps.at(-1)).toBe('look 2'));
  const holding = queue.hold().then(() => steps.push('all stand still'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  goOn();
  await holding;
  expect(steps).toEqual([...loaded(1), ...loaded(2), 'all stand still']);
  queue.release();
  await eventually(() => expect(queue.get(ID)?.state).toBe('done'));
  expect(steps).toEqual([...loaded(1), ...loaded(2), 'all stand still', ...loaded(3)]);
});

test('a store that has lost what imports have brought keeps nobody from standing still: that is how it is built anew', async () => {
  notLost = async (look) => {
    if (look === 2) throw importsGap('warehouse');
  };
  queue.start();
  await eventually(() => expect(queue.get(ID)?.error?.code).toBe('stream_gap'));
  await queue.hold();
  expect(steps).toEqual([...loaded(1), 'look 2']);
  queue.release();
  // Once it is there again, the next try loads the part, and no longer says why it has waited.
  let holding: Promise<void> | null = null;
  notLost = async () => {
    holding ??= queue.hold();
  };
  await eventually(() => expect(holding).not.toBeNull());
  await holding;
  expect(queue.get(ID)).toMatchObject({ state: 'loading', error: null });
  expect(steps).toEqual([...loaded(1), 'look 2', 'look 3', ...loaded(2).slice(1)]);
});
