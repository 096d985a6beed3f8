// From the stream into the lake: every accepted line, kept raw, in gzipped NDJSON by the hour of its arrival.
//
// A record goes in as it is; each line only gets the shard and the sequence, by cutting bytes, not by parsing. An object's
// name follows from its first and last sequence, so a batch that is delivered again writes the same object again.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { Checkpoint } from '../model/checkpoint.ts';
import { messageOf, TillstreamError } from '../model/errors.ts';
import type { ObjectStore } from '../stores/lake/object-store.ts';
import type { StreamRecord } from '../stream/event-stream.ts';
import type { Failure, Pipeline } from './pipeline.ts';

/** The one shard of a stream on one machine. */
const SHARD = 'local';

/** An object of the lake itself, so that a lake that was deleted has none. */
export const CHECKPOINT_NAME = 'state/checkpoint.json';

/** In libuv's pool, so that it holds up nobody; level 6 takes three times as long for a tenth less. */
const compress = promisify(gzip);

export function createArchiveRaw(lake: ObjectStore): Pipeline {
  return {
    store: 'lake',

    async checkpoint() {
      const stored = await lake.get(CHECKPOINT_NAME);
      return stored === null ? null : readCheckpoint(stored);
    },

    async process(records, checkpoint) {
      const { hours, failures } = await cutByHour(records);
      for (const [hour, archived] of hours) {
        const data = await compress(archived.text(), { level: constants.Z_BEST_SPEED });
        await lake.put(`raw/${nameOf(hour)}/${SHARD}-${archived.first}-${archived.last}.ndjson.gz`, data);
      }
      if (checkpoint !== undefined && failures.length === 0) {
        const { streamId, sequence } = checkpoint;
        await lake.put(CHECKPOINT_NAME, Buffer.from(`${JSON.stringify({ streamId, sequence })}\n`));
      }
      return failures;
    },
  };
}

/**
 * Whether a raw object of the lake came after a record (null: before the first). Of a sequence at which delivery was held: no
 * object has records from both sides of it.
 */
export function isArchivedAfter(sequence: string | null, objectName: string): boolean {
  const last = sequencesIn(objectName)?.last;
  return last !== undefined && last > (sequence ?? '');
}

/** The first and the last record of a raw object; null for what is none. */
export function sequencesIn(objectName: string): { readonly first: string; readonly last: string } | null {
  const [, first, last] = /^raw\/.*-(\d+)-(\d+)\.ndjson\.gz$/.exec(objectName) ?? [];
  return first === undefined || last === undefined ? null : { first, last };
}

/** Records between two turns of the event loop: a millisecond or two, so that the other pipeline of the thread goes on. */
const RECORDS_A_TURN = 1000;

async function cutByHour(
  records: readonly StreamRecord[],
): Promise<{ hours: Map<number, Archived>; failures: Failure[] }> {
  const hours = new Map<number, Archived>();
  const failures: Failure[] = [];
  for (const [index, record] of records.entries()) {
    if (index % RECORDS_A_TURN === RECORDS_A_TURN - 1) await nextTurn();
    const { sequence, arrivedAtMs, data } = record;
    const ends = endsOfLines(data);
    if (ends === null) {
      const message = `Record ${sequence} is not made of lines that are JSON objects`;
      failures.push({ sequence, error: new TillstreamError('unusable_record', message) });
      continue;
    }
    const hour = Math.floor(arrivedAtMs / HOUR_MS);
    const archived = hours.get(hour) ?? new Archived(sequence);
    hours.set(hour, archived);
    archived.add(sequence, data, ends);
  }
  return { hours, failures };
}

const HOUR_MS = 3_600_000;

/** Hours since 1970 → `dt=2010-12-01/hh=08`, UTC. */
function nameOf(hour: number): string {
  const at = new Date(hour * HOUR_MS).toISOString();
  return `dt=${at.slice(0, 10)}/hh=${at.slice(11, 13)}`;
}

const NEWLINE = 0x0a;
const OPENING = 0x7b;
const QUOTE = 0x22;
const CLOSING = 0x7d;

/** Where each line ends, newline apart; null when one does not look like an object with a field. */
function endsOfLines(data: Buffer): number[] | null {
  const ends: number[] = [];
  for (let start = 0; start < data.length; ) {
    const newline = data.indexOf(NEWLINE, start);
    const end = newline === -1 ? data.length : newline;
    if (data[start] !== OPENING || data[start + 1] !== QUOTE || data[end - 1] !== CLOSING) return null;
    ends.push(end);
    start = end + 1;
  }
  return ends.length === 0 ? null : ends;
}

/** Larger than a record with its sequences mostly is. */
const CHUNK_BYTES = 256 * 1024;

/** The text of one object. Memory: one copy of its records, which the consumer's cut bounds (8 MiB), and that one compressed. */
class Archived {
  readonly first: string;
  last: string;
  readonly #chunks: Buffer[] = [];
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(first: string) {
    this.first = first;
    this.last = first;
  }

  /** @param ends see endsOfLines() */
  add(sequence: string, data: Buffer, ends: readonly number[]): void {
    this.last = sequence;
    const opening = `{"shard":"${SHARD}","sequence":"${sequence}",`;
    this.#makeRoom(data.length + 1 + ends.length * opening.length);
    let start = 0;
    for (const end of ends) {
      this.#at += this.#chunk.write(opening, this.#at, 'latin1');
      this.#at += data.copy(this.#chunk, this.#at, start + 1, end); // without its opening brace
      this.#chunk[this.#at] = NEWLINE;
      this.#at += 1;
      start = end + 1;
    }
  }

  text(): Buffer {
    return Buffer.concat([...this.#chunks, this.#chunk.subarray(0, this.#at)]);
  }

  #makeRoom(bytes: number): void {
    if (this.#at + bytes <= this.#chunk.length) return;
    this.#chunks.push(this.#chunk.subarray(0, this.#at));
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, bytes));
    this.#at = 0;
  }
}

function readCheckpoint(stored: Buffer): Checkpoint {
  let found: unknown;
  try {
    found = JSON.parse(stored.toString('utf8'));
  } catch (cause) {
    throw new TillstreamError('unavailable', `${CHECKPOINT_NAME} of the lake is not JSON: ${messageOf(cause)}`, {
      cause,
    });
  }
  const { streamId, sequence } = (found ?? {}) as Partial<Record<keyof Checkpoint, unknown>>;
  if (typeof streamId === 'string' && typeof sequence === 'string') return { streamId, sequence };
  throw new TillstreamError(
    'unavailable',
    `${CHECKPOINT_NAME} of the lake is not a checkpoint: ${stored.subarray(0, 80)}`,
  );
}
