// What happens to the warehouse's file, and what it makes of it.
import { cp, mkdir, mkdtemp, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type DuckDbWarehouse, openDuckDbWarehouse } from '../../src/stores/warehouse/duckdb-warehouse.ts';
import { generateLines, recordsOf } from './lines.ts';

describe('warehouse (duckdb): faults', () => {
  let directory: string;
  const open = (name: string): Promise<DuckDbWarehouse> =>
    openDuckDbWarehouse({ directory: path.join(directory, name), loadDirectory: path.join(directory, name, 'load') });
  const records = recordsOf(generateLines(3, 2000).all);
  const checkpointAt = (count: number) => ({ streamId: 's', sequence: records[count - 1]?.sequence ?? '' });

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "tillstream-faults [x] *'"));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function runSql(file: string, sql: string): Promise<void> {
    const instance = await DuckDBInstance.create(file);
    const connection = await instance.connect();
    await connection.run(sql);
    connection.closeSync();
    instance.closeSync();
  }

  test('what load() has answered is in the files as they are at that moment, without closing', async () => {
    const warehouse = await open('running');
    for (const count of [10, 100, 200]) {
      await warehouse.load(records.slice(0, count), checkpointAt(count));
      await cp(path.join(directory, 'running'), path.join(directory, `copy-${count}`), { recursive: true });
      const copy = await open(`copy-${count}`);
      expect(await copy.checkpoint()).toEqual(checkpointAt(count));
      expect(await copy.digest()).toEqual(await warehouse.digest());
      await copy.close();
    }
    await warehouse.close();
  });

  test('while its log cannot be written it is unavailable and answers; then it goes on, and nothing is lost', async () => {
    const first = await open('w');
    await first.load(records.slice(0, 100), checkpointAt(100));
    await first.close();
    const warehouse = await open('w');
    const before = await warehouse.digest();
    const log = path.join(directory, 'w', 'warehouse.duckdb.wal');
    await mkdir(log); // Not to be opened as a file; DuckDB makes its log with the first write.
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(warehouse.load(records, checkpointAt(records.length))).rejects.toMatchObject({
        code: 'unavailable',
      });
    }
    await rmdir(log);
    expect(await warehouse.digest()).toEqual(before);
    expect(await warehouse.checkpoint()).toEqual(checkpointAt(100));
    await warehouse.load(records, checkpointAt(records.length));
    const after = await warehouse.digest();
    await warehouse.close();
    const again = await open('w');
    expect(await again.digest()).toEqual(after);
    expect(await again.checkpoint()).toEqual(checkpointAt(records.length));
    await again.close();
  });

  test('a load directory that has gone is unavailable, not a bad record', async () => {
    const warehouse = await open('w');
    await rm(path.join(directory, 'w', 'load'), { recursive: true });
    await expect(warehouse.load(records)).rejects.toMatchObject({ code: 'unavailable' });
    await mkdir(path.join(directory, 'w', 'load'));
    await warehouse.load(records);
    await warehouse.close();
  });

  test('batches that a crash has left behind are removed, other files are not', async () => {
    await mkdir(path.join(directory, 'w', 'load'), { recursive: true });
    await writeFile(path.join(directory, 'w', 'load', '7.ndjson'), 'half a batch');
    await writeFile(path.join(directory, 'w', 'load', 'notes.txt'), 'a person’s');
    const warehouse = await open('w');
    await warehouse.load(records);
    await warehouse.close();
    expect(await readdir(path.join(directory, 'w', 'load'))).toEqual(['notes.txt']);
  });

  test('a file that a newer version wrote is left alone, and the way out is said', async () => {
    await (await open('w')).close();
    await runSql(path.join(directory, 'w', 'warehouse.duckdb'), 'UPDATE tillstream.schema_version SET version = 999');
    const failure = await open('w').catch((error) => error);
    expect(failure).toMatchObject({
      code: 'directory_too_new',
      hint: expect.stringContaining('another data directory'),
    });
    await runSql(path.join(directory, 'w', 'warehouse.duckdb'), 'UPDATE tillstream.schema_version SET version = 2');
    await (await open('w')).close();
  });

  test('a path that DuckDB would read otherwise is refused before anything is made', async () => {
    await expect(open('what?')).rejects.toMatchObject({ code: 'wrong_usage' });
    expect(await readdir(directory)).toEqual([]);
  });

  test('after closing, calls are unavailable; closing again is nothing', async () => {
    const warehouse = await open('w');
    await warehouse.close();
    await warehouse.close();
    await expect(warehouse.load(records)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(warehouse.digest()).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('closing lets a load finish', async () => {
    const warehouse = await open('w');
    const loading = warehouse.load(records, checkpointAt(records.length));
    await new Promise((resolve) => setTimeout(resolve, 5));
    await warehouse.close();
    const outcome = await loading.then(
      () => 'stored',
      (error) => error.code,
    );
    const again = await open('w');
    expect(await again.checkpoint()).toEqual(outcome === 'stored' ? checkpointAt(records.length) : null);
    await again.close();
  });

  test('a file that is damaged: the way out is named', async () => {
    const warehouse = await open('w');
    await warehouse.close();
    await writeFile(path.join(directory, 'w', 'warehouse.duckdb'), 'no longer what it was');
    await expect(open('w')).rejects.toMatchObject({
      code: 'unavailable',
      hint: expect.stringContaining('tillstream rebuild warehouse'),
    });
  });
});
