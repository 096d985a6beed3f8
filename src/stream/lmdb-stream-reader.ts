// Reading the stream in LMDB, from any thread: the layout of the environment, and what it gives.
//
// `frames` maps the key of a frame (frame.ts) to all records of one commit; `meta` holds the id of the stream and, changed
// with every commit, its Tail. Only what the writer has announced as durable, in the shared Head, is read.
import { TillstreamError } from '../model/errors.ts';
import {
  type BinaryDatabase,
  type Environment,
  openDatabase,
  openEnvironment,
  reading,
  readLatest,
} from '../stores/lmdb-environment.ts';
import type { Sequence, StreamBounds, StreamReader, StreamRecord, StreamTail } from './event-stream.ts';
import { decodeKey, keyAfter, recordsOf } from './frame.ts';
import type { Head } from './head.ts';

const SEQUENCE_WIDTH = 16;

export const ID_KEY = Buffer.from('id');
export const TAIL_KEY = Buffer.from('tail');

/** Where the stream ends, changed with every commit. Numbers of records; 0: none. */
export interface Tail {
  /** Its number is used up: a commit that failed may have taken the last ones. */
  readonly newest: number;
  readonly trimmed: number;
  /** Of all frames kept. */
  readonly bytes: number;
  /** Of the newest append, µs since 1970. */
  readonly appendedAt: number;
}

/** Far more than a screen of lines; a record may have 200 KB. */
const TAIL_BYTES_MAX = 512 * 1024;

const EMPTY: Tail = { newest: 0, trimmed: 0, bytes: 0, appendedAt: 0 };

export interface Log {
  readonly environment: Environment;
  /** See frame.ts. */
  readonly frames: BinaryDatabase;
  readonly meta: BinaryDatabase;
}

export function openLog(directory: string): Log {
  const environment = openEnvironment(directory);
  return { environment, frames: openDatabase(environment, 'frames'), meta: openDatabase(environment, 'meta') };
}

/** The newest record that is there; what was trimmed, when there is none. */
export function newestIn({ frames }: Log, { trimmed }: Tail): number {
  for (const key of frames.getKeys({ reverse: true, limit: 1 })) {
    const { first, count } = decodeKey(key);
    return first + count - 1;
  }
  return trimmed;
}

/** When the oldest record that is there arrived, ms since 1970; null when there is none. */
export function oldestIn({ environment, frames }: Log): number | null {
  readLatest(environment);
  for (const key of frames.getKeys({ limit: 1 })) return decodeKey(key).arrivedAtMs;
  return null;
}

export function readTail({ meta }: Log): Tail {
  const value = meta.getBinary(TAIL_KEY);
  return value === undefined ? EMPTY : JSON.parse(value.toString());
}

export function sequenceOf(record: number): string {
  return String(record).padStart(SEQUENCE_WIDTH, '0');
}

/**
 * A reader for another thread than the writer's.
 * @param head shared with the writer: only what it says is on disk is read
 * @throws unavailable  there is no stream yet: the writer makes it
 */
export function openLmdbStreamReader(directory: string, head: Head): LmdbStreamReader {
  return readerOf(openLog(directory), head);
}

export interface LmdbStreamReader extends StreamReader {
  /**
   * The newest records, at most so many, that come after `after` (null: whichever they are).
   * @throws unavailable
   */
  tail(after: Sequence | null, recordsMax: number): Promise<StreamTail>;
}

export function readerOf(log: Log, head: Head): LmdbStreamReader {
  const { environment, frames, meta } = log;
  const id = meta.getBinary(ID_KEY)?.toString();
  if (id === undefined) throw new TillstreamError('unavailable', 'The stream has not been made yet.');

  /** Key of the frame that holds a record: the last one that does not start after it. */
  const frameWith = (record: number): Uint8Array => {
    for (const key of frames.getKeys({ start: keyAfter(record), reverse: true, limit: 1 })) return key;
    return keyAfter(record);
  };

  return {
    id,
    async tail(after, recordsMax) {
      const { newest } = head;
      const next = after === null ? newest - recordsMax + 1 : Number(after) + 1;
      const first = Math.max(1, next, newest - recordsMax + 1);
      const records = await this.read(sequenceOf(first - 1), { recordsMax, bytesMax: TAIL_BYTES_MAX });
      const last = records.at(-1)?.sequence ?? sequenceOf(newest);
      return { records, skipped: Math.max(0, first - Math.max(1, next)), newest: last };
    },
    async read(after, { recordsMax, bytesMax }) {
      const from = after === null ? 1 : Number(after) + 1;
      const newest = head.newest;
      const found: StreamRecord[] = [];
      let bytes = 0;
      if (from > newest) return found;
      return reading(environment, () => {
        for (const { key, value } of frames.getRange({ start: frameWith(from) })) {
          const { first, count, arrivedAtMs } = decodeKey(key);
          let record = first - 1;
          for (const data of recordsOf(value, count)) {
            record += 1;
            if (record < from) continue;
            bytes += data.length;
            const full = found.length >= recordsMax || (found.length > 0 && bytes > bytesMax);
            if (full || record > newest) return found;
            found.push({ sequence: sequenceOf(record), arrivedAtMs, data });
          }
        }
        return found;
      });
    },
    async bounds() {
      return reading(environment, () => boundsOf(readTail(log)));
    },
    async close() {
      await environment.close();
    },
  };
}

export function boundsOf({ trimmed, newest }: Tail): StreamBounds {
  return {
    trimmed: trimmed === 0 ? null : sequenceOf(trimmed),
    newest: newest === 0 ? null : sequenceOf(newest),
  };
}
