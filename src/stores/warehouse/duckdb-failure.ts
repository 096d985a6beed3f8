// What DuckDB says when something fails, read from its text: the binding has one class of error for everything.
//
// Instances are opened with errors_as_json, which gives the kind and the position without guessing at prose. Only what stands
// in front is believed: the message itself can be a query's own, `SELECT error('…')`.
import { messageOf, TillstreamError } from '../../model/errors.ts';
import { saysDiskFull } from '../disk-room.ts';

export interface DuckDbFailure {
  /** `Parser`, `Binder`, `IO`, `INTERRUPT`, …; `unknown` for what is not DuckDB's. */
  readonly kind: string;
  readonly message: string;
  /** Of the first character it is about, in the statement, from 0. */
  readonly position: number | null;
}

/** Failures of input: the same record fails again, whenever it is tried. */
const INPUT = new Set(['Invalid', 'Invalid Input', 'Conversion', 'Constraint', 'Out of Range', 'Mismatch Type']);

/** Failures of the machine or the moment: the same call may do later. */
const PASSING = new Set([
  'IO',
  'Out of Memory',
  'TransactionContext',
  'Transaction',
  'FATAL',
  'INTERRUPT',
  'Connection',
]);

export function readFailure(error: unknown): DuckDbFailure {
  const text = messageOf(error);
  const [, kind, message = text] =
    /^(?:Failed to extract statements: )?(?:([A-Za-z ]+?) Error: )?([\s\S]*)$/.exec(text) ?? [];
  const coded = message.startsWith('{"exception_type"') ? parseFailure(message) : null;
  if (coded !== null && (kind === undefined || kind === coded.kind)) return coded;
  return { kind: kind ?? 'unknown', message, position: null };
}

/** null for an excerpt of one; the prose around it will do. */
function parseFailure(json: string): DuckDbFailure | null {
  try {
    const { exception_type: kind, exception_message: message, position } = JSON.parse(json) as Record<string, unknown>;
    return {
      kind: String(kind),
      message: String(message),
      position: typeof position === 'string' ? Number(position) : null,
    };
  } catch {
    return null;
  }
}

/** After one of these the instance answers nothing any more until it is opened again. By its kind alone: see above. */
export function endsInstance(error: unknown): boolean {
  const { kind } = readFailure(error);
  return kind === 'FATAL' || kind === 'INTERNAL';
}

/** The error of a store, from what DuckDB or the file system threw; `what` says what was being done. */
export function storeError(error: unknown, what: string): Error {
  if (error instanceof TillstreamError) return error;
  const { kind, message } = readFailure(error);
  if (PASSING.has(kind) || endsInstance(error) || isSystemError(error)) {
    const why = saysDiskFull(message) ? 'the disk is full' : firstLine(message);
    return new TillstreamError('unavailable', `${what}: ${why}`, { cause: error });
  }
  return error instanceof Error ? error : new Error(message);
}

/** Whether what was read is wrong, not the machine or the moment. */
export function isInputFailure(error: unknown): boolean {
  return INPUT.has(readFailure(error).kind);
}

/** As storeError, where the records of a load may be what is wrong. */
export function loadError(error: unknown, what: string): Error {
  if (isInputFailure(error)) {
    const { message } = readFailure(error);
    return new TillstreamError('unusable_record', `${what}: ${withoutPaths(firstLine(message))}`, { cause: error });
  }
  return storeError(error, what);
}

/** ENOSPC, EIO, EMFILE and all others that the file system has a code for. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

/** A position of DuckDB's (in bytes, from 0) as a person counts. */
export function placeIn(sql: string, position: number): string {
  const before = Buffer.from(sql).subarray(0, position).toString().split('\n');
  return `line ${before.length}, column ${(before[before.length - 1] ?? '').length + 1}`;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

function withoutPaths(text: string): string {
  return text.replace(/ in file "[^"]*",?/, '').replace(/ in line \d+/, '');
}
