// Where records end, held against csv-parse with the settings that the rows are read by.
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { firstFilledRecordEnd, lastRecord, type RecordForm, recordRanges } from '../../src/imports/records.ts';
import { lenientCsv } from '../../src/model/csv.ts';
import { type Dice, dice } from '../support/seed.ts';

const COMMA: RecordForm = { delimiter: ',' };

function recordsOf(text: string, form: RecordForm = COMMA): string[] {
  const bytes = Buffer.from(text);
  return [...recordRanges(bytes, form)].map(([start, end]) => bytes.toString('utf8', start, end));
}

describe('where a record ends', () => {
  test.each([
    ['a line feed, or both', 'a,b\nc,d\r\n', ['a,b\n', 'c,d\r\n']],
    ['the last may lack its line break', 'a\nb', ['a\n', 'b']],
    ['not within quotes', 'a,"b\nc"\nd\n', ['a,"b\nc"\n', 'd\n']],
    ['not within quotes, with both', '"a\r\nb",c\r\nd', ['"a\r\nb",c\r\n', 'd']],
    ['a doubled quote is a quote', '"a""\nb"\nc\n', ['"a""\nb"\n', 'c\n']],
    ['an empty field in quotes', '"",""\n"a\n"\n', ['"",""\n', '"a\n"\n']],
    ['a quote within a field is text', '6" nail\n5"\n', ['6" nail\n', '5"\n']],
    ['a quote behind a blank is text', 'a, "b\nc"\n', ['a, "b\n', 'c"\n']],
    ['a stray quote takes in no other row', '"6" nail\nb"\nc', ['"6" nail\n', 'b"\n', 'c']],
    ['nor does it spoil the next field', '"6"x,"a\nb"\nc', ['"6"x,"a\nb"\n', 'c']],
    ['a carriage return alone ends nothing', 'a\rb\n"a"\rb\nc"\n', ['a\rb\n', '"a"\rb\n', 'c"\n']],
    ['empty lines are records', '\n\r\na\n', ['\n', '\r\n', 'a\n']],
    ['quotes that are never closed go to the end', 'a\n"b\nc\n', ['a\n', '"b\nc\n']],
    ['letters of several bytes', 'é,"€\n𝄞"\n', ['é,"€\n𝄞"\n']],
    ['nothing', '', []],
  ])('%s', (_name, text, records) => {
    expect(recordsOf(text)).toEqual(records);
  });

  test('a record may begin with a quote that follows a quoted record', () => {
    expect(recordsOf('"a"\n"b\nc"\n')).toEqual(['"a"\n', '"b\nc"\n']);
  });

  test.each([';', '\t', '|'])('the delimiter decides what is the start of a field: %j', (delimiter) => {
    expect(recordsOf(`a${delimiter}"b\nc"\n`, { delimiter })).toHaveLength(1);
    expect(recordsOf(`a${delimiter}"b\nc"\n`, COMMA)).toHaveLength(2);
  });

  test('a line of NDJSON is a record, whatever its quotes', () => {
    expect(recordsOf('{"a":"b\\"\n{"c":1}\n"', null)).toEqual(['{"a":"b\\"\n', '{"c":1}\n', '"']);
    expect(lastRecord(Buffer.from('"\n"\n"'), null)).toEqual({ end: 4, isOdd: false });
  });

  test('the first record that is no empty line', () => {
    expect(firstFilledRecordEnd(Buffer.from('\n\r\n"a\nb"\nc\n'), COMMA)).toBe(9);
    expect(firstFilledRecordEnd(Buffer.from('\n\r\n'), COMMA)).toBe(-1);
    expect(firstFilledRecordEnd(Buffer.from('a,"\n"\nb\n'), COMMA)).toBe(6);
    expect(firstFilledRecordEnd(Buffer.from('a,b'), COMMA)).toBe(-1);
    expect(firstFilledRecordEnd(Buffer.from('"a\nb\n'), COMMA)).toBe(-1);
  });
});

describe('the last record of a text', () => {
  test.each([
    ['that ends with it', 'a\nb\n', 4],
    ['before one that is cut off', 'a\nb', 2],
    ['before quotes that are open', 'a\n"b\nc\n', 2],
    ['before a line break within quotes', 'a\nb,"c\nd', 2],
    ['none', 'a,b', 0],
    ['none but open quotes', '"a\nb\n', 0],
    ['nothing', '', 0],
  ])('%s', (_name, text, end) => {
    expect(lastRecord(Buffer.from(text), COMMA).end).toBe(end);
  });

  test('text that is cut within a doubled quote is not taken for closed', () => {
    // Whole, the record is `"a""\nb"\n`; cut behind the first of both quotes nothing of it has ended.
    const whole = Buffer.from('x\n"a""\nb"\n');
    for (let length = 3; length < whole.length; length += 1) {
      expect([length, lastRecord(whole.subarray(0, length), COMMA).end]).toEqual([length, 2]);
    }
    expect(lastRecord(whole, COMMA).end).toBe(whole.length);
  });

  test('quotes that other readers take otherwise are told of', () => {
    const isOdd = (text: string) => lastRecord(Buffer.from(text), COMMA).isOdd;
    expect(['a, "b"\n', '"a" ,b\n', '"a"b\n', '"a"\rb\n'].filter((text) => !isOdd(text))).toEqual([]);
    expect(['a,"b"\r\n', '"a","b ""c"""\n', 'a b,c\n', '"a"', '"a"\r'].filter(isOdd)).toEqual([]);
  });
});

const PIECES = ['a', 'é', ' ', ',', ',', ';', '"', '"', '""', '\n', '\r\n', '\r', '","', '"\n"'];

function anyText(random: Dice, pieces: readonly string[]): string {
  return Array.from({ length: random.between(0, 40) }, () => pieces[random.between(0, pieces.length - 1)]).join('');
}

/** Records as csv-parse sees them; null where it refuses the text, for quotes that are never closed. */
function parsed(text: string, delimiter: string): string[][] | null {
  try {
    return parse(text, { ...lenientCsv, delimiter });
  } catch {
    return null;
  }
}

test('any text is cut as csv-parse cuts it, and cut at any place it gives the same records', () => {
  const random = dice('records of any text');
  let compared = 0;
  for (let run = 0; run < 5_000; run += 1) {
    const delimiter = random.between(0, 1) === 0 ? ',' : ';';
    const form = { delimiter };
    const text = anyText(random, PIECES);
    const bytes = Buffer.from(text);
    const ranges = [...recordRanges(bytes, form)];
    const records = ranges.map(([start, end]) => bytes.toString('utf8', start, end));
    expect(records.join(''), JSON.stringify(text)).toBe(text);

    const { end } = lastRecord(bytes, form);
    const ends = ranges.map((range) => range[1]).filter((each) => each < bytes.length || isWhole(bytes, form, ranges));
    expect(end, JSON.stringify(text)).toBe(ends.at(-1) ?? 0);

    const whole = parsed(text, delimiter);
    if (whole === null) continue;
    compared += 1;
    const oneByOne = records.flatMap((record) => parsed(record, delimiter) ?? [['refused']]);
    expect(oneByOne, JSON.stringify(text)).toEqual(whole);
  }
  expect(compared).toBeGreaterThan(1_000);
});

/** Whether the last range ends in a line break that ends it. */
function isWhole(text: Buffer, form: RecordForm, ranges: readonly (readonly [number, number])[]): boolean {
  const [start] = ranges.at(-1) ?? [0];
  const last = text.subarray(start);
  return /^\r?\n$/.test(last.toString()) || firstFilledRecordEnd(last, form) >= 0;
}

test('text cut into slices at the last record of each has the records of the whole', () => {
  const random = dice('records in slices');
  for (let run = 0; run < 1_000; run += 1) {
    const bytes = Buffer.from(anyText(random, PIECES.concat('\n', '\n')));
    const expected = recordsOf(bytes.toString('utf8'));
    const records: string[] = [];
    let rest = bytes;
    for (let taken = 0; taken < bytes.length; ) {
      const length = Math.min(rest.length, random.between(1, 12));
      const { end } = lastRecord(rest.subarray(0, length), COMMA);
      // Nothing ends in it: as when a slice grows.
      const cut = end > 0 ? end : firstFilledRecordEnd(rest, COMMA);
      const upTo = cut > 0 ? cut : rest.length;
      records.push(...recordsOf(rest.toString('utf8', 0, upTo)));
      taken += upTo;
      rest = rest.subarray(upTo);
    }
    expect(records, JSON.stringify(bytes.toString('utf8'))).toEqual(expected);
  }
});
