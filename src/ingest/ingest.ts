// From parsed input to lines on the stream: read, validate, identify, append.
//
// What is called accepted is on disk. Part of a request may be stored while the rest is not: that rest is reported line
// by line with `try_again`, and sending all of it again is harmless wherever the lines have an identity of their own.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../model/clock.ts';
import { type ErrorCode, isTillstreamError, type Refusal, TillstreamError } from '../model/errors.ts';
import { type Line, lineLimits } from '../model/line.ts';
import { LineReader } from '../model/read-line.ts';
import { recordLine } from '../model/record.ts';
import type { StreamWriter } from '../stream/event-stream.ts';
import type { Identity } from './identify.ts';
import { type BuiltRecord, RecordBuilder } from './record-builder.ts';

export interface AcceptedLineId {
  readonly invoiceNo: string;
  readonly lineId: string;
  readonly identity: Identity;
  readonly sequence: string;
}

/** A line that is not stored, by its index in the request. */
export interface LineError extends Refusal {
  readonly index: number;
}

/** What became of a request of many lines. */
export interface ManyAccepted {
  readonly accepted: number;
  /** By index; where only counts were asked for, the first FULL_ERRORS_MAX. */
  readonly errors: readonly LineError[];
  /** Indexes of all lines that are not stored, rising. */
  readonly rejected: readonly number[];
  /** By index; empty where only counts were asked for. */
  readonly lines: readonly AcceptedLineId[];
  readonly firstSequence: string | null;
  readonly lastSequence: string | null;
}

/** An input that could not even be parsed. */
export class Unparsed {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    this.refusal = refusal;
  }
}

export interface IngestOptions {
  readonly stream: StreamWriter;
  readonly clock: Clock;
  /** A new ULID. */
  readonly newLineId: () => string;
  /** IANA name. */
  readonly timeZone: string;
}

/** Lines between two turns of the event loop: some 2 ms, so that a large request does not make small ones wait. */
const LINES_A_TURN = 500;
/** Full errors in an answer that counts; beyond it only line numbers are reported. */
export const FULL_ERRORS_MAX = 100;

export class Ingest {
  /** Since the start of the platform. */
  readonly counters = { requests: 0, accepted: 0, rejected: 0 };
  /** `rejected`, by what their senders were told. */
  readonly rejectedByCode = new Map<ErrorCode, number>();
  readonly #options: IngestOptions;
  readonly #reader: LineReader;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#reader = new LineReader(options.timeZone);
  }

  /**
   * Takes one line.
   * @param lineIdOfKey its lineId where it brings none
   * @throws the refusal; or what the stream throws, or try_again: nothing is stored, or it may be
   */
  async acceptOne(input: unknown, source: string, lineIdOfKey: string | undefined): Promise<AcceptedLineId> {
    const { stream, clock } = this.#options;
    this.counters.requests += 1;
    const read = this.#reader.read(input);
    if ('refusal' in read) {
      this.#countRejected(read.refusal.code, 1);
      const { code, message, field, value } = read.refusal;
      throw new TillstreamError(code, message, { field, value });
    }
    const { line, extra } = read;
    const identity = this.#identify(line, lineIdOfKey);
    const data = Buffer.from(recordLine(line, clock.nowMicros(), 0, source, extra));
    const [result] = await stream.append([{ key: line.invoiceNo, data }]);
    if (result === undefined || 'error' in result) throw notStored(result?.error);
    this.counters.accepted += 1;
    return { invoiceNo: line.invoiceNo, lineId: line.lineId, identity, sequence: result.sequence };
  }

  /**
   * Takes many lines; good ones are kept.
   * @param inputs what was parsed, in order: a value, Unparsed, or undefined for nothing (a blank line)
   * @param detail `lines`: every accepted line and every error; `counts`: counts, and the first errors
   * @param lineIdOfKey only with a single input: its lineId where it brings none
   * @throws what the stream throws when nothing is stored
   */
  async acceptMany(
    inputs: Iterable<unknown>,
    source: string,
    detail: 'lines' | 'counts',
    lineIdOfKey?: string,
  ): Promise<ManyAccepted> {
    this.counters.requests += 1;
    const outcome = new Outcome(detail);
    const builder = new RecordBuilder(this.#options.clock.nowMicros(), source);
    const building = { builder, outcome, lineIdOfKey };
    let index = 0;
    for (const input of inputs) {
      if (input !== undefined) {
        const refusal = input instanceof Unparsed ? input.refusal : this.#build(building, input, index);
        if (refusal !== null) outcome.refuse(index, refusal);
      }
      index += 1;
      if (index % LINES_A_TURN === 0) await nextTurn();
    }
    const records = builder.records();
    if (records.length > 0) {
      const results = await this.#options.stream.append(records);
      results.forEach((result, at) => {
        const record = records[at];
        if (record !== undefined) outcome.settle(record, result);
      });
    }
    this.counters.accepted += outcome.accepted;
    for (const [code, lines] of outcome.rejectedByCode) this.#countRejected(code, lines);
    return outcome.sorted();
  }

  #countRejected(code: ErrorCode, lines: number): void {
    this.counters.rejected += lines;
    addTo(this.rejectedByCode, code, lines);
  }

  /** null when the line is in a record now. */
  #build({ builder, outcome, lineIdOfKey }: Building, input: unknown, index: number): Refusal | null {
    const read = this.#reader.read(input);
    if ('refusal' in read) return read.refusal;
    const identity = this.#identify(read.line, lineIdOfKey);
    if (!builder.add(read.line, read.extra, index)) return tooManyLines(read.line);
    outcome.remember(index, read.line, identity);
    return null;
  }

  #identify(line: Line, lineIdOfKey: string | undefined): Identity {
    if (line.lineId !== '') return 'client';
    line.lineId = lineIdOfKey ?? this.#options.newLineId();
    return lineIdOfKey === undefined ? 'generated' : 'idempotency_key';
  }
}

/** One request of many lines. */
interface Building {
  readonly builder: RecordBuilder;
  readonly outcome: Outcome;
  readonly lineIdOfKey: string | undefined;
}

class Outcome implements ManyAccepted {
  accepted = 0;
  readonly errors: LineError[] = [];
  readonly rejected: number[] = [];
  readonly rejectedByCode = new Map<ErrorCode, number>();
  lines: AcceptedLineId[] = [];
  firstSequence: string | null = null;
  lastSequence: string | null = null;
  readonly #detail: 'lines' | 'counts';
  readonly #identities = new Map<number, Omit<AcceptedLineId, 'sequence'>>();

  constructor(detail: 'lines' | 'counts') {
    this.#detail = detail;
  }

  refuse(index: number, refusal: Refusal): void {
    this.rejected.push(index);
    addTo(this.rejectedByCode, refusal.code, 1);
    if (this.#detail === 'lines' || this.errors.length < FULL_ERRORS_MAX) this.errors.push({ index, ...refusal });
  }

  remember(index: number, { invoiceNo, lineId }: Line, identity: Identity): void {
    if (this.#detail === 'lines') this.#identities.set(index, { invoiceNo, lineId, identity });
  }

  settle(record: BuiltRecord, result: { readonly sequence: string } | { readonly error: Error }): void {
    if ('error' in result) {
      const { code, message } = notStored(result.error);
      for (const index of record.positions) this.refuse(index, { code, field: null, value: null, message });
      return;
    }
    const { sequence } = result;
    this.accepted += record.positions.length;
    if (this.firstSequence === null || sequence < this.firstSequence) this.firstSequence = sequence;
    if (this.lastSequence === null || sequence > this.lastSequence) this.lastSequence = sequence;
    for (const index of record.positions) {
      const identity = this.#identities.get(index);
      if (identity !== undefined) this.#identities.set(index, Object.assign(identity, { sequence }));
    }
  }

  sorted(): ManyAccepted {
    this.errors.sort((a, b) => a.index - b.index);
    this.rejected.sort((a, b) => a - b);
    this.lines = [...this.#identities]
      .sort(([a], [b]) => a - b)
      .flatMap(([, line]) => ('sequence' in line ? [line as AcceptedLineId] : []));
    return this;
  }
}

function addTo(counts: Map<ErrorCode, number>, code: ErrorCode, lines: number): void {
  counts.set(code, (counts.get(code) ?? 0) + lines);
}

function notStored(cause: unknown): TillstreamError {
  if (isTillstreamError(cause) && cause.code !== 'unavailable') return cause;
  return new TillstreamError('try_again', 'The line is not stored, or not for certain; send it again.', {
    cause,
  });
}

function tooManyLines({ invoiceNo }: Line): Refusal {
  const most = lineLimits.linesPerInvoiceMax.toLocaleString('en-US');
  return {
    code: 'invoice_too_large',
    field: 'InvoiceNo',
    value: invoiceNo,
    message: `Invoice ${invoiceNo} has more than ${most} lines in this request; split it into several invoices.`,
  };
}
