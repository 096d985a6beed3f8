// The shop's wall clock: `YYYY-MM-DDTHH:MM:SS`, without a zone.
import { lineLimits } from './line.ts';

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?\s?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;
/** Numbers alone, with a separator that is the same twice. */
const NUMBERS = /^(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?:[ T]{1,3}(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/;
const MONTH_FIRST = /^(\d{1,2})\/(\d{1,2})\/(\d{4})(?:[ T]{1,3}(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/;

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Of dates that are written in numbers alone: whether the first is the month or the day. */
export type DateOrder = 'month-first' | 'day-first';

/**
 * ISO 8601, or `12/1/2010 8:26` with the month first → the shop's wall clock; null when it is neither, or no such date.
 * An offset or `Z` is converted to `timeZone` (an IANA name). Fractions of a second are dropped; a date alone is midnight.
 * @param order of a file's dates: `1/12/2010`, `1-12-2010` and `1.12.2010` are read in it; null: they are none
 */
export function readDate(text: string, timeZone: string, order?: DateOrder | null): string | null {
  const iso = ISO.exec(text);
  if (iso !== null) {
    const wall = wallClock(iso[1], iso[2], iso[3], iso[4], iso[5], iso[6]);
    const offset = iso[7];
    return wall === null || offset === undefined ? wall : inZone(`${wall}${normalOffset(offset)}`, timeZone);
  }
  if (order === null) return null;
  if (order !== undefined) {
    const [, first, , second, ...rest] = NUMBERS.exec(text) ?? [];
    const [month, day] = order === 'month-first' ? [first, second] : [second, first];
    return first === undefined ? null : wallClock(rest[0], month, day, rest[1], rest[2], rest[3]);
  }
  const us = MONTH_FIRST.exec(text);
  return us === null ? null : wallClock(us[3], us[1], us[2], us[4], us[5], us[6]);
}

/** What the name of a period lacks of a date that can be read, by its length. */
const PERIOD_RESTS = new Map([
  ['2010'.length, '-01-01'],
  ['2010-12'.length, '-01'],
  ['2010-12-01T08'.length, ':00'],
]);
const PERIOD = /^\d{4}(?:-\d{2}(?:-\d{2}T\d{2})?)?$/;

/** After the last day that a line can have: no date of a line, but an end that says what it means. */
const END = `${lineLimits.yearMax + 1}-01-01`;

/** The bound of a range: a date, or the name of a year, month or hour, which begins it. null when it is none. */
export function readBound(name: 'from' | 'to', text: string, timeZone: string): string | null {
  const filled = PERIOD.test(text) ? `${text}${PERIOD_RESTS.get(text.length)}` : text;
  return name === 'to' && filled === END ? `${END}T00:00:00` : readDate(filled, timeZone);
}

type Part = string | undefined;

function wallClock(year: Part, month: Part, day: Part, hour: Part, minute: Part, second: Part): string | null {
  const y = Number(year);
  const m = Number(month);
  const d = Number(day);
  if (y < lineLimits.yearMin || y > lineLimits.yearMax || m < 1 || m > 12 || d < 1 || d > daysInMonth(y, m))
    return null;
  if (Number(hour ?? 0) > 23 || Number(minute ?? 0) > 59 || Number(second ?? 0) > 59) return null;
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}`;
}

function two(part: Part): string {
  return part === undefined ? '00' : part.length === 1 ? `0${part}` : part;
}

function daysInMonth(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return leap ? 29 : (DAYS_IN_MONTH[month - 1] ?? 0);
}

function normalOffset(offset: string): string {
  if (offset.length === 1) return 'Z';
  const digits = offset.slice(1).replace(':', '').padEnd(4, '0');
  return `${offset.slice(0, 1)}${digits.slice(0, 2)}:${digits.slice(2)}`;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** @throws RangeError for a zone that Node does not know */
export function zoneFormat(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    formats.set(timeZone, format);
  }
  return format;
}

function inZone(instant: string, timeZone: string): string | null {
  const at = new Date(instant);
  if (Number.isNaN(at.getTime())) return null;
  if (timeZone === 'UTC') return yearInRange(at.toISOString().slice(0, 19));
  const part = new Map(
    zoneFormat(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  const [year, month, day, hour, minute, second] = ZONE_PARTS.map((type) => part.get(type) ?? '');
  return yearInRange(`${year?.padStart(4, '0')}-${month}-${day}T${hour}:${minute}:${second}`);
}

const ZONE_PARTS = ['year', 'month', 'day', 'hour', 'minute', 'second'] as const;

/** A conversion can leave the range at its edges, by hours. */
function yearInRange(wall: string): string | null {
  const year = Number(wall.slice(0, 4));
  return year < lineLimits.yearMin || year > lineLimits.yearMax ? null : wall;
}
