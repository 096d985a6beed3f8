// Imports in a backup: what their manifests committed when all stood still, and the files they were made from; nothing of the
// inbox. (The lines of these are in the other stores from before: the lake alone has them as parts.)
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Line } from '../../src/model/line.ts';
import { copyManifests, objectsOfBackup } from '../../src/platform/backup-objects.ts';
import { proveCopies } from '../../src/platform/prove-copies.ts';
import { openFileStore } from '../../src/stores/lake/file-store.ts';
import { accept, agreeing, lines } from '../faults/lines.ts';
import { runCli } from '../support/cli.ts';
import { putImport } from '../support/lake-import.ts';
import { endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';

afterEach(endPlatforms);

/** As `lines()` of the door are in the stores. */
function imported(invoiceNo: string, first: number, count: number): Line[] {
  return Array.from({ length: count }, (_, index) => ({
    invoiceNo,
    lineId: String(first + index).padStart(6, '0'),
    stockCode: 'MUG',
    description: `line ${first + index}`,
    quantity: 1,
    invoiceDate: '2011-12-24T09:00:00',
    unitPrice: 1.25,
    customerId: '17850',
    country: 'France',
  }));
}

const OF_TWO = [imported('600001', 1, 10), imported('600001', 11, 20)];

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1)).sort();
}

describe('a backup of a platform with imports', () => {
  it.each(['monday', 'monday.tar'])('%s: restored, it has what was committed then, and can go on', async (name) => {
    const directory = await freshDirectory('imports');
    const data = join(directory, 'data');
    const lake = join(data, 'lake');
    let platform = await startPlatform(data);
    await accept(platform, lines('600001', 30));
    expect(await platform.verify()).toMatchObject(agreeing(30));
    await platform.stop();
    await rm(join(lake, 'raw'), { recursive: true });
    await putImport(lake, { id: '20261123-done', parts: OF_TWO });
    await putImport(lake, { id: '20261124-some', parts: [imported('1', 1, 5)], partsCommitted: 0 });
    await writeFile(join(lake, 'imports/20261123-done/rejects.ndjson'), '{"row":7}\n');
    // On its way in.
    await mkdir(join(lake, 'imports/20261125-next'));
    await writeFile(join(lake, 'imports/20261125-next/source-001'), 'half');
    await mkdir(join(lake, 'inbox/a directory'), { recursive: true });
    for (const odd of ['may 2011.csv', 'a\nb', '-', 'Größe.csv', 'x'.repeat(250)]) {
      await writeFile(join(lake, 'inbox', odd), 'InvoiceNo\n');
    }
    await symlink('nowhere', join(lake, 'inbox/link'));
    platform = await startPlatform(data);
    const path = join(directory, name);
    const body = JSON.stringify({ path });
    const taken = await platform.request('POST', '/v1/backups', body, 'application/json');
    expect(taken).toMatchObject({ status: 201, body: agreeing(30) });

    if (name === 'monday') {
      // Compared is what was committed then, also once more is.
      await putImport(lake, { id: '20261124-some', parts: [imported('1', 1, 5)] });
      const { report } = await proveCopies({ directory: path, lake, sequence: taken.body.sequence });
      expect(report).toMatchObject(agreeing(30));
    }

    const restored = join(directory, 'restored');
    expect(await runCli(['restore', path, '--data-dir', restored])).toMatchObject({ code: 0 });
    expect(await filesBelow(join(restored, 'lake'))).toEqual([
      'imports/20261123-done/manifest.json',
      'imports/20261123-done/part-000001.parquet',
      'imports/20261123-done/part-000002.parquet',
      'imports/20261123-done/rejects.ndjson',
      'imports/20261123-done/source-001',
      'imports/20261124-some/manifest.json',
      'imports/20261124-some/source-001',
      'state/checkpoint.json',
    ]);
    const other = await startPlatform(restored);
    expect(await other.verify()).toMatchObject(agreeing(30));
    // Without one of its parts it does not agree, and says which.
    await rm(join(restored, 'lake/imports/20261123-done/part-000002.parquet'));
    expect(await other.request('POST', '/v1/verify')).toMatchObject({
      status: 409,
      body: { code: 'lake_damaged', detail: 'imports/20261123-done/part-000002.parquet of the lake is missing.' },
    });
  });
});

describe('what belongs to a backup', () => {
  it('is as of the moment at which all stood still, whatever is committed and begun while it is written', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tillstream-backup-objects-'));
    try {
      const [lake, staging] = [join(directory, 'lake'), join(directory, 'staging')];
      const objects = openFileStore(lake);
      await objects.put('raw/dt=2011-12-24/hh=09/local-0000000000000001-0000000000000002.ndjson.gz', Buffer.from(''));
      await putImport(lake, { id: '20261123-some', parts: OF_TWO, partsCommitted: 1 });
      await copyManifests(lake, staging);
      await objects.put('raw/dt=2011-12-24/hh=09/local-0000000000000003-0000000000000003.ndjson.gz', Buffer.from(''));
      await putImport(lake, { id: '20261123-some', parts: OF_TWO });
      await putImport(lake, { id: '20261124-later', parts: OF_TWO });
      const found: string[] = [];
      for await (const { name } of objectsOfBackup(objects, staging, '0000000000000002')) found.push(name);
      expect(found).toEqual([
        'imports/20261123-some/part-000001.parquet',
        'imports/20261123-some/source-001',
        'raw/dt=2011-12-24/hh=09/local-0000000000000001-0000000000000002.ndjson.gz',
      ]);
      // One that is being loaded goes on with all its parts after a restore.
      await putImport(lake, { id: '20261123-some', parts: OF_TWO, partsCommitted: 1, state: 'loading' });
      await objects.put('imports/20261123-some/continued-1.parquet', Buffer.from(''));
      await copyManifests(lake, join(directory, 'another'));
      const names: string[] = [];
      for await (const { name } of objectsOfBackup(objects, join(directory, 'another'), null)) names.push(name);
      expect(names.filter((name) => name.includes('some'))).toEqual([
        'imports/20261123-some/continued-1.parquet',
        'imports/20261123-some/part-000001.parquet',
        'imports/20261123-some/part-000002.parquet',
        'imports/20261123-some/source-001',
      ]);
      const manifest = await readFile(join(staging, 'lake/imports/20261123-some/manifest.json'), 'utf8');
      expect(JSON.parse(manifest)).toMatchObject({ partsCommitted: 1 });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
