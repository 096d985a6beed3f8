// Sends rows until each is stored or refused: the client's half of "an acknowledged line is never lost".
//
// Whatever may pass is tried again for ever, with capped exponential backoff and full jitter, or when Retry-After says.
// Sending a line twice is harmless, since every row carries its number. Of a batch, only what is not stored goes again.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Refusal, TillstreamError } from '../model/errors.ts';
import { readAnswer, unanswered, type Verdict } from './answer.ts';
import type { Connection } from './connection.ts';
import type { CsvRow } from './csv-rows.ts';
import { rowJson } from './row-json.ts';

/** Told of everything as it happens. */
export interface DeliveryReport {
  answered(latencyUs: number): void;
  stored(lines: number): void;
  refused(row: CsvRow, refusal: Refusal): void;
  /** A request has to be repeated. */
  retried(reason: string): void;
}

export interface Delivery {
  readonly connection: Connection;
  /** NDJSON instead of one JSON object a request. */
  readonly isBatch: boolean;
  readonly report: DeliveryReport;
  /** Once aborted, no further request is made. */
  readonly stop: AbortSignal;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
}

const BACKOFF_FIRST_MS = 100;
/** A platform that is back is noticed within this. */
const BACKOFF_MAX_MS = 5_000;
/** A platform that asks for more has a fault of its own. */
const RETRY_AFTER_MAX_MS = 60_000;
/** Lanes told to come back at the same time do not all come at the same moment. */
const RETRY_AFTER_JITTER_MS = 250;
/** An answer gives reasons for the first 100 refused lines only; the others are sent again in pieces of which all are told. */
const REASONS_PER_ANSWER = 100;

/**
 * Resolves with whether every row is stored or refused; false after `stop`.
 * @throws TillstreamError  when going on makes no sense: a wrong key, not a platform at all
 */
export async function deliver(rows: readonly CsvRow[], delivery: Delivery): Promise<boolean> {
  const { report, stop, random } = delivery;
  const pieces: (readonly CsvRow[])[] = [rows];
  let failures = 0;
  for (let piece = pieces.pop(); piece !== undefined; piece = pieces.pop()) {
    if (stop.aborted) return false;
    const verdict = await send(piece, delivery);
    if (verdict.kind === 'stored') {
      const { waiting, unexplained } = settle(piece, verdict.refused, report);
      for (let end = unexplained.length; end > 0; end -= REASONS_PER_ANSWER) {
        pieces.push(unexplained.slice(Math.max(0, end - REASONS_PER_ANSWER), end));
      }
      if (waiting.length === 0) {
        failures = 0;
        continue;
      }
      pieces.push(waiting);
      report.retried('try_again');
      await pause(backoffMs(failures++, null, random), stop);
    } else if (verdict.kind === 'later') {
      pieces.push(piece);
      if (stop.aborted) return false;
      report.retried(verdict.reason);
      await pause(backoffMs(failures++, verdict.afterMs, random), stop);
    } else if (piece.length === 1 && piece[0] !== undefined) {
      report.refused(piece[0], verdict.refusal);
    } else {
      // The request as a whole is too large, or one line makes it unreadable: halves find out.
      const half = piece.length >> 1;
      pieces.push(piece.slice(half), piece.slice(0, half));
    }
  }
  return true;
}

async function send(rows: readonly CsvRow[], { connection, isBatch, report }: Delivery): Promise<Verdict> {
  let answer: Awaited<ReturnType<Connection['post']>>;
  try {
    answer = await (isBatch
      ? connection.post('application/x-ndjson', `${rows.map(rowJson).join('\n')}\n`)
      : connection.post('application/json', rows.map(rowJson).join()));
  } catch (error) {
    if (error instanceof TillstreamError) throw error;
    return unanswered(error);
  }
  report.answered(answer.latencyUs);
  return readAnswer(answer, isBatch ? rows.length : null, connection.url);
}

/** Reports what is decided; gives back what is not: lines to be sent later, and lines refused without a reason. */
function settle(rows: readonly CsvRow[], refused: ReadonlyMap<number, Refusal | null>, report: DeliveryReport) {
  const waiting: CsvRow[] = [];
  const unexplained: CsvRow[] = [];
  report.stored(rows.length - refused.size);
  for (const [index, refusal] of refused) {
    const row = rows[index];
    if (row === undefined) continue;
    if (refusal === null) unexplained.push(row);
    else if (refusal.code === 'try_again') waiting.push(row);
    else report.refused(row, refusal);
  }
  return { waiting, unexplained };
}

export function backoffMs(failures: number, afterMs: number | null, random: () => number): number {
  if (afterMs !== null) return Math.min(afterMs, RETRY_AFTER_MAX_MS) + random() * RETRY_AFTER_JITTER_MS;
  return random() * Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures, 20));
}

/** Returns at once when `stop` is aborted. */
export async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: stop }).catch(() => undefined);
}
