// The port of the stream: the durable, ordered log of accepted lines, between accepting and processing.

/**
 * Place of a record in the stream: decimal text of fixed width, so that it orders as text in every store.
 * Never given twice, also after a crash. Opaque: no arithmetic outside the adapter.
 */
export type Sequence = string;

export interface NewRecord {
  /** Records of the same key stay in order (the partition key on Kinesis): the invoice number. */
  readonly key: string;
  /** NDJSON, see model/record.ts; at most `recordBytesMax`. */
  readonly data: Uint8Array;
}

export interface StreamRecord {
  readonly sequence: Sequence;
  /** When it was appended, ms since 1970. Cuts the lake by hour; never part of a version. */
  readonly arrivedAtMs: number;
  readonly data: Buffer;
}

export interface ReadLimits {
  readonly recordsMax: number;
  /** At least one record is given, whatever its size. */
  readonly bytesMax: number;
}

/** One result a record: where it is, or why it is not stored (retry those alone). */
export type AppendResult = { readonly sequence: Sequence } | { readonly error: Error };

export interface StreamBounds {
  /** Newest record that retention has removed; null while the stream is whole. */
  readonly trimmed: Sequence | null;
  /** Newest record ever appended, and readable unless trimmed; null when there never was one. */
  readonly newest: Sequence | null;
}

/** The end of the stream, for who only looks. */
export interface StreamTail {
  /** Oldest first. */
  readonly records: readonly StreamRecord[];
  /** Records between the one asked from and the first of these. */
  readonly skipped: number;
  /** Where to ask from next. */
  readonly newest: Sequence;
}

/** What delivery needs of the stream. */
export interface StreamReader {
  /** Tells this stream from every other; checkpoints carry it. */
  readonly id: string;

  /**
   * Records after `after` (null: from the oldest kept), oldest first; only such as are on disk. Empty: none yet.
   * @throws unavailable  it cannot be read now
   */
  read(after: Sequence | null, limits: ReadLimits): Promise<StreamRecord[]>;

  bounds(): Promise<StreamBounds>;

  close(): Promise<void>;
}

/** What accepting needs of the stream. */
export interface StreamWriter {
  /** Largest record accepted, in bytes. */
  readonly recordBytesMax: number;

  /**
   * Appends records and resolves when they are on disk, with one result a record, in input order.
   * A call can succeed in part: retry the rejected ones only. Versions, not arrival, decide between two forms of a line.
   * @throws stream_full  before anything is stored: the sender waits and sends again
   * @throws unavailable  records may or may not be stored: send them again, identity makes that harmless
   * @throws RangeError  a record is larger than `recordBytesMax`; nothing of the call is stored
   */
  append(records: readonly NewRecord[]): Promise<AppendResult[]>;
}

/**
 * Durable, ordered log of accepted lines. Delivery to consumers is at least once. (On AWS it is Lambda that reads: an
 * adapter for Kinesis is a StreamWriter, and reads in tests alone.)
 */
export interface EventStream extends StreamWriter, StreamReader {}
