// What verify does about imports: they stand still while the stores are read, and what of a file was rejected is missed by no store.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Verifiable, verify } from '../../src/platform/verify.ts';
import { openLmdbQuarantine } from '../../src/stores/quarantine/lmdb-quarantine.ts';
import type { Quarantine } from '../../src/stores/quarantine/quarantine.ts';

let directory: string;
let quarantine: Quarantine;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'tillstream-verify-'));
  quarantine = openLmdbQuarantine({ directory });
});
afterEach(async () => {
  await quarantine.close();
  await rm(directory, { recursive: true, force: true });
});

const NOTHING = { days: [], invoices: 0 };

/** A platform without lines, and what verify asks of it, in order. */
function watched(more: Partial<Verifiable> = {}): { platform: Verifiable; steps: string[] } {
  const steps: string[] = [];
  const step = (name: string): void => void steps.push(name);
  const platform: Verifiable = {
    stream: { bounds: async () => ({ trimmed: null, newest: '7' }) },
    quarantine,
    hold: async (upTo = 'at once') => step(`hold ${upTo}`),
    release: async () => step('release'),
    holdImports: async () => step('holdImports'),
    releaseImports: () => step('releaseImports'),
    finishRedrives: async () => {},
    async lakeDigest({ excluded, added }) {
      step(`lake without ${excluded.length}, with ${added.length}`);
      return NOTHING;
    },
    async ordersDigest() {
      step('orders');
      return { ...NOTHING, replaced: 0, wrongHeader: null };
    },
    async warehouseDigest() {
      step('warehouse');
      return NOTHING;
    },
    ...more,
  };
  return { platform, steps };
}

test('imports stand still before anything is read, and go on after it', async () => {
  const { platform, steps } = watched();
  await verify(platform);
  expect(steps).toEqual([
    'holdImports',
    'hold at once',
    'hold 7',
    'orders',
    'warehouse',
    'lake without 0, with 0',
    'releaseImports',
    'release',
  ]);
});

test('they go on when it fails, and when they cannot be held', async () => {
  const failing = async (): Promise<never> => {
    throw new Error('away');
  };
  for (const fails of ['holdImports', 'hold', 'ordersDigest'] as const) {
    const { platform, steps } = watched({ [fails]: failing });
    await expect(verify(platform)).rejects.toThrow('away');
    expect(steps.slice(-2)).toEqual(['releaseImports', 'release']);
  }
});

test('rejected rows of a file, waiting or discarded, are no lines that a store lacks', async () => {
  for (const row of [1, 2]) {
    await quarantine.put({
      id: `imports-20261123-k7mq-${row}`,
      store: 'imports',
      sequence: String(row),
      arrivedAtMs: 0,
      code: 'invalid_quantity',
      message: 'Quantity is "six".',
      attempts: 1,
      data: Buffer.from('{}'),
    });
  }
  await quarantine.settle('imports-20261123-k7mq-2', 'discarded');
  const { platform, steps } = watched();
  const { stores, agrees } = await verify(platform);
  expect(agrees).toBe(true);
  expect(stores.map(({ quarantined, discarded }) => quarantined + discarded)).toEqual([0, 0, 0]);
  expect(steps).toContain('lake without 0, with 0');
});
