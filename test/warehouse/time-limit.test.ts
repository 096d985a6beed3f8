import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { endedBy, withTimeLimit } from '../../src/stores/warehouse/duckdb-time-limit.ts';

const RUNAWAY = 'SELECT count(*) FROM range(100000000) a, range(1000) b WHERE a.range + b.range = -1';

describe('warehouse (duckdb): a time limit', () => {
  let instance: DuckDBInstance;
  let connection: DuckDBConnection;
  const late = (): Error => new Error('late');
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  beforeEach(async () => {
    instance = await DuckDBInstance.create(':memory:');
    connection = await instance.connect();
  });

  afterEach(() => {
    connection.closeSync();
    instance.closeSync();
  });

  test('ends what begins only after its time was up: that interrupt had nothing to stop', async () => {
    const limited = withTimeLimit(connection, 20, late, async () => {
      await pause(50);
      await connection.run(RUNAWAY);
    });
    await expect(limited).rejects.toThrow('late');
  });

  test('leaves what is in time alone, its failures too, and what comes after', async () => {
    expect(await withTimeLimit(connection, 50, late, async () => 'done')).toBe('done');
    const failing = withTimeLimit(connection, 50, late, () => Promise.reject(new Error('its own')));
    await expect(failing).rejects.toThrow('its own');
    await pause(100);
    await connection.run('SELECT count(*) FROM range(10000000)');
  });
});

describe('warehouse (duckdb): work that is not wanted any more', () => {
  test.each([
    ['while it runs', 50],
    ['before it begins', 0],
  ])('ends when its signal is aborted %s; without, it comes to its end', async (_when, afterMs) => {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const signal = afterMs === 0 ? AbortSignal.abort() : AbortSignal.timeout(afterMs);
    await expect(endedBy(signal, connection, () => connection.run(RUNAWAY))).rejects.toThrow(/interrupt/i);
    expect(await endedBy(new AbortController().signal, connection, async () => 'done')).toBe('done');
    connection.closeSync();
    instance.closeSync();
  });
});
