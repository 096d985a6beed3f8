import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDate } from '../../src/model/dates.ts';
import { wallClock } from './arbitraries.ts';

describe('dates without a zone', () => {
  test.each([
    ['2010-12-01T08:26:00', '2010-12-01T08:26:00'],
    ['2010-12-01 08:26', '2010-12-01T08:26:00'],
    ['2010-12-01T08:26:59.999999999', '2010-12-01T08:26:59'],
    ['2010-12-01T08:26:59,5', '2010-12-01T08:26:59'],
    ['2010-12-01', '2010-12-01T00:00:00'],
    ['2010-12-01t08:26:00', '2010-12-01T08:26:00'],
    ['12/1/2010 8:26', '2010-12-01T08:26:00'],
    ['12/01/2010 08:26:07', '2010-12-01T08:26:07'],
    ['12/1/2010  8:26', '2010-12-01T08:26:00'],
    ['12/31/2010', '2010-12-31T00:00:00'],
    ['2/29/2012 0:00', '2012-02-29T00:00:00'],
    ['2000-02-29', '2000-02-29T00:00:00'],
    ['1900-01-01', '1900-01-01T00:00:00'],
    ['2099-12-31T23:59:59', '2099-12-31T23:59:59'],
  ])('%s is %s', (text, expected) => {
    expect(readDate(text, 'UTC')).toBe(expected);
    expect(readDate(text, 'Europe/London')).toBe(expected);
  });

  test.each([
    ['day first', '13/1/2010 8:26'],
    ['day first with hyphens', '01-12-2010 08:26'],
    ['day first with dots', '1.12.2010'],
    ['two digits of a year', '12/1/10 8:26'],
    ['29 February of a common year', '2011-02-29'],
    ['29 February of 1900', '1900-02-29'],
    ['29 February of 2100', '2100-02-29'],
    ['31 April', '4/31/2011 8:26'],
    ['month 0', '0/1/2010 8:26'],
    ['day 0', '2010-12-00'],
    ['hour 24', '2010-12-01T24:00:00'],
    ['minute 60', '12/1/2010 8:60'],
    ['second 60', '2010-12-31T23:59:60'],
    ['before 1900', '1899-12-31'],
    ['after 2099', '2100-01-01'],
    ['am and pm', '12/1/2010 8:26 PM'],
    ['an hour of one digit in ISO', '2010-12-01T8:26'],
    ['a week', '2010-W48-3'],
    ['seconds since 1970', '1291191960'],
    ['digits that are not ASCII', '２０１０-12-01'],
    ['something behind it', '2010-12-01T08:26:00 or so'],
    ['two lines', '2010-12-01\n2010-12-02'],
    ['nothing', ''],
  ])('%s is refused: %s', (_, text) => {
    expect(readDate(text, 'UTC')).toBeNull();
  });

  test('every wall clock reads as itself, in every zone; a day that is not in the calendar is refused', () => {
    fc.assert(
      fc.property(wallClock, fc.constantFrom('UTC', 'Europe/London', 'Pacific/Kiritimati'), (wall, zone) => {
        expect(readDate(wall, zone)).toBe(wall);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1900, max: 2099 }), fc.integer({ min: 0, max: 13 }), fc.nat(32), (year, m, d) => {
        const two = (part: number): string => String(part).padStart(2, '0');
        const at = new Date(Date.UTC(year, m - 1, d));
        const exists = at.getUTCMonth() === m - 1 && at.getUTCDate() === d && at.getUTCFullYear() === year;
        expect(readDate(`${year}-${two(m)}-${two(d)}`, 'UTC') !== null).toBe(exists);
        expect(readDate(`${m}/${d}/${year}`, 'UTC') !== null).toBe(exists);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('dates of a file, in its order', () => {
  test.each([
    ['1/12/2010 8:26', '2010-01-12T08:26:00', '2010-12-01T08:26:00'],
    ['01-12-2010 08:26', '2010-01-12T08:26:00', '2010-12-01T08:26:00'],
    ['1.12.2010', '2010-01-12T00:00:00', '2010-12-01T00:00:00'],
    ['01/12/2010 08:26:07', '2010-01-12T08:26:07', '2010-12-01T08:26:07'],
    ['31/12/2010 8:26', null, '2010-12-31T08:26:00'],
    ['12-31-2010', '2010-12-31T00:00:00', null],
    ['29.2.2012', null, '2012-02-29T00:00:00'],
    ['29.2.2011', null, null],
    ['1/12-2010', null, null],
    ['1/12/10 8:26', null, null],
    ['001/12/2010', null, null],
    ['1 12 2010', null, null],
  ])('%s', (text, monthFirst, dayFirst) => {
    expect([readDate(text, 'UTC', 'month-first'), readDate(text, 'UTC', 'day-first')]).toEqual([monthFirst, dayFirst]);
    // A file whose dates are all ISO 8601 has no order: nothing is guessed.
    expect(readDate(text, 'UTC', null)).toBeNull();
  });

  test('ISO 8601 is ISO 8601 in any', () => {
    for (const order of ['month-first', 'day-first', null] as const) {
      expect(readDate('2010-12-01T08:26:00+01:00', 'UTC', order)).toBe('2010-12-01T07:26:00');
    }
  });
});

describe('dates with an offset, on the wall clock of the shop', () => {
  test.each([
    ['2010-12-01T08:26:00Z', 'UTC', '2010-12-01T08:26:00'],
    ['2010-12-01T08:26:00z', 'UTC', '2010-12-01T08:26:00'],
    ['2010-12-01T08:26:00.75+02:00', 'UTC', '2010-12-01T06:26:00'],
    ['2010-12-01T08:26+0530', 'UTC', '2010-12-01T02:56:00'],
    ['2010-12-01 08:26:00 -05', 'UTC', '2010-12-01T13:26:00'],
    ['2010-12-01T00:10:00+01:00', 'UTC', '2010-11-30T23:10:00'],
    ['2010-12-01T08:26:00Z', 'Europe/London', '2010-12-01T08:26:00'],
    ['2010-07-01T08:26:00Z', 'Europe/London', '2010-07-01T09:26:00'],
    ['2010-07-01T23:30:00Z', 'Europe/London', '2010-07-02T00:30:00'],
    // Summer time began on 27 March 2011 at 01:00 UTC and ended on 30 October 2011 at 01:00 UTC.
    ['2011-03-27T00:59:59Z', 'Europe/London', '2011-03-27T00:59:59'],
    ['2011-03-27T01:00:00Z', 'Europe/London', '2011-03-27T02:00:00'],
    ['2011-10-30T00:59:59Z', 'Europe/London', '2011-10-30T01:59:59'],
    ['2011-10-30T01:00:00Z', 'Europe/London', '2011-10-30T01:00:00'],
    ['2010-12-01T00:00:00Z', 'America/New_York', '2010-11-30T19:00:00'],
    ['2010-12-01T12:00:00Z', 'Asia/Kathmandu', '2010-12-01T17:45:00'],
    ['2010-12-01T12:00:00+00:00', 'Pacific/Kiritimati', '2010-12-02T02:00:00'],
    ['2099-12-31T23:00:00-00:59', 'UTC', '2099-12-31T23:59:00'],
  ])('%s in %s is %s', (text, zone, expected) => {
    expect(readDate(text, zone)).toBe(expected);
  });

  test.each([
    ['2099-12-31T23:30:00-01:00', 'UTC'],
    ['1900-01-01T00:30:00+01:00', 'UTC'],
    ['2099-12-31T12:00:00Z', 'Pacific/Kiritimati'],
    ['2010-12-01T08:26:00+99:00', 'UTC'],
    ['2010-12-01T08:26:00+01:75', 'UTC'],
    ['2010-12-01Z', 'UTC'],
    ['12/1/2010 8:26Z', 'UTC'],
  ])('%s in %s is refused', (text, zone) => {
    expect(readDate(text, zone)).toBeNull();
  });

  test('the same moment under any offset is the same wall clock', () => {
    const moments = fc.date({ min: new Date('1950-01-01'), max: new Date('2090-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(
        moments,
        fc.integer({ min: -14 * 60, max: 14 * 60 }),
        fc.constantFrom('UTC', 'Europe/London', 'America/New_York', 'Asia/Kathmandu'),
        (moment, minutes, zone) => {
          const local = new Date(moment.getTime() + minutes * 60_000).toISOString().slice(0, 19);
          const sign = minutes < 0 ? '-' : '+';
          const two = (part: number): string => String(part).padStart(2, '0');
          const offset = `${sign}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
          const utc = `${moment.toISOString().slice(0, 19)}Z`;
          expect(readDate(`${local}${offset}`, zone)).toBe(readDate(utc, zone));
          expect(readDate(utc, 'UTC')).toBe(utc.slice(0, 19));
        },
      ),
    );
  });
});
