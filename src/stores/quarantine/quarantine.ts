// The port of the quarantine: where input that could not be used waits, whole, with the reason.

export type QuarantineState = 'waiting' | 'redriven' | 'discarded';

export interface QuarantineEntry {
  /** `<store>-<sequence>`: putting the same failure again is the same entry. */
  readonly id: string;
  /** The store whose pipeline could not use it: `lake`, `orders`, `warehouse`; or `imports`, for a row of a file. */
  readonly store: string;
  readonly sequence: string;
  /** When it arrived on the stream, ms since 1970. */
  readonly arrivedAtMs: number;
  /** When it was put here first, ms since 1970. */
  readonly quarantinedAtMs: number;
  readonly state: QuarantineState;
  /** A redrive has begun and not ended: until it has, nobody knows whether the store has the record. Only while it waits. */
  readonly redriving: boolean;
  readonly code: string;
  /** The reason, for a person. */
  readonly message: string;
  /** How often it was tried, redrives included. */
  readonly attempts: number;
  /** Size of the record. */
  readonly bytes: number;
}

export interface QuarantinedRecord extends QuarantineEntry {
  /** The record, whole. */
  readonly data: Buffer;
}

export type NewQuarantineEntry = Omit<QuarantinedRecord, 'state' | 'redriving' | 'quarantinedAtMs' | 'bytes'>;

export interface QuarantineFilter {
  readonly state?: QuarantineState;
  readonly store?: string;
  /** Entries after this id. */
  readonly after?: string | null;
  readonly limit: number;
}

/** A ledger as well: discarded and redriven entries stay listed, so that `verify` can account for every line. */
export interface Quarantine {
  /** Resolves when it is on disk. The same id again updates reason and attempts; one that was settled waits again. */
  put(entry: NewQuarantineEntry): Promise<void>;

  /** The same for many; those whose ids are known stay as they are. */
  putMany(entries: readonly NewQuarantineEntry[]): Promise<void>;

  get(id: string): Promise<QuarantinedRecord | null>;

  /** In order of id, without the records. */
  list(filter: QuarantineFilter): Promise<QuarantineEntry[]>;

  /**
   * Before the record is given to its store again: the entry waits, also if it was discarded, and is `redriving` until
   * settle() or put(). Resolves when it is on disk. @throws not_found; conflict  it is redriven
   */
  beginRedrive(id: string): Promise<void>;

  /** Resolves when it is on disk. @throws not_found; conflict  it does not wait, or is to be discarded while redriving */
  settle(id: string, state: 'redriven' | 'discarded'): Promise<void>;

  /** Entries in each state. */
  counts(): Promise<Record<QuarantineState, number>>;

  close(): Promise<void>;
}

const ENTRIES_AT_ONCE = 1000;

/** Every entry that fits the filter; no more than a page of them in memory. */
export async function* everyEntry(
  quarantine: Quarantine,
  filter: Pick<QuarantineFilter, 'state' | 'store'>,
): AsyncGenerator<QuarantineEntry> {
  for (let after: string | null = null; ; ) {
    const page: QuarantineEntry[] = await quarantine.list({ ...filter, after, limit: ENTRIES_AT_ONCE });
    yield* page;
    after = page.at(-1)?.id ?? null;
    if (page.length < ENTRIES_AT_ONCE) return;
  }
}

/** Entries by their ids, one after the other: all of them may be more than memory holds. Those that are gone are left out. */
export async function* recordsOf(
  quarantine: Pick<Quarantine, 'get'>,
  ids: readonly string[],
): AsyncGenerator<QuarantinedRecord> {
  for (const id of ids) {
    const record = await quarantine.get(id);
    if (record !== null) yield record;
  }
}
