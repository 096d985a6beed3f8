// The port of the quarantine: where input that could not be used waits, whole, with the reason.

export type QuarantineState = 'waiting' | 'redriven' | 'discarded';

export interface QuarantineEntry {
  /** `<store>-<sequence>`: putting the same failure again is the same entry. */
  readonly id: string;
  /** The store whose pipeline could not use it: `lake`, `orders`, `warehouse`. */
  readonly store: string;
  readonly sequence: string;
  /** When it arrived on the stream, ms since 1970. */
  readonly arrivedAtMs: number;
  /** When it was put here first, ms since 1970. */
  readonly quarantinedAtMs: number;
  readonly state: QuarantineState;
  readonly code: string;
  /** The reason, for a person. */
  readonly message: string;
  /** How often it was tried, redrives included. */
  readonly attempts: number;
  /** The record, whole. */
  readonly data: Buffer;
}

export type NewQuarantineEntry = Omit<QuarantineEntry, 'state' | 'quarantinedAtMs'>;

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

  get(id: string): Promise<QuarantineEntry | null>;

  /** In order of id. */
  list(filter: QuarantineFilter): Promise<QuarantineEntry[]>;

  /** Resolves when it is on disk. @throws not_found */
  settle(id: string, state: 'redriven' | 'discarded'): Promise<void>;

  /** Entries in each state. */
  counts(): Promise<Record<QuarantineState, number>>;

  close(): Promise<void>;
}
