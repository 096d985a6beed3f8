import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DigestBuilder } from '../../src/model/digest.ts';
import { recordLine } from '../../src/model/record.ts';
import { digestLake } from '../../src/stores/lake/duckdb-lake-digest.ts';
import { type LakeImport, putImport } from '../support/lake-import.ts';
import { generateLines, type TestLine } from './lines.ts';

const SEED = 20_101_201;

describe(`lake digest (seed ${SEED})`, () => {
  let directory: string;
  let lake: string;

  beforeEach(async () => {
    // What DuckDB would take for a pattern, in the lake's own path.
    directory = await mkdtemp(path.join(tmpdir(), "tillstream-lake [a-z]* 'x-"));
    lake = path.join(directory, 'lake');
    await mkdir(lake);
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function put(name: string, text: string): Promise<void> {
    const file = path.join(lake, 'raw', name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, gzipSync(text));
  }

  function asLakeText(lines: readonly TestLine[]): string {
    return lines.map((line) => `{"shard":"local","sequence":"${line.sequence}",${recordText(line).slice(1)}`).join('');
  }

  function recordText(line: TestLine): string {
    return recordLine(line, line.receivedAt, line.position, line.source, { kept: ['as', 'it', 'is'] });
  }

  function expected(lines: Iterable<TestLine>) {
    const builder = new DigestBuilder();
    const invoices = new Set<string>();
    let count = 0;
    for (const line of lines) {
      builder.add(line);
      invoices.add(line.invoiceNo);
      count += 1;
    }
    return { days: builder.days(), lines: count, invoices: invoices.size };
  }

  test('an empty lake, and one that is not there', async () => {
    expect(await digestLake({ directory: lake, temporaryDirectory: directory })).toEqual({
      days: [],
      lines: 0,
      invoices: 0,
    });
    await rm(lake, { recursive: true });
    expect(await digestLake({ directory: lake, temporaryDirectory: directory })).toEqual({
      days: [],
      lines: 0,
      invoices: 0,
    });
  });

  test('equals what the model gives for the newest versions, over many objects that overlap', async () => {
    const { all, newest } = generateLines(SEED, 3000);
    for (let start = 0; start < all.length; start += 700) {
      const name = `dt=2024-01-0${1 + (start % 3)}/hh=0${start % 10}/local-${start}-${start + 699}.ndjson.gz`;
      await put(name, asLakeText(all.slice(Math.max(0, start - 50), start + 700)));
    }
    const digest = await digestLake({ directory: lake, temporaryDirectory: directory });
    expect(digest).toEqual(expected(newest.values()));
  });

  test('what a killed process has spilled is removed, and nothing of ours stays', async () => {
    await mkdir(path.join(directory, 'lake-digest-1-abc'));
    await put('dt=2024-01-01/hh=00/local-1-2.ndjson.gz', asLakeText(generateLines(SEED, 50).all));
    await digestLake({ directory: lake, temporaryDirectory: directory });
    expect(await readdir(directory)).toEqual(['lake']);
  });

  test('records left out, records added', async () => {
    const { all } = generateLines(SEED, 400);
    const sequences = [...new Set(all.map(({ sequence }) => sequence))].sort();
    const [first = '', second = ''] = sequences;
    const inLake = all.filter(({ sequence }) => sequence !== second);
    const added = all.filter(({ sequence }) => sequence === second);
    await put('dt=2024-01-01/hh=00/local-1-2.ndjson.gz', asLakeText(inLake));
    const digest = await digestLake({
      directory: lake,
      temporaryDirectory: directory,
      excluded: [first, "no'such"],
      added: [
        { sequence: second, data: Buffer.from(added.map(recordText).join('')) },
        { sequence: '0000000000000000', data: Buffer.from('not a line at all') },
      ],
    });
    const newest = new Map<string, TestLine>();
    for (const line of all) {
      if (line.sequence === first) continue;
      const identity = `${line.invoiceNo}\n${line.lineId}`;
      const known = newest.get(identity);
      if (known === undefined || known.receivedAt < line.receivedAt) newest.set(identity, line);
    }
    expect(digest).toEqual(expected(newest.values()));
  });

  test('a line that cannot be read counts for nothing, and its neighbours count', async () => {
    const { all, newest } = generateLines(SEED, 50);
    const good = asLakeText(all);
    const [line = ''] = good.split('\n');
    const bad = [
      line.replace('"quantity"', '"quantity":"six","q"').replace('"lineId":"', '"lineId":"bad'),
      line.replace(/"invoiceNo":"[^"]*"/, '"invoiceNo":null'),
      '{"shard":"local","sequence":"1","a"::}',
      line.slice(0, 60),
    ];
    await put('dt=2024-01-01/hh=00/local-1-2.ndjson.gz', `${bad.join('\n')}\n${good}`);
    const digest = await digestLake({ directory: lake, temporaryDirectory: directory });
    expect(digest).toEqual(expected(newest.values()));
  });

  test('lines of an object that was cut short are missed, so that verify finds a difference', async () => {
    const { all, newest } = generateLines(SEED, 2000);
    const whole = gzipSync(asLakeText(all));
    await put('dt=2024-01-01/hh=00/local-1-2.ndjson.gz', '');
    await writeFile(
      path.join(lake, 'raw/dt=2024-01-01/hh=00/local-1-2.ndjson.gz'),
      whole.subarray(0, whole.length / 2),
    );
    const digest = await digestLake({ directory: lake, temporaryDirectory: directory });
    expect(digest.lines).toBeLessThan(newest.size);
  });

  describe('imports', () => {
    const CANNOT_BE_READ = 'imports/20261123-k7mq/part-000002.parquet of the lake cannot be read.';
    const part = (number: number): string => path.join(lake, `imports/20261123-k7mq/part-00000${number}.parquet`);

    /** Lines of raw objects, and an import of three parts: some of the same lines, older and newer, and some of its own. */
    async function putBoth(more: Partial<LakeImport> = {}): Promise<Map<string, TestLine>> {
      const { newest } = generateLines(SEED, 900);
      const imported = [...generateLines(SEED + 1, 900).newest.values()];
      await put('dt=2024-01-01/hh=00/local-1-2.ndjson.gz', asLakeText([...newest.values()]));
      const parts = [imported.slice(0, 300), imported.slice(300, 600), imported.slice(600)];
      // Between the raw lines: it replaces the earlier ones.
      const receivedAt = 1_700_000_000_000_000 + 705;
      await putImport(lake, { id: '20261123-k7mq', parts, receivedAt, ...more });
      const stands = new Map(newest);
      for (const line of parts.slice(0, more.partsCommitted ?? 3).flat()) {
        const identity = `${line.invoiceNo}\n${line.lineId}`;
        const known = stands.get(identity);
        if (known === undefined || known.receivedAt < receivedAt) stands.set(identity, line);
      }
      return stands;
    }
    const digested = (more: object = {}) => digestLake({ directory: lake, temporaryDirectory: directory, ...more });

    test('the newest version stands, of whichever form', async () => {
      const stands = await putBoth();
      expect(await digested()).toEqual(expected(stands.values()));
      expect(stands.size).toBeGreaterThan(900);
    });

    test('parts beyond what the manifest commits do not count; without a manifest, none does', async () => {
      const stands = await putBoth({ partsCommitted: 2 });
      await writeFile(part(3), 'half of one');
      expect(await digested()).toEqual(expected(stands.values()));
      await rm(path.join(lake, 'imports/20261123-k7mq/manifest.json'));
      expect(await digested()).toEqual(expected(generateLines(SEED, 900).newest.values()));
    });

    test('manifests from elsewhere say what counts, as of a backup', async () => {
      await putBoth();
      const manifests = path.join(directory, 'staging');
      await mkdir(path.join(manifests, 'imports/20261123-k7mq'), { recursive: true });
      await writeFile(path.join(manifests, 'imports/20261123-k7mq/manifest.json'), '{"partsCommitted": 0}');
      expect(await digested({ manifests })).toEqual(expected(generateLines(SEED, 900).newest.values()));
    });

    test('what is said of records is not said of parts', async () => {
      const imported = [...generateLines(SEED, 200).newest.values()];
      await putImport(lake, { id: '20261123-aaaa', parts: [imported] });
      const alone = await digested({ excluded: ['000001'], upTo: '' });
      expect(alone).toEqual(expected(imported));
      await put('dt=2024-01-01/hh=00/local-1-2.ndjson.gz', asLakeText(generateLines(SEED + 1, 200).all));
      expect(await digested({ upTo: '' })).toEqual(alone);
    });

    test('hundreds of parts', async () => {
      const imported = [...generateLines(SEED, 250).newest.values()];
      await putImport(lake, { id: '20261123-many', parts: imported.map((line) => [line]) });
      expect(await digested()).toEqual(expected(imported));
    });

    test.each([
      ['missing', () => rm(part(2)), 'imports/20261123-k7mq/part-000002.parquet of the lake is missing.'],
      ['cut', () => damage((whole) => whole.subarray(0, -7)), CANNOT_BE_READ],
      ['empty', () => damage(() => Buffer.alloc(0)), CANNOT_BE_READ],
      ['another file', () => damage(() => Buffer.from('hello')), CANNOT_BE_READ],
      ['overwritten in the middle', () => damage((whole) => whole.fill(0x5a, 40, whole.length >> 1)), CANNOT_BE_READ],
    ])('a part that is %s is named, never skipped', async (_, harm, message) => {
      await putBoth();
      await harm();
      await expect(digested()).rejects.toMatchObject({ code: 'lake_damaged', message });
      expect(await readdir(directory)).toEqual(['lake']);
    });

    async function damage(change: (whole: Buffer) => Buffer): Promise<void> {
      await writeFile(part(2), change(await readFile(part(2))));
    }

    test.each(['{"partsCommitted": 1', 'null', '{}', '{"partsCommitted": -1}', '{"partsCommitted": "1"}'])(
      'a manifest that is %s is named',
      async (text) => {
        await putBoth();
        await writeFile(path.join(lake, 'imports/20261123-k7mq/manifest.json'), text);
        await expect(digested()).rejects.toMatchObject({
          code: 'lake_damaged',
          message: expect.stringContaining('imports/20261123-k7mq/manifest.json'),
        });
      },
    );
  });
});
