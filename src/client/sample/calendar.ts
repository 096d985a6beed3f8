// The trading days of the year that sample data covers, and each one's share of the lines.
import { monthLines, weekdayLines } from './shape.ts';

/** Fixed, since the same seed gives the same bytes in every year to come. */
const YEAR = 2025;

/** Public holidays of England, and the week after Christmas: month-day. */
const CLOSED = new Set([
  '1-1',
  '4-18',
  '4-20',
  '4-21',
  '5-5',
  '5-26',
  '8-25',
  '12-24',
  '12-25',
  '12-26',
  '12-28',
  '12-29',
  '12-30',
  '12-31',
]);

export interface TradingDay {
  /** `11/27/2025`: as the data set writes dates. */
  readonly date: string;
  readonly isSunday: boolean;
  /** Share of all lines that are sold up to the end of the day, 0 to 1. */
  readonly shareUntil: number;
}

export function tradingDays(): TradingDay[] {
  const open: { date: string; isSunday: boolean; month: number; weight: number }[] = [];
  for (let at = Date.UTC(YEAR, 0, 1); at < Date.UTC(YEAR + 1, 0, 1); at += 86_400_000) {
    const day = new Date(at);
    const monthDay = `${day.getUTCMonth() + 1}-${day.getUTCDate()}`;
    const weight = weekdayLines[day.getUTCDay()] ?? 0;
    if (weight === 0 || CLOSED.has(monthDay)) continue;
    const date = `${monthDay.replace('-', '/')}/${YEAR}`;
    open.push({ date, isSunday: day.getUTCDay() === 0, month: day.getUTCMonth(), weight });
  }
  const year = monthLines.reduce((sum, lines) => sum + lines, 0);
  let until = 0;
  return open.map(({ date, isSunday, month, weight }) => {
    const ofMonth = open.filter((other) => other.month === month).reduce((sum, other) => sum + other.weight, 0);
    until += ((monthLines[month] ?? 0) / year) * (weight / ofMonth);
    return { date, isSunday, shareUntil: until };
  });
}
