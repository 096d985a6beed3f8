// What every stream must do: run against each adapter. Only what the port promises: nothing of sequences but their order,
// nothing of the moment at which a record becomes readable but that it does.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventStream, NewRecord, StreamRecord } from '../../src/stream/event-stream.ts';
import { eventually } from '../support/eventually.ts';

export function newRecord(text: string, key = 'key'): NewRecord {
  return { key, data: Buffer.from(text) };
}

export function textsOf(records: readonly StreamRecord[]): string[] {
  return records.map(({ data }) => data.toString());
}

/** Sequences of records that must have been stored. */
export async function append(stream: EventStream, records: readonly NewRecord[]): Promise<string[]> {
  const results = await stream.append(records);
  return results.map((result) => {
    if ('error' in result) throw result.error;
    return result.sequence;
  });
}

const ALL = { recordsMax: 100_000, bytesMax: 1e9 };

/** Everything from `after` on, by as many reads as it takes, once there are `count` records. */
async function readAll(stream: EventStream, count: number, limits = ALL): Promise<StreamRecord[]> {
  const found: StreamRecord[] = [];
  await eventually(async () => {
    for (;;) {
      const records = await stream.read(found.at(-1)?.sequence ?? null, limits);
      if (records.length === 0) break;
      found.push(...records);
    }
    expect(found.length).toBeGreaterThanOrEqual(count);
  });
  return found;
}

/**
 * @param open opens the stream of a directory, or of a name made from it; the same argument is the same stream
 */
export function streamContract(name: string, open: (directory: string) => Promise<EventStream>): void {
  describe(`stream (${name})`, () => {
    let directory: string;
    let stream: EventStream;

    beforeEach(async () => {
      directory = await mkdtemp(path.join(tmpdir(), 'tillstream-stream-'));
      stream = await open(directory);
    });

    afterEach(async () => {
      await stream.close();
      await rm(directory, { recursive: true });
    });

    test('a new stream has no records and no bounds', async () => {
      expect(await stream.read(null, ALL)).toStrictEqual([]);
      expect(await stream.bounds()).toStrictEqual({ trimmed: null, newest: null });
    });

    test('what is appended is read as it was, oldest first', async () => {
      const sequences = await append(stream, [newRecord('one\n'), newRecord('two ü€😀\n'), newRecord('three\n')]);
      const records = await readAll(stream, 3);
      expect(textsOf(records)).toStrictEqual(['one\n', 'two ü€😀\n', 'three\n']);
      expect(records.map(({ sequence }) => sequence)).toStrictEqual(sequences);
      for (const { arrivedAtMs } of records) expect(Math.abs(arrivedAtMs - Date.now())).toBeLessThan(60_000);
    });

    test('any bytes are kept, text or not', async () => {
      const data = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      await append(stream, [{ key: 'bytes', data }]);
      expect((await readAll(stream, 1))[0]?.data.equals(data)).toBe(true);
    });

    test('results come in the order of the input, one a record', async () => {
      const texts = Array.from({ length: 500 }, (_, index) => `${index}\n`);
      const sequences = await append(
        stream,
        texts.map((text, index) => newRecord(text, `key ${index % 7}`)),
      );
      const byText = new Map((await readAll(stream, 500)).map(({ sequence, data }) => [data.toString(), sequence]));
      expect(sequences).toStrictEqual(texts.map((text) => byText.get(text)));
    });

    test('no records are no call', async () => {
      expect(await stream.append([])).toStrictEqual([]);
      expect(await stream.bounds()).toStrictEqual({ trimmed: null, newest: null });
    });

    test('records of a key stay in order, also from appends that do not wait for each other', async () => {
      const appended = Array.from({ length: 60 }, (_, index) =>
        append(stream, [newRecord(`a${index}`, 'a'), newRecord(`b${index}`, 'b')]),
      );
      await Promise.all(appended);
      const texts = textsOf(await readAll(stream, 120));
      for (const key of ['a', 'b']) {
        const expected = Array.from({ length: 60 }, (_, index) => `${key}${index}`);
        expect(texts.filter((text) => text.startsWith(key))).toStrictEqual(expected);
      }
    });

    test('sequences order as text, are of one width, and are never given twice', async () => {
      for (let round = 0; round < 12; round += 1)
        await append(stream, [newRecord(`x${round}`), newRecord(`y${round}`)]);
      const sequences = (await readAll(stream, 24)).map(({ sequence }) => sequence);
      expect(sequences).toStrictEqual([...sequences].sort());
      expect(new Set(sequences).size).toBe(24);
      expect(new Set(sequences.map((sequence) => sequence.length)).size).toBe(1);
    });

    test('reading goes on after a sequence, and ends at the newest', async () => {
      await append(stream, [newRecord('1'), newRecord('2'), newRecord('3'), newRecord('4')]);
      const all = await readAll(stream, 4);
      for (const [index, { sequence }] of all.entries()) {
        expect(textsOf(await stream.read(sequence, ALL))).toStrictEqual(textsOf(all.slice(index + 1)));
      }
      expect((await stream.bounds()).newest).toBe(all.at(-1)?.sequence);
    });

    test('a read gives no more records than it is asked for, from within any append', async () => {
      for (const count of [1, 4, 2, 7]) {
        await append(
          stream,
          Array.from({ length: count }, (_, index) => newRecord(`${count}.${index}`)),
        );
      }
      const all = textsOf(await readAll(stream, 14));
      for (const recordsMax of [1, 3, 5]) {
        expect((await stream.read(null, { ...ALL, recordsMax })).length).toBe(recordsMax);
        expect(textsOf(await readAll(stream, 14, { ...ALL, recordsMax }))).toStrictEqual(all);
      }
    });

    test('a read gives no more bytes than it is asked for, but at least one record', async () => {
      await append(stream, [newRecord('x'.repeat(600)), newRecord('y'.repeat(500)), newRecord('z'.repeat(400))]);
      await readAll(stream, 3);
      const lengths = async (bytesMax: number) => {
        const records = await stream.read(null, { ...ALL, bytesMax });
        return records.map(({ data }) => data.length);
      };
      expect(await lengths(1)).toStrictEqual([600]);
      expect(await lengths(1099)).toStrictEqual([600]);
      expect(await lengths(1100)).toStrictEqual([600, 500]);
      expect(await lengths(1e9)).toStrictEqual([600, 500, 400]);
    });

    test('a record of the largest size is taken; nothing of a call with a larger one', async () => {
      const { recordBytesMax } = stream;
      expect(recordBytesMax).toBeGreaterThanOrEqual(200_000);
      const largest = { key: 'large', data: Buffer.alloc(recordBytesMax, 'x') };
      await append(stream, [largest, newRecord('small')]);
      const tooLarge = { key: 'large', data: Buffer.alloc(recordBytesMax + 1, 'x') };
      await expect(stream.append([newRecord('with it'), tooLarge])).rejects.toThrow(RangeError);
      const records = await readAll(stream, 2);
      expect(records.map(({ data }) => data.length)).toStrictEqual([recordBytesMax, 5]);
    });

    test('what was read stays as it is, whatever is read after it', async () => {
      await append(stream, [newRecord('first'.repeat(1000))]);
      const [first] = await readAll(stream, 1);
      for (let round = 0; round < 20; round += 1) await append(stream, [newRecord(`${round}`.repeat(3000))]);
      await readAll(stream, 21);
      expect(first?.data.toString()).toBe('first'.repeat(1000));
    });

    test('its id, its records and their sequences are there after it was closed', async () => {
      const { id } = stream;
      const before = await append(stream, [newRecord('before')]);
      await stream.close();
      stream = await open(directory);
      expect(stream.id).toBe(id);
      const after = await append(stream, [newRecord('after')]);
      const records = await readAll(stream, 2);
      expect(textsOf(records)).toStrictEqual(['before', 'after']);
      expect(records.map(({ sequence }) => sequence)).toStrictEqual([...before, ...after]);
    });

    test('another stream has another id', async () => {
      const other = await mkdtemp(path.join(tmpdir(), 'tillstream-stream-'));
      const another = await open(other);
      expect(another.id).not.toBe(stream.id);
      expect(stream.id.length).toBeGreaterThan(0);
      await another.close();
      await rm(other, { recursive: true });
    });

    test('an append is on the stream when its answer comes before closing', async () => {
      const pending = Array.from({ length: 20 }, (_, index) => stream.append([newRecord(`${index}`)]));
      await Promise.all([...pending, Promise.all(pending).then(() => stream.close())]);
      stream = await open(directory);
      expect(await readAll(stream, 20)).toHaveLength(20);
    });
  });
}
