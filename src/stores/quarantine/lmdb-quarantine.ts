// The quarantine in one LMDB environment, for a single machine.
//
// Reasons and records lie apart, so that a list or a filter does not read the records it leaves out. Every change reads
// and writes in one transaction: any number of threads open the same quarantine and put and settle at once.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { TillstreamError } from '../../model/errors.ts';
import { openDatabase, openEnvironment, reading, transact } from '../lmdb-environment.ts';
import type { NewQuarantineEntry, Quarantine, QuarantineEntry, QuarantineState } from './quarantine.ts';

/** An entry without its record: as JSON, under its id. */
type Reason = Omit<QuarantineEntry, 'id'>;
type Counts = Record<QuarantineState, number>;

const NO_COUNTS: Counts = { waiting: 0, redriven: 0, discarded: 0 };
const COUNTS_KEY = Buffer.from('counts');
/** The character that comes after the dash. */
const AFTER_DASH = '.';
/** Entries that a list reads in one turn of its thread, which may be the one that answers requests: some milliseconds. */
const LOOKED_AT_ONCE = 1000;
/** Far above the name of a store and a sequence, far below what a key may have. */
const ID_BYTES_MAX = 512;

/**
 * Opens the quarantine in `directory`, making it if need be.
 * @throws directory_not_writable, unavailable
 */
export function openLmdbQuarantine({ directory }: { readonly directory: string }): Quarantine {
  const environment = openEnvironment(directory);
  const reasons = openDatabase(environment, 'quarantine-reasons');
  const records = openDatabase(environment, 'quarantine-records');
  const meta = openDatabase(environment, 'quarantine-meta');

  const readReason = (key: Buffer): Reason | null => {
    const stored = reasons.getBinary(key);
    return stored === undefined ? null : JSON.parse(stored.toString('utf8'));
  };
  const readCounts = (): Counts => {
    const stored = meta.getBinary(COUNTS_KEY);
    return stored === undefined ? NO_COUNTS : JSON.parse(stored.toString('utf8'));
  };
  /** Within a transaction. */
  const write = (key: Buffer, before: Reason | null, after: Reason): void => {
    const counts = { ...readCounts() };
    if (before !== null) counts[before.state] -= 1;
    counts[after.state] += 1;
    reasons.put(key, Buffer.from(JSON.stringify(after)));
    meta.put(COUNTS_KEY, Buffer.from(JSON.stringify(counts)));
  };
  const putOne = (key: Buffer, { id: _, data, ...reason }: NewQuarantineEntry, before: Reason | null): void => {
    const quarantinedAtMs = before?.quarantinedAtMs ?? Date.now();
    records.put(key, data);
    write(key, before, { ...reason, bytes: data.length, quarantinedAtMs, state: 'waiting', redriving: false });
  };
  /** `next` gives the entry that follows on the one there is, or throws what is in its way. */
  const change = async (id: string, next: (before: Reason) => Reason): Promise<void> => {
    const key = keyOf(id);
    await transact(environment, () => {
      const before = key === null ? null : readReason(key);
      if (key === null || before === null) {
        throw new TillstreamError('not_found', `Nothing in quarantine has the id "${id.slice(0, 200)}".`);
      }
      write(key, before, next(before));
    });
  };

  return {
    async put(entry) {
      const key = validKey(entry.id);
      await transact(environment, () => putOne(key, entry, readReason(key)));
    },

    async putMany(entries) {
      const keyed = entries.map((entry) => ({ entry, key: validKey(entry.id) }));
      await transact(environment, () => {
        for (const { entry, key } of keyed) if (readReason(key) === null) putOne(key, entry, null);
      });
    },

    async get(id) {
      const key = keyOf(id);
      if (key === null) return null;
      return reading(environment, () => {
        const reason = readReason(key);
        return reason === null ? null : { id, ...reason, data: records.getBinary(key) ?? Buffer.alloc(0) };
      });
    },

    async list({ state, store, after, limit }) {
      // Ids begin with their store: what other stores have is not looked at.
      const first = store === undefined ? '' : `${store}-`;
      const end = store === undefined ? {} : { end: Buffer.from(`${store}${AFTER_DASH}`) };
      let start: { readonly start: Buffer; readonly exclusiveStart?: true } =
        after && after >= first ? { start: Buffer.from(after), exclusiveStart: true } : { start: Buffer.from(first) };
      const found: QuarantineEntry[] = [];
      /** Whether there may be more. */
      const look = (): boolean =>
        reading(environment, () => {
          let looked = 0;
          for (const { key, value } of reasons.getRange({ ...start, ...end, limit: LOOKED_AT_ONCE })) {
            if (found.length >= limit) return false;
            looked += 1;
            const id = Buffer.from(key);
            start = { start: id, exclusiveStart: true };
            const reason: Reason = JSON.parse(value.toString('utf8'));
            if (state === undefined || reason.state === state) found.push({ id: id.toString('utf8'), ...reason });
          }
          return looked === LOOKED_AT_ONCE;
        });
      while (look()) await nextTurn(); // what is left out may be millions of rows of a file
      return found;
    },

    beginRedrive: (id) =>
      change(id, (before) => {
        if (before.state === 'redriven') throw new TillstreamError('conflict', `${id} is redriven already.`);
        return { ...before, state: 'waiting', redriving: true };
      }),

    settle: (id, state) =>
      change(id, (before) => {
        if (before.state !== 'waiting') throw new TillstreamError('conflict', `${id} is ${before.state} already.`);
        if (state === 'discarded' && before.redriving) {
          throw new TillstreamError(
            'conflict',
            `A redrive of ${id} was cut off: ${before.store} may have the record.`,
            {
              hint: 'Redrive it again; if it still fails it can be discarded.',
            },
          );
        }
        return { ...before, state, redriving: false };
      }),

    async counts() {
      return reading(environment, () => ({ ...readCounts() }));
    },

    async close() {
      await environment.close();
    },
  };
}

/** @throws invalid_parameter */
function validKey(id: string): Buffer {
  const key = keyOf(id);
  if (key === null) throw new TillstreamError('invalid_parameter', `"${id}" cannot be the id of a quarantine entry.`);
  return key;
}

/** null for what cannot be an id. */
function keyOf(id: string): Buffer | null {
  const key = Buffer.from(id);
  return key.length > 0 && key.length <= ID_BYTES_MAX ? key : null;
}
