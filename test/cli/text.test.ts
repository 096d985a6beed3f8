import { describe, expect, it } from 'vitest';
import {
  bytes,
  counted,
  cut,
  dateTime,
  duration,
  exactMoney,
  grouped,
  money,
  printable,
  widthOf,
} from '../../src/cli/text.ts';

describe('numbers for people', () => {
  it('separate thousands, also of exact text beyond what a number holds, and never in the fraction', () => {
    expect([0, 999, 1000, -1234, 541909, '9747747.9340', '-123456789012345678.1234', 10n ** 18n].map(grouped)).toEqual([
      '0',
      '999',
      '1,000',
      '-1,234',
      '541,909',
      '9,747,747.9340',
      '-123,456,789,012,345,678.1234',
      '1,000,000,000,000,000,000',
    ]);
  });

  it('money has two decimals and no minus zero', () => {
    expect([0, -0.001, 139.12, -27.5, 9747747.934].map(money)).toEqual([
      '0.00',
      '0.00',
      '139.12',
      '-27.50',
      '9,747,747.93',
    ]);
  });

  it('exact money keeps every decimal that says something', () => {
    expect(['9747747.934', 2.5, 4, '0.0421', -168469.6].map(exactMoney)).toEqual([
      '9,747,747.934',
      '2.50',
      '4.00',
      '0.0421',
      '-168,469.60',
    ]);
  });

  it('sizes and times change unit before they become long', () => {
    expect([0, 999, 1000, 99_949, 99_950, 999_499, 999_500, 1_073_741_824].map(bytes)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '99.9 kB',
      '100 kB',
      '999 kB',
      '1.0 MB',
      '1.1 GB',
    ]);
    expect([0, 0.0124, 0.9999, 9.94, 9.96, 59.6, 61, 3600, 8054, 86_400, 273_900].map(duration)).toEqual([
      '0 ms',
      '12 ms',
      '1.0 s',
      '9.9 s',
      '10 s',
      '1 min',
      '1 min 1 s',
      '1 h',
      '2 h 14 min',
      '1 d',
      '3 d 4 h',
    ]);
  });

  it('count things', () => {
    expect([counted(1, 'line'), counted(0, 'line'), counted(2000, 'entry', 'entries')]).toEqual([
      '1 line',
      '0 lines',
      '2,000 entries',
    ]);
  });

  it('leave seconds out of a date where there are none', () => {
    expect(['2010-12-01T08:26:00', '2010-12-01T08:26:05', '2010-12-01'].map(dateTime)).toEqual([
      '2010-12-01 08:26',
      '2010-12-01 08:26:05',
      '2010-12-01',
    ]);
  });
});

describe('text from outside', () => {
  it('cannot command the terminal', () => {
    expect(printable('a\u001b]0;owned\u0007b\r\nc\td\u202ee')).toBe('a\ufffd]0;owned\ufffdb c d\ufffde');
  });

  it('is measured in columns and cut there', () => {
    expect(['abc', 'é', 'e\u0301', '漢字', '🎁'].map(widthOf)).toEqual([3, 1, 1, 4, 2]);
    expect([cut('abcdef', 6), cut('abcdef', 5), cut('ab cdef', 4), cut('漢字漢字', 5)]).toEqual([
      'abcdef',
      'abcd…',
      'ab…',
      '漢字…',
    ]);
  });
});
