// What an import is, from the wish to the history of it: the words that its parts share. Plain data, as its manifest keeps it.

import type { Field } from '../model/columns.ts';
import type { DateOrder } from '../model/dates.ts';
import type { ErrorCode, Refusal } from '../model/errors.ts';

export type Format = 'csv' | 'ndjson' | 'parquet';
export type Compression = 'none' | 'gzip' | 'zstd';
export type Encoding = 'utf-8' | 'windows-1252';

/** What whoever starts an import says of it; all of it may be left open. */
export interface ImportOptions {
  readonly format?: Format;
  readonly encoding?: Encoding;
  readonly dateOrder?: DateOrder;
  /** Names of columns as the files have them, by the field that they mean. */
  readonly map?: Readonly<Partial<Record<Field, string>>>;
  /** What becomes of lines of another source that would change. Left out: asked. */
  readonly conflicts?: 'replace' | 'continue-numbering';
  /** Percent of the rows; with more rejects nothing is written. */
  readonly maxRejects?: number;
  /** Files that were imported already are imported again, under the versions that they had. */
  readonly again?: boolean;
  /** Counts and looks, and writes nothing. */
  readonly dryRun?: boolean;
}

export interface ImportedFile {
  /** As its owner calls it. */
  readonly name: string;
  /** Of the import's directory. */
  readonly object: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** How one file is to be read; several of one import may differ. */
export interface Reading {
  readonly format: Format;
  readonly compression: Compression;
  /** null: found while it is read; as long as all is ASCII, it does not matter. */
  readonly encoding: Encoding | null;
  /** Of a CSV. */
  readonly delimiter: string | null;
  /** In the file's order, as the file names them; of NDJSON those of its first lines. */
  readonly columns: readonly ReadColumn[];
  /** null: its dates are no numbers alone, but ISO 8601. */
  readonly dateOrder: DateOrder | null;
  /** Rows or lines before the first that counts: the header of a CSV. */
  readonly hasHeader: boolean;
}

export interface ReadColumn {
  readonly name: string;
  /** null: not known; kept in `extra`. */
  readonly field: Field | null;
}

/** Its lines have numbers of their own. */
export function isNumbered({ columns }: Pick<Reading, 'columns'>): boolean {
  return columns.some(({ field }) => field === 'lineId');
}

/** What only the owner can say. */
export type Question =
  | {
      readonly kind: 'date_order';
      readonly file: string;
      /** The same dates of the file in both readings. */
      readonly examples: readonly { readonly text: string; readonly monthFirst: string; readonly dayFirst: string }[];
    }
  | {
      readonly kind: 'columns';
      readonly file: string;
      readonly missing: readonly Field[];
      readonly columns: readonly string[];
    }
  | {
      readonly kind: 'conflicts';
      readonly lines: number;
      readonly invoices: number;
      readonly examples: readonly Conflict[];
    }
  | {
      readonly kind: 'too_many_rejects';
      readonly rows: number;
      readonly rejected: number;
      readonly percentMax: number;
    };

/** A line of another source that the import would change. */
export interface Conflict {
  readonly invoiceNo: string;
  readonly lineId: string;
  /** Where the line that stands came from. */
  readonly source: string;
  readonly now: string;
  readonly then: string;
}

export interface Reject extends Refusal {
  /** From 1, over all files of the import; the header does not count. */
  readonly row: number;
  readonly file: string;
  /** Where the row starts in the file, unpacked; null where there are no bytes to count (Parquet). */
  readonly byteOffset: number | null;
  /** The row as it stands in the file. */
  readonly text: string;
  /** By the names of the file's columns; null where they cannot be told apart. */
  readonly columns: Readonly<Record<string, unknown>> | null;
  /** That the row keeps; null when nobody knows its invoice. */
  readonly invoiceNo: string | null;
  readonly lineId: string | null;
}

export type ImportState =
  | 'waiting'
  | 'reading'
  | 'needs_answer'
  | 'staging'
  /** Whether other sources brought the same lines. */
  | 'checking'
  | 'loading'
  | 'done'
  /** The same bytes were imported before: nothing was done. */
  | 'already_imported'
  /** The end of a dry run. */
  | 'checked'
  | 'cancelled'
  | 'failed';

export const ENDED: ReadonlySet<ImportState> = new Set(['done', 'already_imported', 'checked', 'cancelled', 'failed']);

export interface ImportCounts {
  readonly rows: number;
  /** Rows that became lines. */
  readonly lines: number;
  readonly invoices: number;
  readonly rejected: number;
  /** Rows that a later one of the same LineNo replaced. */
  readonly superseded: number;
  /** Sum of the amounts, exact, in decimal text. */
  readonly revenue: string;
  /** Lines of the stores that were replaced by ones that differ. */
  readonly replaced: number;
}

export interface ImportProgress {
  readonly bytes: number;
  readonly bytesTotal: number;
  /** Lines that are staged while staging, loaded while loading. */
  readonly lines: number;
  /** null: not known yet. */
  readonly linesTotal: number | null;
  readonly linesPerSecond: number;
  readonly secondsLeft: number | null;
}

/** As it is answered, and kept. */
export interface ImportReport {
  readonly id: string;
  readonly state: ImportState;
  readonly origin: 'upload' | 'inbox';
  readonly files: readonly ImportedFile[];
  readonly options: ImportOptions;
  /** One a file, once they have been looked at. */
  readonly readings: readonly Reading[];
  readonly question: Question | null;
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint?: string } | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly seconds: number | null;
  readonly progress: ImportProgress | null;
  readonly counts: ImportCounts | null;
  readonly firstRejects: readonly Reject[];
  /** The import that the same bytes were first imported by. */
  readonly sameAs: string | null;
}
