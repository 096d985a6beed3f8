// A record of the stream: NDJSON of 1..k accepted lines of one invoice, each line ending in a newline, 200 KB at most.
//
// The text of a line is written by hand, from pieces that the lines of a request share. Its fields stand in a fixed order,
// so equal lines have equal text.
import { readDate } from './dates.ts';
import { TillstreamError } from './errors.ts';
import { type AcceptedLine, type Extra, type Line, lineLimits } from './line.ts';
import { amountE4, textFromE4, toE4 } from './money.ts';

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
  return new RecordText(receivedAt, source).line(line, position, extra);
}

/** Writes the lines of one request. What they share (invoice, date, customer, country) is put into text once. */
export class RecordText {
  readonly #receivedAt: number;
  readonly #source: string;
  #last: Line | null = null;
  #opening = '';
  #date = '';
  #closing = '';

  /** @param receivedAt µs since 1970 */
  constructor(receivedAt: number, source: string) {
    this.#receivedAt = receivedAt;
    this.#source = source;
  }

  /** The same text as recordLine() gives. @param position of the line in the request */
  line(line: Line, position: number, extra: Extra | undefined): string {
    const last = this.#last;
    if (last === null || line.invoiceNo !== last.invoiceNo) {
      this.#opening = `{"invoiceNo":${jsonString(line.invoiceNo)},"lineId":`;
    }
    if (last === null || line.invoiceDate !== last.invoiceDate) {
      this.#date = `,"invoiceDate":"${line.invoiceDate}","unitPrice":`;
    }
    if (last === null || line.customerId !== last.customerId || line.country !== last.country) {
      this.#closing =
        `,"customerId":${nullable(line.customerId)},"country":${jsonString(line.country)}` +
        `,"receivedAt":${this.#receivedAt},"source":"${this.#source}","position":`;
    }
    this.#last = line;
    const kept = extra === undefined ? '' : `,"extra":${JSON.stringify(extra)}`;
    return (
      `${this.#opening}${jsonString(line.lineId)},"stockCode":${jsonString(line.stockCode)}` +
      `,"description":${nullable(line.description)},"quantity":${line.quantity}` +
      `${this.#date}${line.unitPrice}${this.#closing}${position}${kept}}\n`
    );
  }
}

function nullable(text: string | null): string {
  return text === null ? 'null' : jsonString(text);
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
    const wrong = wrongIn(parsed);
    if (wrong !== null) {
      throw new TillstreamError(
        'unusable_record',
        `Record ${sequence} holds something else than a line${wrong}: ${excerpt(text)}`,
      );
    }
    lines.push(Object.assign(parsed as RecordLine, { sequence }));
  }
  if (lines.length === 0) throw new TillstreamError('unusable_record', `Record ${sequence} is empty`);
  return lines;
}

type RecordLine = Omit<AcceptedLine, 'sequence'>;

const isText = (value: unknown): boolean => typeof value === 'string';
const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string';

// What ingest lets in, and no more: a number that one store would round and another refuse must not get into either.
const FIELDS: readonly (readonly [keyof RecordLine, (value: unknown) => boolean])[] = [
  ['invoiceNo', isText],
  ['lineId', isText],
  ['stockCode', isText],
  ['description', isTextOrNull],
  ['quantity', (value) => Number.isSafeInteger(value) && Math.abs(value as number) <= lineLimits.quantityMax],
  ['invoiceDate', isWallClock],
  ['unitPrice', isPrice],
  ['customerId', isTextOrNull],
  ['country', isText],
  ['receivedAt', Number.isSafeInteger],
  ['position', Number.isSafeInteger],
  ['source', isText],
];

/** null: it is a line of a record; else the field that shows it is not, where there is one. */
function wrongIn(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return '';
  const line = value as Partial<Record<keyof RecordLine, unknown>>;
  for (const [name, isRight] of FIELDS) {
    const found = line[name];
    if (!isRight(found)) return found === undefined ? '' : ` (${name} is ${excerpt(JSON.stringify(found))})`;
  }
  const { quantity, unitPrice } = value as Line;
  const amount = amountE4({ quantity, unitPrice });
  return Math.abs(amount) > toE4(lineLimits.amountMax) ? ` (its amount is ${textFromE4(amount)})` : null;
}

function isPrice(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) <= lineLimits.unitPriceMax && toE4(value) / 10_000 === value;
}

/** Lines of a record mostly share their date. */
let lastWallClock = '';

function isWallClock(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  if (value === lastWallClock) return true;
  if (readDate(value, 'UTC') !== value) return false;
  lastWallClock = value;
  return true;
}

function excerpt(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
