import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Line } from '../../src/model/line.ts';
import { recordLine } from '../../src/model/record.ts';
import { createArchiveRaw } from '../../src/pipelines/archive-raw.ts';
import type { Pipeline } from '../../src/pipelines/pipeline.ts';
import { openFileStore } from '../../src/stores/lake/file-store.ts';
import type { ObjectStore } from '../../src/stores/lake/object-store.ts';
import type { StreamRecord } from '../../src/stream/event-stream.ts';

const NINE = Date.UTC(2026, 2, 1, 9);
const CHECKPOINT = { streamId: 's', sequence: '0000000000000009' };

const LINE: Line = {
  invoiceNo: '536365',
  lineId: '000001',
  stockCode: '85123A',
  description: 'a "quoted" } line £',
  quantity: 6,
  invoiceDate: '2010-12-01T08:26:00',
  unitPrice: 2.55,
  customerId: null,
  country: 'United Kingdom',
};

function record(number: number, arrivedAtMs: number, text: string): StreamRecord {
  return { sequence: String(number).padStart(16, '0'), arrivedAtMs, data: Buffer.from(text) };
}

const text = (receivedAt: number) => recordLine(LINE, receivedAt, 0, 'api', { colour: '{"red"}' });

describe('archive-raw', () => {
  let directory: string;
  let lake: ObjectStore;
  let pipeline: Pipeline;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'tillstream-archive-'));
    lake = openFileStore(directory);
    pipeline = createArchiveRaw(lake);
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function archived(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for await (const { name } of lake.list('raw/')) {
      found[name] = gunzipSync((await lake.get(name)) ?? Buffer.alloc(0)).toString('utf8');
    }
    return found;
  }

  test('a line is kept byte for byte, with shard and sequence before it', async () => {
    expect(await pipeline.process([record(1, NINE, text(1) + text(2)), record(2, NINE + 1, text(3))])).toEqual([]);
    const name = 'raw/dt=2026-03-01/hh=09/local-0000000000000001-0000000000000002.ndjson.gz';
    const found = await archived();
    expect(Object.keys(found)).toEqual([name]);
    const with_ = (sequence: number, line: string) =>
      `{"shard":"local","sequence":"${String(sequence).padStart(16, '0')}",${line.slice(1)}`;
    expect(found[name]).toBe(with_(1, text(1)) + with_(1, text(2)) + with_(2, text(3)));
    expect(JSON.parse(found[name]?.split('\n')[0] ?? '')).toMatchObject({ ...LINE, extra: { colour: '{"red"}' } });
  });

  test('a batch that crosses an hour, and a year, is cut there', async () => {
    const newYear = Date.UTC(2027, 0, 1);
    await pipeline.process([
      record(1, newYear - 2, text(1)),
      record(2, newYear - 1, text(2)),
      record(3, newYear, text(3)),
    ]);
    expect(Object.keys(await archived())).toEqual([
      'raw/dt=2026-12-31/hh=23/local-0000000000000001-0000000000000002.ndjson.gz',
      'raw/dt=2027-01-01/hh=00/local-0000000000000003-0000000000000003.ndjson.gz',
    ]);
  });

  test('a batch delivered again writes the same objects again', async () => {
    const batch = [record(1, NINE, text(1)), record(2, NINE, text(2))];
    await pipeline.process(batch, CHECKPOINT);
    const before = await archived();
    await pipeline.process(batch, CHECKPOINT);
    expect(await archived()).toEqual(before);
  });

  test('the checkpoint lies in the lake, after the data, and goes with it', async () => {
    expect(await pipeline.checkpoint()).toBeNull();
    await pipeline.process([record(1, NINE, text(1))], CHECKPOINT);
    expect(await createArchiveRaw(lake).checkpoint()).toEqual(CHECKPOINT);
    for await (const { name } of lake.list('')) await lake.delete(name);
    expect(await pipeline.checkpoint()).toBeNull();
  });

  test('nothing but a checkpoint stores nothing but the checkpoint', async () => {
    await pipeline.process([], CHECKPOINT);
    expect(await pipeline.checkpoint()).toEqual(CHECKPOINT);
    expect(await archived()).toEqual({});
  });

  test('records that are not lines are failures; the others are kept, the checkpoint is not', async () => {
    const bad = ['', 'x\n', '{}\n', `${text(1)}{"cut":\n`, '\n', '[1]\n'];
    const batch = [...bad.map((each, index) => record(index + 1, NINE, each)), record(7, NINE, text(7))];
    const failures = await pipeline.process(batch, CHECKPOINT);
    expect(failures.map(({ sequence }) => Number(sequence))).toEqual([1, 2, 3, 4, 5, 6]);
    for (const { error } of failures) expect(error).toMatchObject({ code: 'unusable_record' });
    expect(await pipeline.checkpoint()).toBeNull();
    expect(Object.values(await archived())).toEqual([
      `{"shard":"local","sequence":"0000000000000007",${text(7).slice(1)}`,
    ]);
  });

  test('a checkpoint that cannot be read is not taken for a new lake', async () => {
    for (const spoilt of ['', '{', '{}', 'null', '{"streamId":1}']) {
      await lake.put('state/checkpoint.json', Buffer.from(spoilt));
      await expect(pipeline.checkpoint()).rejects.toMatchObject({ code: 'unavailable' });
    }
  });
});
