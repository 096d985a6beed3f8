// The port of the order store: the NoSQL store behind the shop. Everything by key.
import type { Checkpoint } from '../../model/checkpoint.ts';
import type { DayDigest } from '../../model/digest.ts';
import type { InvoiceHeader } from '../../model/invoice.ts';
import type { AcceptedLine } from '../../model/line.ts';

/**
 * What is shown of an invoice whose lines name several customers: two tills used a number twice, or a correction has not
 * reached all lines. `all`: everything. `own`: what its customer may see, lines that name them or nobody; total, line count,
 * date and country are of those. Any other invoice is the same in both.
 */
export type View = 'all' | 'own';

/** An invoice as it is answered. */
export interface InvoiceDocument {
  /** Whose it is; null for a guest. Who may see it is decided on this. */
  readonly customerId: string | null;
  /** UTF-8 JSON `{invoiceNo, customerId, country, invoiceDate, cancellation, total, lineCount, lines:[… amount]}`. */
  readonly json: Buffer;
}

export interface CustomerProfile {
  readonly customerId: string;
  /** Of the newest invoice. */
  readonly country: string;
  /**
   * Dates of the earliest and the latest invoice that is neither a cancellation nor an adjustment; of any, for a
   * customer who has only such.
   */
  readonly firstPurchase: string;
  readonly lastPurchase: string;
  /** Invoices that are neither cancellations nor adjustments. */
  readonly invoices: number;
  readonly cancellations: number;
  /** Sum over all invoices, net of cancellations, in ten-thousandths. */
  readonly spentE4: bigint;
}

export interface PageWish {
  readonly limit: number;
  /** `next` of the page before; null: from the newest on. */
  readonly cursor: string | null;
}

export interface HistoryPage {
  /** Newest first; of the same date, the higher invoiceNo first. */
  readonly invoices: readonly InvoiceHeader[];
  /** Where the next page starts; null at the end. Opaque text, to be handed back. */
  readonly next: string | null;
}

export interface ApplyResult {
  /** Lines that replaced an older version that differs: corrections, or a mistake somewhere. */
  readonly replaced: number;
}

/**
 * A column of texts, each text once: what most lines share is decoded, and put into JSON, once.
 */
export interface TextColumn {
  /** One for each line: a place in `values`. */
  readonly codes: Uint32Array;
  /** null only where the field may be. */
  readonly values: readonly (string | null)[];
}

/**
 * Every identity once, and an entry for each line in every column. The lines of an invoice stand together, by rising lineId: in any
 * other order they are stored as well, but not as fast.
 */
export interface LineColumns {
  readonly count: number;
  readonly invoiceNo: TextColumn;
  readonly lineId: TextColumn;
  readonly stockCode: TextColumn;
  readonly description: TextColumn;
  readonly customerId: TextColumn;
  readonly country: TextColumn;
  readonly sequence: TextColumn;
  readonly source: TextColumn;
  readonly quantity: Float64Array;
  /** `2010-12-01T08:26:00` as 20101201082600 */
  readonly date: Float64Array;
  /** In ten-thousandths. */
  readonly priceE4: Float64Array;
  /** µs since 1970. */
  readonly receivedAt: Float64Array;
  readonly position: Float64Array;
}

/** Invoices and purchase histories; a view that is left out is `all`. */
export interface OrderStore {
  /**
   * Takes lines in, in any order, any number of times: of every identity the newest version stands. Headers are recomputed
   * from lines; the index of a customer follows. Resolves when it is on disk. With a checkpoint, lines and checkpoint are
   * stored together or not at all (an adapter without transactions stores the checkpoint last).
   * @throws invoice_too_large  more than 10,000 lines in an invoice; nothing of the call is stored
   * @throws unusable_record  a line that ingest would not have let in; nothing of the call is stored
   * @throws unavailable  some may be stored: apply them again
   */
  apply(lines: readonly AcceptedLine[], checkpoint?: Checkpoint): Promise<ApplyResult>;

  /**
   * The same for many lines at once, as a part of an import has them: invoices that are new cost a fraction of what apply() takes.
   * Stored some megabytes at a time, and others write between; identity makes it harmless to load again, and cheap where the lines
   * are there already.
   * @throws invoice_too_large, unusable_record, unavailable  some may be stored: when it was unavailable, load again
   */
  load(columns: LineColumns): Promise<ApplyResult>;

  checkpoint(): Promise<Checkpoint | null>;

  /** Whether nothing was ever stored. */
  isNew(): Promise<boolean>;

  /** Corrections counted since the store was made: the sum of what apply() has answered. */
  replaced(): Promise<number>;

  invoice(invoiceNo: string, view?: View): Promise<InvoiceDocument | null>;

  /** null for a customer who never bought. */
  customer(customerId: string, view?: View): Promise<CustomerProfile | null>;

  /**
   * In the order of whole invoices, whatever is shown of them.
   * @throws invalid_parameter  for a cursor that is not one of ours
   */
  history(customerId: string, page: PageWish, view?: View): Promise<HistoryPage>;

  /** Every line in the store, digested by day; also holds each header against its lines. Yields to other work. */
  digest(): Promise<OrdersDigest>;

  close(): Promise<void>;
}

export interface OrdersDigest {
  readonly days: readonly DayDigest[];
  readonly invoices: number;
  /** Corrections counted since the store was made. */
  readonly replaced: number;
  /** The first invoice whose header is not what its lines give; null when all are right. */
  readonly wrongHeader: string | null;
}
