// What a replay is asked for, and what it tells.
import { TillstreamError } from '../model/errors.ts';
import { parseTarget, type Target } from './connection.ts';
import type { Pace } from './pacer.ts';
import type { LatencyMs, Rejected } from './tally.ts';

export interface ReplayOptions extends Target, Pace {
  readonly files: readonly string[];
  /** Lines a request. Default 1: a JSON object each; more: NDJSON. */
  readonly batch?: number | undefined;
  /** Requests at a time. Default 64; 8 with batches. */
  readonly concurrency?: number | undefined;
  /** Rows to go to, counted from the first row of the first file. */
  readonly limit?: number | undefined;
  /** Goes on where the last replay of these files stopped. Without a state to resume, begins at the first row. */
  readonly resume?: boolean | undefined;
  /** Default: `<first file>.tillstream-resume.json` in the current directory. */
  readonly resumeFile?: string | undefined;
  readonly rejectsFile?: string | undefined;
  /** Aborted: nothing new is sent, and what is in flight has five seconds to be answered. */
  readonly signal?: AbortSignal | undefined;
  /** Called about twice a second. */
  readonly onProgress?: ((progress: ReplayProgress) => void) | undefined;
  /** For jitter; 0 ≤ x < 1. */
  readonly random?: (() => number) | undefined;
}

export interface ReplayProgress {
  readonly accepted: number;
  readonly rejected: number;
  readonly retries: number;
  /** Last row that was read. */
  readonly row: number;
  /** Rows that are stored or refused, by this run and the one it resumes. */
  readonly finished: number;
  /** Of the bytes of all files, 0 to 1. */
  readonly share: number;
  /** Since the last report. */
  readonly linesPerSecond: number;
  /** No line has got through for a while: how long, and why. */
  readonly waiting: { readonly seconds: number; readonly reason: string } | null;
}

export interface ReplaySummary {
  /** Lines sent, each counted once however often it had to be repeated. */
  readonly sent: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly retries: number;
  readonly seconds: number;
  readonly linesPerSecond: number;
  /** Of a request, from sending to the last byte of its answer. */
  readonly latencyMs: LatencyMs;
  /** Stopped by the signal before the last row. */
  readonly interrupted: boolean;
  /** Rows skipped because an earlier run had finished them. */
  readonly resumedAfterRow: number;
  /** Everything up to this row is stored or refused. */
  readonly lastRow: number;
  /** Where the state to resume from is; null when there is nothing left to do. */
  readonly resumeFile: string | null;
  readonly rejectsFile: string | null;
  readonly firstRejects: readonly Rejected[];
  /**
   * Lines that replaced a version that differed while the replay ran, as the platform counts them: those that other senders
   * replaced in that time are among them. null: not known, since it was interrupted, or the order store is far behind.
   */
  readonly replacedMeanwhile: number | null;
}

/** More lines a request are no faster, and make a lost connection dearer. */
const BATCH_LINES_MAX = 10_000;
/** A connection each: beyond, the platform only queues them. */
const CONCURRENCY_MAX = 512;

/** @throws wrong_usage */
export function checkOptions(options: ReplayOptions): void {
  parseTarget(options);
  if (options.files.length === 0) {
    throw new TillstreamError('wrong_usage', 'No file is named; expected one CSV file or more.');
  }
  checkWhole('--batch', options.batch, BATCH_LINES_MAX, 'lines a request');
  checkWhole('--concurrency', options.concurrency, CONCURRENCY_MAX, 'requests at a time');
  checkWhole('--limit', options.limit, Number.MAX_SAFE_INTEGER, 'rows');
  checkPositive('--rate', options.rate, 'lines a second');
  checkPositive('--speed', options.speed, 'seconds of the file played in one second');
}

function checkWhole(name: string, value: number | undefined, max: number, what: string): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1 && value <= max)) return;
  const range = max === Number.MAX_SAFE_INTEGER ? 'from 1' : `from 1 to ${max.toLocaleString('en-GB')}`;
  throw new TillstreamError('wrong_usage', `${name} is ${value}; expected a whole number ${range}: ${what}.`);
}

function checkPositive(name: string, value: number | undefined, what: string): void {
  if (value === undefined || (value > 0 && value < Number.POSITIVE_INFINITY)) return;
  throw new TillstreamError('wrong_usage', `${name} is ${value}; expected a number above 0: ${what}.`);
}
