// From the stream into the lake: every accepted line, kept raw, in gzipped NDJSON by the hour of its arrival.
//
// A record goes in as it is; each line only gets the shard and the sequence, by cutting bytes, not by parsing. An object's
// name follows from its first and last sequence, so a batch that is delivered again writes the same object again.
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
const CHECKPOINT_NAME = 'state/checkpoint.json';

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
      const { hours, failures } = cutByHour(records);
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

function cutByHour(records: readonly StreamRecord[]): { hours: Map<number, Archived>; failures: Failure[] } {
  const hours = new Map<number, Archived>();
  const failures: Failure[] = [];
  for (const record of records) {
    const lines = linesOf(record.data);
    if (lines === null) {
      const message = `Record ${record.sequence} is not made of lines that are JSON objects`;
      failures.push({ sequence: record.sequence, error: new TillstreamError('unusable_record', message) });
      continue;
    }
    const hour = Math.floor(record.arrivedAtMs / HOUR_MS);
    const archived = hours.get(hour) ?? new Archived(record.sequence);
    hours.set(hour, archived);
    archived.add(record.sequence, lines);
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

/** What follows the opening brace of each line, newline apart; null when one does not look like an object with a field. */
function linesOf(data: Buffer): Buffer[] | null {
  const lines: Buffer[] = [];
  for (let start = 0; start < data.length; ) {
    const newline = data.indexOf(NEWLINE, start);
    const end = newline === -1 ? data.length : newline;
    if (data[start] !== OPENING || data[start + 1] !== QUOTE || data[end - 1] !== CLOSING) return null;
    lines.push(data.subarray(start + 1, end));
    start = end + 1;
  }
  return lines.length === 0 ? null : lines;
}

const NEWLINE_BYTES = Buffer.from('\n');

/** The text of one object. Memory: one copy of its records, which the consumer's cut bounds (8 MiB). */
class Archived {
  readonly first: string;
  last: string;
  readonly #parts: Buffer[] = [];

  constructor(first: string) {
    this.first = first;
    this.last = first;
  }

  add(sequence: string, lines: readonly Buffer[]): void {
    this.last = sequence;
    const opening = Buffer.from(`{"shard":"${SHARD}","sequence":"${sequence}",`);
    for (const line of lines) this.#parts.push(opening, line, NEWLINE_BYTES);
  }

  text(): Buffer {
    return Buffer.concat(this.#parts);
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
