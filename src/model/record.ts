// A record of the stream: NDJSON of 1..k accepted lines of one invoice, each line ending in a newline, 200 KB at most.
//
// The text of a line is written by hand: JSON.stringify of the same object takes three times as long (bench/ndjson).
// Its fields stand in a fixed order, so equal lines have equal text.
import { TillstreamError } from './errors.ts';
import type { AcceptedLine, Extra, Line } from './line.ts';

/** Kinesis takes 1 MB a record; 200 KB keeps retries, bisecting and memory small (on AWS: 5 KB billing steps anyway). */
export const RECORD_BYTES_MAX = 200_000;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON must escape
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

/** A string as JSON; the common case without the call into the engine. */
export function jsonString(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** The canonical fields, without the closing brace, so that more may follow. */
export function openLineJson(line: Line): string {
  return (
    `{"invoiceNo":${jsonString(line.invoiceNo)},"lineId":${jsonString(line.lineId)}` +
    `,"stockCode":${jsonString(line.stockCode)}` +
    `,"description":${line.description === null ? 'null' : jsonString(line.description)}` +
    `,"quantity":${line.quantity},"invoiceDate":"${line.invoiceDate}","unitPrice":${line.unitPrice}` +
    `,"customerId":${line.customerId === null ? 'null' : jsonString(line.customerId)}` +
    `,"country":${jsonString(line.country)}`
  );
}

/** One line of a record, newline included. `sequence` is not in it: the stream gives it on reading. */
export function recordLine(
  line: Line,
  receivedAt: number,
  position: number,
  source: string,
  extra: Extra | undefined,
): string {
  const kept = extra === undefined ? '' : `,"extra":${JSON.stringify(extra)}`;
  return `${openLineJson(line)},"receivedAt":${receivedAt},"position":${position},"source":"${source}"${kept}}\n`;
}

/**
 * The lines of a record.
 * @throws unusable_record  when it is not what ingest writes
 */
export function parseRecord(sequence: string, data: Buffer): AcceptedLine[] {
  const lines: AcceptedLine[] = [];
  for (const text of data.toString('utf8').split('\n')) {
    if (text === '') continue;
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch (cause) {
      throw new TillstreamError('unusable_record', `Record ${sequence} is not NDJSON: ${excerpt(text)}`, { cause });
    }
    if (!isRecordLine(parsed)) {
      throw new TillstreamError(
        'unusable_record',
        `Record ${sequence} holds something else than a line: ${excerpt(text)}`,
      );
    }
    lines.push({ ...parsed, sequence });
  }
  if (lines.length === 0) throw new TillstreamError('unusable_record', `Record ${sequence} is empty`);
  return lines;
}

type RecordLine = Omit<AcceptedLine, 'sequence'>;

function isRecordLine(value: unknown): value is RecordLine {
  if (typeof value !== 'object' || value === null) return false;
  const line = value as Partial<Record<keyof RecordLine, unknown>>;
  return (
    typeof line.invoiceNo === 'string' &&
    typeof line.lineId === 'string' &&
    typeof line.stockCode === 'string' &&
    (line.description === null || typeof line.description === 'string') &&
    Number.isSafeInteger(line.quantity) &&
    typeof line.invoiceDate === 'string' &&
    typeof line.unitPrice === 'number' &&
    (line.customerId === null || typeof line.customerId === 'string') &&
    typeof line.country === 'string' &&
    Number.isSafeInteger(line.receivedAt) &&
    Number.isSafeInteger(line.position) &&
    typeof line.source === 'string'
  );
}

function excerpt(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
