// The stream in one LMDB environment, for a single machine.
//
// append() resolves only once LMDB has flushed, so an acknowledged line survives a power cut. Frames that come while a
// flush is under way share the next one (group commit). One thread writes, and waits for the disk: a thread of its own
// (platform/stream-thread.ts). Any number of threads read, each by an opening of its own (lmdb-stream-reader.ts).
// Not replicated: see kinesis-stream.ts on AWS.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../model/clock.ts';
import { TillstreamError } from '../model/errors.ts';
import { RECORD_BYTES_MAX } from '../model/record.ts';
import { durablyNow, readLatest } from '../stores/lmdb-environment.ts';
import type { AppendResult, EventStream, NewRecord, StreamBounds, StreamReader } from './event-stream.ts';
import { decodeKey, encodeFrame, encodeKey, FRAME_BYTES_MAX, joinFrames } from './frame.ts';
import type { Head } from './head.ts';
import {
  boundsOf,
  ID_KEY,
  type Log,
  newestIn,
  oldestIn,
  openLog,
  readerOf,
  readTail,
  sequenceOf,
  TAIL_KEY,
  type Tail,
} from './lmdb-stream-reader.ts';

/** Beyond bytesMax by this share the consumers are too far behind: appends are refused, while there is room to drain. */
const FULL_FACTOR = 1.25;
/** Frames removed in one transaction: appends wait for it. */
const FRAMES_TRIMMED_AT_ONCE = 500;

export interface LmdbStreamOptions {
  readonly directory: string;
  readonly head: Head;
  /** Set beyond every append of earlier runs. */
  readonly clock: Clock;
  /** Id for a stream that is made now. */
  readonly newId: () => string;
  /** Kept bytes beyond which trim() removes what every consumer has passed; at 1.25 of it, appends are refused. */
  readonly bytesMax: number;
}

/** Kept records, whether or not the consumers have passed them. */
export interface StreamSize {
  readonly records: number;
  readonly bytes: number;
  readonly bytesMax: number;
  /** When the oldest of them arrived, ms since 1970; null when there is none. */
  readonly oldestMs: number | null;
}

/** What a stream of this size refuses every append with; null while there is room. */
export function fullBecause({ bytes, bytesMax }: StreamSize): TillstreamError | null {
  if (bytes <= bytesMax * FULL_FACTOR) return null;
  return new TillstreamError('stream_full', `The stream holds ${bytes} bytes that a store has not taken yet.`, {
    hint: 'Send the request again later; `tillstream status` shows which store is behind.',
    retryAfterSeconds: 5,
  });
}

/** @throws RangeError  a record is larger than a store can take */
export function assertSize(records: readonly NewRecord[]): void {
  const tooLarge = records.find(({ data }) => data.length > RECORD_BYTES_MAX);
  if (tooLarge !== undefined) {
    throw new RangeError(`A record of ${tooLarge.data.length} bytes; at most ${RECORD_BYTES_MAX}`);
  }
}

/** @throws directory_not_writable, unavailable */
export async function openLmdbStream(options: LmdbStreamOptions): Promise<LmdbStream> {
  const log = openLog(options.directory);
  if (log.meta.getBinary(ID_KEY) === undefined) {
    durablyNow(log.environment, () => log.meta.put(ID_KEY, Buffer.from(options.newId())));
  }
  return new LmdbStream(log, options);
}

/** Records that are appended together, and who waits for them. */
interface Waiting {
  readonly frame: Uint8Array;
  readonly count: number;
  /** µs since 1970. */
  readonly appendedAt: number;
  readonly resolve: (first: number) => void;
  readonly reject: (error: unknown) => void;
}

export class LmdbStream implements EventStream {
  readonly recordBytesMax = RECORD_BYTES_MAX;
  readonly id: string;
  readonly read: StreamReader['read'];
  readonly #log: Log;
  readonly #reader: StreamReader;
  readonly #options: LmdbStreamOptions;
  #waiting: Waiting[] = [];
  #tail: Tail;
  /** See StreamSize. */
  #oldestMs: number | null;
  #flushing: Promise<void> | null = null;

  /** See openLmdbStream. */
  constructor(log: Log, options: LmdbStreamOptions) {
    this.#log = log;
    this.#options = options;
    this.#tail = readTail(log);
    this.#oldestMs = oldestIn(log);
    options.clock.advanceTo(this.#tail.appendedAt);
    options.head.advanceTo(newestIn(log, this.#tail));
    this.#reader = readerOf(log, options.head);
    this.id = this.#reader.id;
    this.read = this.#reader.read;
  }

  /** For a writer in the same thread; from another one, frames come. */
  async append(records: readonly NewRecord[]): Promise<AppendResult[]> {
    if (records.length === 0) return [];
    assertSize(records);
    const frame = encodeFrame(records);
    const first = await this.appendFrame(frame, records.length, this.#options.clock.nowMicros());
    return records.map((_, index) => ({ sequence: sequenceOf(first + index) }));
  }

  /**
   * Appends a frame (frame.ts), all of it or nothing.
   * @param appendedAt µs since 1970: not before any of its records was accepted
   * @returns number of its first record
   * @throws stream_full, unavailable
   */
  appendFrame(frame: Uint8Array, count: number, appendedAt: number): Promise<number> {
    const full = this.fullBecause();
    if (full !== null) return Promise.reject(full);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ frame, count, appendedAt, resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  async bounds(): Promise<StreamBounds> {
    // Numbers of a commit under way, or of one that failed, cannot be read: whoever waited for them might wait for ever.
    return boundsOf({ ...this.#tail, newest: this.#options.head.newest });
  }

  size(): StreamSize {
    const { newest, trimmed, bytes } = this.#tail;
    return { records: newest - trimmed, bytes, bytesMax: this.#options.bytesMax, oldestMs: this.#oldestMs };
  }

  /** What append() refuses everything with now; null while there is room. */
  fullBecause(): TillstreamError | null {
    return fullBecause(this.size());
  }

  /**
   * Removes records that every consumer has passed, oldest first, as long as they are older than `keptSinceMs` or the
   * stream is longer than bytesMax. Returns how many; call again while it is not 0.
   */
  async trim(passed: string | null, keptSinceMs: number): Promise<number> {
    const { frames, meta, environment } = this.#log;
    readLatest(environment);
    const upTo = passed === null ? 0 : Number(passed);
    const before = this.#tail;
    const keys: Buffer[] = [];
    let { trimmed, bytes } = before;
    for (const key of frames.getKeys({ limit: FRAMES_TRIMMED_AT_ONCE })) {
      const frame = decodeKey(key);
      const last = frame.first + frame.count - 1;
      if (last > upTo || (frame.arrivedAtMs >= keptSinceMs && bytes <= this.#options.bytesMax)) break;
      keys.push(Buffer.from(key));
      bytes -= frame.bytes;
      trimmed = last;
    }
    if (keys.length === 0) return 0;
    const tail = { ...before, trimmed, bytes };
    durablyNow(environment, () => {
      for (const key of keys) frames.remove(key);
      meta.put(TAIL_KEY, encodeTail(tail));
    });
    this.#tail = tail;
    this.#oldestMs = oldestIn(this.#log);
    return trimmed - before.trimmed;
  }

  /** Waits for the appends under way. */
  async close(): Promise<void> {
    while (this.#flushing !== null) await this.#flushing;
    await this.#reader.close();
  }

  /** Commits what waits, some MiB after some MiB, until nothing does. */
  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What arrived in this turn of the event loop shares the commit; answers to the one before leave, frames come in.
      await nextTurn();
      const appends = this.#take();
      try {
        let next = this.#commit(appends);
        for (const { count, resolve } of appends) {
          resolve(next);
          next += count;
        }
      } catch (error) {
        for (const { reject } of appends) reject(error);
      }
    }
    this.#flushing = null;
  }

  #take(): Waiting[] {
    let bytes = 0;
    let taken = 0;
    for (const { frame } of this.#waiting) {
      bytes += frame.length;
      if (taken > 0 && bytes > FRAME_BYTES_MAX) break;
      taken += 1;
    }
    return this.#waiting.splice(0, taken);
  }

  /** Number of the first record. */
  #commit(appends: readonly Waiting[]): number {
    const { frames, meta, environment } = this.#log;
    const frame = joinFrames(appends);
    let count = 0;
    let { appendedAt } = this.#tail;
    for (const append of appends) {
      count += append.count;
      appendedAt = Math.max(appendedAt, append.appendedAt);
    }
    const first = this.#tail.newest + 1;
    const key = { first, count, arrivedAtMs: Math.floor(appendedAt / 1000), bytes: frame.length };
    // Numbers are used up also when the commit fails: it may have happened.
    this.#tail = {
      ...this.#tail,
      newest: this.#tail.newest + count,
      bytes: this.#tail.bytes + frame.length,
      appendedAt,
    };
    const write = (): void => {
      frames.put(encodeKey(key), frame);
      meta.put(TAIL_KEY, encodeTail(this.#tail));
    };
    try {
      durablyNow(environment, write, frame.length);
    } catch (error) {
      this.#tail = { ...this.#tail, bytes: this.#tail.bytes - frame.length };
      throw error;
    }
    this.#oldestMs ??= key.arrivedAtMs;
    this.#options.head.advanceTo(this.#tail.newest);
    return first;
  }
}

function encodeTail(tail: Tail): Buffer {
  return Buffer.from(JSON.stringify(tail));
}
