// The port of the warehouse: the columnar SQL store behind the analysts.
import type { Checkpoint } from '../../model/checkpoint.ts';
import type { DayDigest } from '../../model/digest.ts';

/** A value of an answer: DECIMAL and HUGEINT as exact text, timestamps as `2010-12-01T08:26:00`, BIGINT as number when safe. */
export type SqlValue = string | number | boolean | null | readonly SqlValue[] | { readonly [name: string]: SqlValue };

export type SqlParameter = string | number | boolean | null;

/** A named question: a file of `queries/`. */
export type QueryName = string;

export interface QueryAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly SqlValue[])[];
  /** More rows were there than were asked for. */
  readonly truncated: boolean;
}

export interface SelectLimits {
  readonly rowsMax: number;
  readonly timeoutMs: number;
}

/** A record of the stream, as far as a load needs it. */
export interface LoadRecord {
  readonly sequence: string;
  /** NDJSON, see model/record.ts. */
  readonly data: Buffer;
}

/** All of `sales` at one moment. */
export interface WarehouseDigest {
  readonly days: readonly DayDigest[];
  /** Distinct invoices. */
  readonly invoices: number;
}

/** Lines of other sources that a part of an import would change. */
export interface PartConflicts {
  readonly lines: number;
  readonly invoices: number;
  /** An invoice that would have more lines than are kept; null: none. */
  readonly tooLarge: string | null;
  /** The first of them; `now` and `then` say the fields that differ. */
  readonly examples: readonly {
    readonly invoiceNo: string;
    readonly lineId: string;
    readonly source: string;
    readonly now: string;
    readonly then: string;
  }[];
}

/** The fact table `sales` and its views. */
export interface Warehouse {
  /**
   * Takes records in, in any order, any number of times: of every identity the newest version stands.
   * Rows and checkpoint are stored in one transaction; resolves when it is on disk.
   * @throws unusable_record  a record is not what ingest writes; nothing of the call is stored
   * @throws unavailable  nothing is stored: load it again
   */
  load(records: readonly LoadRecord[], checkpoint?: Checkpoint): Promise<void>;

  checkpoint(): Promise<Checkpoint | null>;

  /** Whether it holds neither a row nor a checkpoint. */
  isNew(): Promise<boolean>;

  /**
   * Takes a part of an import in, a Parquet file, whole or not at all, any number of times; resolves when it is on disk.
   * @throws unavailable  nothing is stored: load it again
   */
  loadPart(file: string): Promise<void>;

  /**
   * What the part would change of what other sources brought.
   * @param continuedTo Parquet that is made there, if there is anything: those invoices, and their highest line numbers
   * @throws unavailable
   */
  conflicts(file: string, examplesMax: number, continuedTo: string): Promise<PartConflicts>;

  /**
   * Runs one of our questions, `queries/<name>.sql`; parameters by number. One object a row, keys as the SQL names them.
   * @throws invalid_parameter  the answer would have more than 100,000 rows
   * @throws query_too_long
   */
  ask(name: QueryName, parameters: readonly SqlParameter[]): Promise<Record<string, SqlValue>[]>;

  /**
   * Runs one SELECT from outside: read-only, no files, no settings.
   * @throws invalid_sql  with the database's own words and position
   * @throws query_too_long
   */
  select(sql: string, limits: SelectLimits): Promise<QueryAnswer>;

  /** Every line of `sales`, digested by day, and its invoices counted. */
  digest(): Promise<WarehouseDigest>;

  close(): Promise<void>;
}
