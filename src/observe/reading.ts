// How the platform is at one moment: what its status, its metrics and its alerts go by alike.
import type { ErrorCode } from '../model/errors.ts';
import type { QuarantineState } from '../stores/quarantine/quarantine.ts';
import type { ConsumerStatus } from '../stream/consumer.ts';

export interface ConsumerReading extends ConsumerStatus {
  readonly lagRecords: number;
  /** 0 when it is caught up. */
  readonly lagSeconds: number;
}

/** Counted since the start of the platform. */
export interface ImportsReading {
  readonly open: { readonly waiting: number; readonly running: number; readonly needs_answer: number };
  /** How many ended in each state. */
  readonly ended: ReadonlyMap<string, number>;
  /** Of those that are done; so are the rejected ones. */
  readonly rows: number;
  readonly rejected: number;
  readonly seconds: number;
  /** The newest that failed, as long as none was done after it; null: there is none. */
  readonly failed: { readonly id: string; readonly code: ErrorCode } | null;
}

export interface Reading {
  /** ms since 1970. */
  readonly atMs: number;
  /** Why nothing is accepted; null while the door is open. */
  readonly closedBecause: { readonly code: ErrorCode; readonly message: string } | null;
  readonly lines: {
    /** Since the start; so are the rejected ones. */
    readonly accepted: number;
    readonly rejectedByCode: ReadonlyMap<ErrorCode, number>;
    /** Since the order store was made. */
    readonly replaced: number;
  };
  readonly stream: {
    readonly records: number;
    readonly bytes: number;
    readonly bytesMax: number;
    /** When the oldest kept record arrived, ms since 1970; null when none is kept. */
    readonly oldestMs: number | null;
  };
  readonly consumers: readonly ConsumerReading[];
  readonly quarantine: Readonly<Record<QuarantineState, number>>;
  readonly imports: ImportsReading;
  readonly disk: {
    readonly freeBytes: number;
    /** Kept free: below it the door is closed. */
    readonly reserveBytes: number;
  };
}
