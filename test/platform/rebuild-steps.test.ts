// In which order a rebuild has the platform stand still and go on, whatever becomes of it. What the steps themselves do is in
// rebuild.test.ts, on real platforms.
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TillstreamError } from '../../src/model/errors.ts';
import { type Rebuildable, rebuild } from '../../src/platform/rebuild.ts';
import type { BuildOrder } from '../../src/platform/rebuild-thread.ts';
import { openLmdbQuarantine } from '../../src/stores/quarantine/lmdb-quarantine.ts';
import type { Quarantine } from '../../src/stores/quarantine/quarantine.ts';

let root: string;
let quarantine: Quarantine;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'tillstream-rebuild-steps-'));
  await mkdir(path.join(root, 'orders'));
  quarantine = openLmdbQuarantine({ directory: path.join(root, 'state') });
});
afterEach(async () => {
  vi.useRealTimers();
  await quarantine.close();
  await rm(root, { recursive: true, force: true });
});

const TOTALS = { lines: 3, invoices: 2, revenue: '25.25' };

/**
 * A platform whose stream grows by one record a look.
 * @param at called before each step, by its name
 */
function watched(at: (step: string) => void | Promise<void> = () => {}) {
  const steps: string[] = [];
  const orders: BuildOrder[] = [];
  const step = (name: string): void | Promise<void> => {
    steps.push(name);
    return at(name);
  };
  let newest = 6;
  const platform: Rebuildable = {
    stream: {
      async bounds() {
        newest += 1;
        return { trimmed: null, newest: String(newest) };
      },
    },
    streamId: 'stream',
    quarantine,
    holdImports: async () => step('holdImports'),
    releaseImports: () => step('releaseImports'),
    holdOne: async (store, upTo = 'at once') => step(`hold ${store} ${upTo}`),
    releaseOne: async (store) => step(`release ${store}`),
    passedBy: async () => '2',
    keepStreamFrom: (floor) => step(`keep from ${floor}`),
    catchUp: async () => step('catchUp'),
    swap: async () => step('swap'),
    abandon: async () => step('abandon'),
    reopen: async () => step('reopen'),
  };
  const thread = {
    call: (async (method: string, order: BuildOrder) => {
      if (method === 'build') orders.push(order);
      await step(method);
      return TOTALS;
    }) as Parameters<typeof rebuild>[1]['call'],
    end: async () => step('end'),
  };
  const gone = new AbortController();
  const wish = { store: 'orders', dataDirectory: root, diskReserveBytes: 0 } as const;
  return { steps, orders, gone, run: () => rebuild(platform, thread, wish, () => {}, gone.signal) };
}

const PINNED = [
  'holdImports',
  'hold lake at once',
  'hold lake 7',
  'hold orders at once',
  'hold orders 7',
  'keep from 7',
  'release orders',
  'release lake',
];
const GOES_ON = ['keep from null', 'release orders', 'releaseImports'];

describe('a rebuild', () => {
  test('pins lake and store, keeps the stream from there, catches up, swaps, and lets everything go', async () => {
    const { steps, run, orders } = watched();
    expect(await run()).toMatchObject({ store: 'orders', ...TOTALS, sequence: '7' });
    expect(steps).toEqual([...PINNED, 'build', 'totals', 'end', 'catchUp', 'swap', 'reopen', ...GOES_ON]);
    expect(orders).toMatchObject([{ from: null, upTo: '7', excluded: [], added: [] }]);
    expect((await readdir(root)).sort()).toEqual(['orders', 'state']);
  });

  /** @param seconds of each round */
  async function inRounds(seconds: readonly number[]) {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
    const waiting = [...seconds];
    const seen = watched(async (step) => {
      if (step === 'build') await vi.advanceTimersByTimeAsync((waiting.shift() ?? 0) * 1000);
    });
    await seen.run();
    expect(waiting).toEqual([]);
    return seen;
  }

  test('takes in what came during a long round by another, until one is short', async () => {
    const { orders } = await inRounds([3600, 360, 36, 3.6, 0.4]);
    expect(orders.map(({ from, upTo }) => [from, upTo])).toEqual([
      [null, '7'],
      ['7', '8'],
      ['8', '9'],
      ['9', '10'],
      ['10', '11'],
    ]);
  });

  test('leaves the rest to the stream where rounds do not get shorter', async () => {
    const { orders } = await inRounds([3600, 30, 29, 31]);
    expect(orders).toHaveLength(4);
  });

  test('lets the stream go during a long round, as the next reads the lake; not during the last', async () => {
    const { steps } = await inRounds([60, 10, 10, 10]);
    const order = steps.filter((step) => step.startsWith('keep') || step === 'build' || step === 'catchUp');
    const rounds = [7, 8, 9].flatMap((newest) => [`keep from ${newest}`, 'build', 'keep from null']);
    expect(order).toEqual([...rounds, 'keep from 10', 'build', 'catchUp', 'keep from null']);
  });

  test('leaves out what the ledger says of the store, and adds what the lake could not take', async () => {
    const entry = {
      arrivedAtMs: 0,
      code: 'pipeline_failed',
      message: '',
      attempts: 1,
      data: Buffer.from('{}'),
    } as const;
    await quarantine.put({ id: 'orders-3', store: 'orders', sequence: '3', ...entry });
    await quarantine.put({ id: 'orders-4', store: 'orders', sequence: '4', ...entry });
    await quarantine.put({ id: 'lake-5', store: 'lake', sequence: '5', ...entry });
    await quarantine.put({ id: 'warehouse-6', store: 'warehouse', sequence: '6', ...entry });
    await quarantine.put({ id: 'imports-a-1', store: 'imports', sequence: '1', ...entry });
    await quarantine.settle('orders-4', 'discarded');
    const { run, orders } = watched();
    await run();
    expect([...(orders[0]?.excluded ?? [])].sort()).toEqual(['3', '4']);
    expect(orders[0]?.added).toEqual(['lake-5']);
  });

  test('of a store that cannot be brought to the record: it stays where it is, and the stream keeps what it lacks', async () => {
    const { steps, run } = watched((step) => {
      if (step === 'hold orders 7') throw new TillstreamError('stream_gap', 'gone');
    });
    await run();
    const pinned = steps.slice(0, steps.indexOf('build'));
    expect(pinned.slice(4)).toEqual(['hold orders 7', 'hold orders at once', 'keep from 2', 'release lake']);
    expect(steps.slice(-3)).toEqual(GOES_ON);
  });

  test('needs the lake: without it nothing is built', async () => {
    const { steps, run } = watched((step) => {
      if (step === 'hold lake 7') throw new TillstreamError('stream_gap', 'The lake store is new');
    });
    await expect(run()).rejects.toMatchObject({ code: 'stream_gap' });
    expect(steps).not.toContain('build');
    expect(steps.slice(-4)).toEqual(['abandon', ...GOES_ON]);
  });
});

describe('a rebuild that fails or is cancelled', () => {
  test.each(['build', 'catchUp', 'swap'])('at %s: the old store goes on', async (failing) => {
    const { steps, run } = watched((step) => {
      if (step === failing) throw new TillstreamError('unavailable', 'away');
    });
    await expect(run()).rejects.toMatchObject({ code: 'unavailable' });
    expect(steps.slice(-5)).toEqual(['end', 'abandon', ...GOES_ON]);
    expect((await readdir(root)).sort()).toEqual(['orders', 'state']);
  });

  test.each(['holdImports', 'hold lake 7', 'hold orders 7', 'build', 'totals', 'catchUp'])(
    'cancelled at "%s": it never swaps',
    async (at) => {
      const { steps, run, gone } = watched((step) => {
        if (step === at) gone.abort();
      });
      await expect(run()).rejects.toMatchObject({ code: 'shutting_down' });
      expect(steps).not.toContain('swap');
      expect(steps.slice(-4)).toEqual(['abandon', ...GOES_ON]);
    },
  );
});
