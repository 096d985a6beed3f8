// The stream as the HTTP thread sees it: what requests of one turn of the event loop append goes to the stream thread as
// one frame, and from there to the disk.
import type { Clock } from '../model/clock.ts';
import { TillstreamError } from '../model/errors.ts';
import { RECORD_BYTES_MAX } from '../model/record.ts';
import { COMMIT_WAIT_MS_MAX, tooLate } from '../stores/lmdb-environment.ts';
import type { AppendResult, NewRecord, StreamBounds, StreamWriter } from '../stream/event-stream.ts';
import { encodeFrame, FRAME_BYTES_MAX } from '../stream/frame.ts';
import type { Head } from '../stream/head.ts';
import { assertSize, fullBecause, type StreamSize } from '../stream/lmdb-stream.ts';
import { sequenceOf } from '../stream/lmdb-stream-reader.ts';
import type { StreamThread } from './stream-thread.ts';
import type { Thread } from './threads.ts';

interface Append {
  readonly records: readonly NewRecord[];
  readonly resolve: (results: AppendResult[]) => void;
  readonly reject: (error: unknown) => void;
}

/** What the thread says when it has opened the stream. */
type Opened = Awaited<ReturnType<StreamThread['opened']>>;

/** @throws directory_not_writable, unavailable */
export async function openStreamOnThread(thread: Thread<StreamThread>, head: Head, clock: Clock) {
  return new StreamOnThread(thread, head, clock, await thread.call('opened'));
}

export class StreamOnThread implements StreamWriter {
  readonly recordBytesMax = RECORD_BYTES_MAX;
  readonly id: string;
  readonly #thread: Thread<StreamThread>;
  readonly #head: Head;
  readonly #clock: Clock;
  /** As of the last answer. */
  #size: StreamSize;
  #trimmed: string | null;
  #waiting: Append[] = [];

  /** See openStreamOnThread. */
  constructor(thread: Thread<StreamThread>, head: Head, clock: Clock, { id, nowMicros, size, trimmed }: Opened) {
    this.#thread = thread;
    this.#head = head;
    this.#clock = clock;
    this.id = id;
    this.#size = size;
    this.#trimmed = trimmed;
    clock.advanceTo(nowMicros);
  }

  append(records: readonly NewRecord[]): Promise<AppendResult[]> {
    if (records.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      assertSize(records);
      const full = this.fullBecause();
      if (full !== null) throw full;
      if (this.#waiting.length === 0) setImmediate(() => this.#sendAll());
      this.#waiting.push({ records, resolve, reject });
    });
  }

  /** `newest`: on disk, as all threads see it. */
  async bounds(): Promise<StreamBounds> {
    const { newest } = this.#head;
    return { trimmed: this.#trimmed, newest: newest === 0 ? null : sequenceOf(newest) };
  }

  size(): StreamSize {
    return this.#size;
  }

  /** What append() refuses everything with now; null while there is room. */
  fullBecause(): TillstreamError | null {
    return fullBecause(this.#size);
  }

  /** See LmdbStream. */
  async trim(passed: string | null, keptSinceMs: number): Promise<number> {
    const { removed, size, trimmed } = await this.#thread.call('trim', passed, keptSinceMs);
    this.#size = size;
    this.#trimmed = trimmed;
    return removed;
  }

  #sendAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let from = 0; from < waiting.length; ) {
      let bytes = 0;
      let to = from;
      for (; to < waiting.length && (to === from || bytes <= FRAME_BYTES_MAX); to += 1) {
        for (const { data } of waiting[to]?.records ?? []) bytes += data.length;
      }
      this.#send(waiting.slice(from, to));
      from = to;
    }
  }

  #send(appends: readonly Append[]): void {
    const fail = (error: unknown): void => {
      for (const { reject } of appends) reject(error);
    };
    const timer = setTimeout(() => fail(cannotBeWritten(tooLate())), COMMIT_WAIT_MS_MAX);
    this.#append(appends.flatMap((append) => append.records))
      .then((first) => {
        let next = first;
        for (const { records, resolve } of appends) resolve(records.map(() => ({ sequence: sequenceOf(next++) })));
      }, fail)
      .finally(() => clearTimeout(timer));
  }

  /** Number of the first record. */
  async #append(records: readonly NewRecord[]): Promise<number> {
    const frame = encodeFrame(records);
    const appendedAt = this.#clock.nowMicros();
    const { first, size } = await this.#thread.callWith([frame.buffer], 'append', frame, records.length, appendedAt);
    this.#size = size;
    return first;
  }
}

function cannotBeWritten(cause: Error): TillstreamError {
  return new TillstreamError('unavailable', `The stream cannot be written: ${cause.message}`, { cause });
}
