// The port of the thread that does the work of one import: it reads, stages, and puts lines into the order store.
import type { DateOrder } from '../model/dates.ts';
import type { ApplyResult } from '../stores/orders/order-store.ts';
import type { ImportOptions, Question, Reading } from './import.ts';
import type { Staged, StageProgress } from './stage.ts';

export interface ExaminedFile {
  readonly bytes: number;
  readonly sha256: string;
  readonly reading: Reading;
  readonly question: Question | null;
}

export interface ExamineOrder {
  /** Of the import. */
  readonly directory: string;
  readonly files: readonly { readonly name: string; readonly object: string; readonly sha256: string }[];
  readonly options: ImportOptions;
  readonly dateOrder: DateOrder | null;
  /** Left free on the disk, whatever is unpacked. */
  readonly diskReserveBytes: number;
}

export interface StageCommand {
  readonly directory: string;
  readonly files: readonly { readonly name: string; readonly object: string; readonly reading: Reading }[];
  readonly timeZone: string;
  readonly receivedAt: number;
  readonly source: string;
  /** Parquet files with invoices that are numbered on. */
  readonly continued: readonly string[];
  /** Left free on the disk. */
  readonly diskReserveBytes: number;
}

export interface LineTotals {
  readonly lines: number;
  readonly invoices: number;
  readonly revenueE4: bigint;
}

export interface ImportWorker {
  /**
   * What the files are; their fingerprints, where they have none yet.
   * @throws file_not_found, not_a_csv and the like, disk_full, unavailable; conflict  cancelled
   */
  examine(order: ExamineOrder): Promise<ExaminedFile[]>;

  /** Writes all parts; they are on disk when it resolves. @throws disk_full, unavailable, not_a_csv; conflict  cancelled */
  stage(command: StageCommand): Promise<Staged>;

  progress(): Promise<StageProgress | null>;

  /** examine() and stage() fail soon after. */
  cancel(): Promise<void>;

  /** The part that is loaded first; loadOrders() says what cannot be read. */
  readAhead(part: string): Promise<void>;

  /** @param next the part that comes after it; null: none. @throws unavailable, invoice_too_large */
  loadOrders(part: string, next: string | null): Promise<ApplyResult>;

  /** Of what parts hold together. @param hasAgain a line of one may come again in another. @throws unavailable */
  totals(parts: readonly string[], hasAgain: boolean): Promise<LineTotals>;

  /** Ends the thread. */
  end(): Promise<void>;
}
