// What every quarantine must do: run against each adapter.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { everyEntry, type NewQuarantineEntry, type Quarantine } from '../../src/stores/quarantine/quarantine.ts';

/** Where a quarantine lies: opened any number of times, each opening seeing what the others have put. */
export interface QuarantineBackend {
  open(): Promise<Quarantine>;
  /** Closes what open() gave, and removes everything. */
  dispose(): Promise<void>;
}

function entry(number: number, fields: Partial<NewQuarantineEntry> = {}): NewQuarantineEntry {
  const store = fields.store ?? 'orders';
  const sequence = String(number).padStart(16, '0');
  return {
    id: `${store}-${sequence}`,
    store,
    sequence,
    arrivedAtMs: 1_700_000_000_000 + number,
    code: 'unusable_record',
    message: `Record ${sequence} is not NDJSON`,
    attempts: 1,
    data: Buffer.from([0, 255, 10, number]),
    ...fields,
  };
}

async function ids(quarantine: Quarantine, filter: Omit<Parameters<Quarantine['list']>[0], 'limit'> = {}) {
  return (await quarantine.list({ limit: 100, ...filter })).map(({ id }) => id);
}

export function quarantineContract(name: string, makeBackend: () => Promise<QuarantineBackend>): void {
  describe(`quarantine (${name})`, () => {
    let backend: QuarantineBackend;
    let quarantine: Quarantine;

    beforeEach(async () => {
      backend = await makeBackend();
      quarantine = await backend.open();
    });

    afterEach(() => backend.dispose());

    test('an entry waits whole, with its reason, for every opening', async () => {
      const before = Date.now();
      await quarantine.put(entry(1));
      const other = await backend.open();
      for (const each of [quarantine, other]) {
        const found = await each.get('orders-0000000000000001');
        expect(found).toEqual({
          ...entry(1),
          state: 'waiting',
          redriving: false,
          bytes: 4,
          quarantinedAtMs: expect.any(Number),
        });
        expect(found?.quarantinedAtMs).toBeGreaterThanOrEqual(before);
      }
      expect(await quarantine.counts()).toEqual({ waiting: 1, redriven: 0, discarded: 0 });
    });

    test('what is not there is null, and cannot be settled', async () => {
      for (const id of ['orders-1', '', 'x'.repeat(5000), '\u0000']) {
        expect(await quarantine.get(id)).toBeNull();
        await expect(quarantine.settle(id, 'redriven')).rejects.toMatchObject({ code: 'not_found' });
        await expect(quarantine.beginRedrive(id)).rejects.toMatchObject({ code: 'not_found' });
      }
    });

    test('the same failure put again is one entry: newest reason and attempts, first time', async () => {
      await quarantine.put(entry(1));
      const first = await quarantine.get(entry(1).id);
      await quarantine.put(entry(1, { attempts: 4, code: 'pipeline_failed', message: 'now otherwise' }));
      expect(await quarantine.get(entry(1).id)).toEqual({
        ...first,
        attempts: 4,
        code: 'pipeline_failed',
        message: 'now otherwise',
      });
      expect(await quarantine.counts()).toEqual({ waiting: 1, redriven: 0, discarded: 0 });
    });

    test('settled entries stay in the ledger, and one that fails again waits again', async () => {
      for (const number of [1, 2, 3]) await quarantine.put(entry(number));
      await quarantine.settle(entry(1).id, 'redriven');
      await quarantine.settle(entry(2).id, 'discarded');
      expect(await quarantine.counts()).toEqual({ waiting: 1, redriven: 1, discarded: 1 });
      expect((await quarantine.get(entry(2).id))?.data).toEqual(entry(2).data);
      await quarantine.put(entry(1, { attempts: 2 }));
      expect(await quarantine.get(entry(1).id)).toMatchObject({ state: 'waiting', attempts: 2 });
      expect(await quarantine.counts()).toEqual({ waiting: 2, redriven: 0, discarded: 1 });
    });

    test('what is settled stays so: given up while its store has it, every store would seem to differ', async () => {
      for (const number of [1, 2]) await quarantine.put(entry(number));
      await quarantine.settle(entry(1).id, 'redriven');
      await quarantine.settle(entry(2).id, 'discarded');
      for (const number of [1, 2]) {
        for (const state of ['redriven', 'discarded'] as const) {
          await expect(quarantine.settle(entry(number).id, state)).rejects.toMatchObject({ code: 'conflict' });
        }
      }
      await expect(quarantine.beginRedrive(entry(1).id)).rejects.toMatchObject({ code: 'conflict' });
      expect(await quarantine.counts()).toEqual({ waiting: 0, redriven: 1, discarded: 1 });
    });

    test('of many that settle at once, one does', async () => {
      await quarantine.put(entry(1));
      const other = await backend.open();
      const settled = await Promise.allSettled([
        quarantine.settle(entry(1).id, 'redriven'),
        other.settle(entry(1).id, 'discarded'),
        quarantine.settle(entry(1).id, 'discarded'),
      ]);
      expect(settled.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    });

    test('a redrive that has begun is marked until it ends, and its entry cannot be given up meanwhile', async () => {
      for (const number of [1, 2]) await quarantine.put(entry(number));
      await quarantine.settle(entry(2).id, 'discarded');
      for (const number of [1, 2]) {
        await quarantine.beginRedrive(entry(number).id);
        await quarantine.beginRedrive(entry(number).id);
        expect(await quarantine.get(entry(number).id)).toMatchObject({ state: 'waiting', redriving: true });
        await expect(quarantine.settle(entry(number).id, 'discarded')).rejects.toMatchObject({ code: 'conflict' });
      }
      expect(await quarantine.counts()).toEqual({ waiting: 2, redriven: 0, discarded: 0 });
      await quarantine.settle(entry(1).id, 'redriven');
      expect(await quarantine.get(entry(1).id)).toMatchObject({ state: 'redriven', redriving: false });
      await quarantine.put(entry(2, { attempts: 2 }));
      expect(await quarantine.get(entry(2).id)).toMatchObject({ state: 'waiting', redriving: false });
      await quarantine.settle(entry(2).id, 'discarded');
    });

    test('a list holds no records, but their sizes: they may be more than memory', async () => {
      await quarantine.put(entry(1, { data: Buffer.alloc(200_000, 7) }));
      const [listed] = await quarantine.list({ limit: 10 });
      expect(listed).not.toHaveProperty('data');
      expect(listed?.bytes).toBe(200_000);
    });

    test('every entry is found, beyond a page', async () => {
      const numbers = Array.from({ length: 1001 }, (_, index) => index);
      await Promise.all(numbers.map((number) => quarantine.put(entry(number))));
      await quarantine.put(entry(1, { store: 'lake' }));
      const found: string[] = [];
      for await (const { id } of everyEntry(quarantine, { state: 'waiting', store: 'orders' })) found.push(id);
      expect(found).toEqual(numbers.map((number) => entry(number).id));
    });

    test('a list that leaves out many lets its thread do other things meanwhile, and finds what comes behind them', async () => {
      const rows = Array.from({ length: 5000 }, (_, number) => entry(number, { store: 'imports' }));
      await quarantine.putMany(rows);
      await quarantine.settle(entry(3, { store: 'imports' }).id, 'discarded');
      await quarantine.settle(entry(4999, { store: 'imports' }).id, 'discarded');
      await quarantine.put(entry(1));
      let turns = 0;
      let isFound = false;
      const count = (): void => {
        turns += 1;
        if (!isFound) setImmediate(count);
      };
      setImmediate(count);
      expect(await ids(quarantine, { state: 'discarded' })).toEqual(
        [3, 4999].map((number) => entry(number, { store: 'imports' }).id),
      );
      isFound = true;
      expect(turns).toBeGreaterThan(0);
      expect(await quarantine.list({ limit: 10_000 })).toHaveLength(5001);
      expect(await ids(quarantine, { after: entry(4999, { store: 'imports' }).id })).toEqual([entry(1).id]);
    });

    test('a list is in order of id, filtered by state and store, and goes on after an id', async () => {
      for (const number of [12, 3, 1]) await quarantine.put(entry(number));
      await quarantine.put(entry(2, { store: 'warehouse' }));
      await quarantine.put(entry(2, { store: 'lake' }));
      await quarantine.settle(entry(3).id, 'redriven');
      const lake = 'lake-0000000000000002';
      const [one, three, twelve] = [1, 3, 12].map((number) => entry(number).id);
      const warehouse = 'warehouse-0000000000000002';
      expect(await ids(quarantine)).toEqual([lake, one, three, twelve, warehouse]);
      expect(await ids(quarantine, { state: 'waiting' })).toEqual([lake, one, twelve, warehouse]);
      expect(await ids(quarantine, { store: 'orders' })).toEqual([one, three, twelve]);
      expect(await ids(quarantine, { store: 'orders', state: 'redriven' })).toEqual([three]);
      expect(await ids(quarantine, { after: one ?? null })).toEqual([three, twelve, warehouse]);
      expect(await ids(quarantine, { after: 'orders-' })).toEqual([one, three, twelve, warehouse]);
      expect(await ids(quarantine, { after: null })).toHaveLength(5);
      const pages: string[] = [];
      for (let after: string | null = null; ; ) {
        const [found] = await quarantine.list({ state: 'waiting', after, limit: 1 });
        if (found === undefined) break;
        pages.push(found.id);
        after = found.id;
      }
      expect(pages).toEqual([lake, one, twelve, warehouse]);
    });

    test('entries put and settled at once by several openings are all counted', async () => {
      const other = await backend.open();
      const numbers = Array.from({ length: 30 }, (_, index) => index);
      await Promise.all(numbers.map((number) => (number % 2 === 0 ? quarantine : other).put(entry(number))));
      await Promise.all(
        numbers.map((number) => {
          const settler = number % 3 === 0 ? quarantine : other;
          return settler.settle(entry(number).id, number % 2 === 0 ? 'redriven' : 'discarded');
        }),
      );
      expect(await quarantine.counts()).toEqual({ waiting: 0, redriven: 15, discarded: 15 });
    });

    test('what was put and settled is there for a new opening', async () => {
      await quarantine.put(entry(1));
      await quarantine.put(entry(2, { data: Buffer.alloc(200_000, 7) }));
      await quarantine.settle(entry(1).id, 'discarded');
      await quarantine.close();
      const again = await backend.open();
      expect(await again.get(entry(1).id)).toMatchObject({ state: 'discarded' });
      expect((await again.get(entry(2).id))?.data).toEqual(Buffer.alloc(200_000, 7));
      expect(await again.counts()).toEqual({ waiting: 1, redriven: 0, discarded: 1 });
    });
  });
}
