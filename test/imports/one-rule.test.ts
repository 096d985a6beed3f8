// Door and file have one rule: what DuckDB reads natively is what LineReader reads, for odd values in every field; the same rows
// are lines, and the same are refused, with the same code. And numbers do not depend on where a file is cut into slices.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Reject } from '../../src/imports/import.ts';
import type { DateOrder } from '../../src/model/dates.ts';
import { lineLimits } from '../../src/model/line.ts';
import { LineReader } from '../../src/model/read-line.ts';
import { dice } from '../support/seed.ts';
import { oddDate, oddNumber, oddPrice, oddQuantity, oddText, padded, rawJson } from './odd-values.ts';
import { csvOf, type StagedLine, sampleRows, staged } from './staging.ts';

const ROWS = process.env.TILLSTREAM_TEST_LONG === '1' ? 40_000 : 1500;
/** Small, so that a row that DuckDB cannot read at all takes few others with it from the native way. */
const SLICE_BYTES = 20_000;
const { seed } = dice('one rule');

const COLUMNS = [
  'InvoiceNo',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
];
const EXTRAS = ['Till', '7', "It's"];
/** What JavaScript takes for an index would stand before all others. */
const EXTRA_KEYS = ['Till', "It's"];
const DATES = { 'month-first': '12/13/2010 8:26', 'day-first': '13/12/2010 8:26' };
const GOOD: Readonly<Record<string, string>> = {
  StockCode: '85123A',
  Description: 'WHITE HANGING HEART',
  Quantity: '6',
  UnitPrice: '2.55',
  CustomerID: '17850',
  Country: 'United Kingdom',
  Till: '3',
  '7': '',
  "It's": 'so',
};

/** Odd texts of every field. */
const ODD: Readonly<Record<string, fc.Arbitrary<string>>> = {
  InvoiceNo: oddText(lineLimits.invoiceNoBytesMax),
  StockCode: oddText(lineLimits.stockCodeBytesMax),
  Description: oddText(lineLimits.descriptionBytesMax),
  Quantity: oddQuantity,
  InvoiceDate: oddDate,
  UnitPrice: oddPrice,
  CustomerID: fc.oneof(oddText(lineLimits.customerIdBytesMax), oddNumber),
  Country: oddText(lineLimits.countryBytesMax),
  LineNo: fc.oneof(oddText(lineLimits.lineIdBytesMax), oddNumber),
  Till: oddText(lineLimits.extraBytesMax),
  '7': oddText(40),
  "It's": oddText(40),
};

/** DuckDB's client takes a byte order mark from the beginning of a text; texts of the other fields are trimmed of it. */
function unmarked(name: string, text: string): string {
  return name === 'LineNo' || EXTRAS.includes(name) ? text.replace(/^\ufeff+/, '') : text;
}

type Row = Readonly<Record<string, string>>;

/** What stands beside keeps its blanks. */
function oddIn(name: string): fc.Arbitrary<string> {
  const odd = ODD[name] ?? fc.constant('');
  return EXTRAS.includes(name) ? odd : padded(odd);
}

function goodRow(at: number, dateOrder: DateOrder): Record<string, string> {
  return { InvoiceNo: String(100_000 + at), ...GOOD, InvoiceDate: DATES[dateOrder], LineNo: String(at) };
}

/** Which of a row are odd. Two rows are never the same line, of which only one would stay: an odd number is in a good invoice. */
function oddNames(columns: readonly string[]): fc.Arbitrary<readonly string[]> {
  return fc
    .uniqueArray(fc.constantFrom(...columns), { minLength: 1, maxLength: 2 })
    .map((names) => (names.includes('LineNo') ? names.filter((name) => name !== 'InvoiceNo') : names));
}

/** Rows with one or two odd fields, each of an invoice of its own. */
function oddRows(columns: readonly string[], dateOrder: DateOrder, isCalm: boolean): Row[] {
  const odd = oddNames(columns).chain((names) =>
    fc.record(Object.fromEntries(names.map((name) => [name, oddIn(name)]))),
  );
  const rows = fc.sample(odd, { numRuns: ROWS, seed });
  return rows.map((changed, at) => {
    const row: Record<string, string> = { ...goodRow(at, dateOrder), ...changed };
    const texts = columns.map((name) => [name, row[name] ?? ''] as const);
    return Object.fromEntries(
      texts.map(([name, text]) => [name, unmarked(name, isCalm ? text.replaceAll(/["\r\n]/g, '') : text)]),
    );
  });
}

/** Texts that say all of a line, and of a refusal its row, code and field. */
type Read = readonly string[];

/** As the door reads them; undefined: no row. */
function atTheDoor(rows: readonly unknown[], dateOrder: DateOrder, isNumbered: boolean): Read {
  const reader = new LineReader('UTC', dateOrder);
  return rows.flatMap((row, at) => {
    if (row === undefined) return [];
    const read = reader.read(row);
    if ('refusal' in read) return [textOfReject({ row: at + 1, ...read.refusal })];
    const { line, extra } = read;
    if (isNumbered && line.lineId === '') {
      return [textOfReject({ row: at + 1, code: 'invalid_line_id', field: 'LineNo' })];
    }
    return [textOfLine({ ...line, extra: extra === undefined ? null : JSON.stringify(extra) }, isNumbered)];
  });
}

async function fromFile(file: string, dateOrder: DateOrder, isNumbered: boolean): Promise<Read> {
  const { lines, rejects } = await staged([file], { dateOrder, sliceBytes: SLICE_BYTES });
  return [...lines.map((line) => textOfLine(line, isNumbered)), ...rejects.map(textOfReject)];
}

function textOfReject({ row, code, field }: Pick<Reject, 'row' | 'code' | 'field'>): string {
  return `row ${row}: ${code} ${field}`;
}

/** Numbers that nobody gave are not compared here. The order of what is kept beside has no meaning. */
function textOfLine({ lineId, extra, ...line }: StagedLine, isNumbered: boolean): string {
  const beside: object = extra === null ? {} : JSON.parse(extra);
  const members = { ...line, ...(isNumbered ? { lineId } : {}), extra: Object.entries(beside).sort() };
  return JSON.stringify(Object.entries(members).sort());
}

/** What one has and the other has not; the first few. */
function differences(file: Read, door: Read) {
  const counts = new Map<string, number>();
  for (const text of file) counts.set(text, (counts.get(text) ?? 0) + 1);
  for (const text of door) counts.set(text, (counts.get(text) ?? 0) - 1);
  const texts = (isOf: (count: number) => boolean) =>
    [...counts].flatMap(([text, count]) => (isOf(count) ? [text] : []));
  return { file: texts((count) => count > 0).slice(0, 10), door: texts((count) => count < 0).slice(0, 10) };
}

const SAME = { file: [], door: [] };

it.each<[string, DateOrder, string[], boolean]>([
  ['odd values', 'month-first', COLUMNS, true],
  ['odd values, days first', 'day-first', COLUMNS, true],
  ['odd values, line breaks and quotes among them', 'month-first', COLUMNS, false],
  ['more columns', 'month-first', [...COLUMNS, ...EXTRAS], true],
  ['a column that numbers the lines', 'month-first', ['LineNo', ...COLUMNS], true],
])('a CSV: %s', async (_name, dateOrder, columns, isCalm) => {
  const rows = oddRows(columns, dateOrder, isCalm);
  const file = csvOf([columns, ...rows.map((row) => columns.map((name) => row[name] ?? ''))]);
  const isNumbered = columns.includes('LineNo');
  const read = await fromFile(file, dateOrder, isNumbered);
  expect(differences(read, atTheDoor(rows, dateOrder, isNumbered))).toEqual(SAME);
});

it.each<[string, DateOrder, string[]]>([
  ['odd values', 'month-first', COLUMNS],
  ['more keys, days first', 'day-first', [...COLUMNS, ...EXTRA_KEYS]],
  ['a key that numbers the lines', 'month-first', ['LineNo', ...COLUMNS]],
])('NDJSON: %s', async (_name, dateOrder, columns) => {
  const lines = oddLines(columns, dateOrder);
  const isNumbered = columns.includes('LineNo');
  const read = await fromFile(lines.map((line) => `${line}\n`).join(''), dateOrder, isNumbered);
  expect(differences(read, atTheDoor(lines.map(parsed), dateOrder, isNumbered))).toEqual(SAME);
});

/** What is found of the keys stands in the first lines. */
const KEYS_ROWS = 1000;

/** Lines of NDJSON with an odd value or two, or odd as a whole. */
function oddLines(columns: readonly string[], dateOrder: DateOrder): string[] {
  const good = (at: number): [string, string][] =>
    columns.map((name) => {
      const text = goodRow(at, dateOrder)[name] ?? '';
      return [name, name === 'Quantity' || name === 'UnitPrice' || name === 'LineNo' ? text : JSON.stringify(text)];
    });
  const object = (members: readonly (readonly [string, string])[]): string =>
    `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`;
  const name = fc.constantFrom(...columns);
  const values = oddNames(columns).chain((names) =>
    fc.record(Object.fromEntries(names.map((each) => [each, rawJson(oddIn(each))]))),
  );
  type Change = (members: [string, string][]) => string;
  const change: fc.Arbitrary<Change> = fc.oneof(
    {
      weight: 8,
      arbitrary: values.map(
        (changed): Change =>
          (all) =>
            object(all.map(([key, old]) => [key, changed[key] ?? old])),
      ),
    },
    name.map(
      (gone): Change =>
        (all) =>
          object(all.filter(([key]) => key !== gone)),
    ),
    name.map(
      (twice): Change =>
        (all) =>
          object([...all, ...all.filter(([key]) => key === twice)]),
    ),
    fc.constantFrom<Change>(
      (all) => object(all.toReversed()),
      (all) => object([...all, ['more', '1']]),
      (all) => object([...all, ['extra', '{"a":1,"b":null}']]),
      (all) => object([...all, ['__proto__', '"p"']]),
      (all) => object([...all, ['Invoice', '"2"']]),
      (all) => object(all).replaceAll(',"', ' ,  "').replaceAll('":', '" :\t'),
      (all) => ` ${object(all)}  `,
      (all) => object(all).slice(0, -1),
      (all) => `${object(all)}}`,
      (all) => `[${object(all)}]`,
      (all) => object(all).replaceAll('"', "'"),
      () => 'null',
      () => '"text"',
      () => '{}',
      () => '  ',
    ),
  );
  const changes = fc.sample(change, { numRuns: ROWS, seed });
  const rows = changes.map((make, at) => make(good(at)));
  return [...Array.from({ length: KEYS_ROWS }, (_, at) => object(good(ROWS + at))), ...rows];
}

function parsed(line: string): unknown {
  if (line.trim() === '') return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

/** Rows of the sample, every seventh spoiled that stands within its invoice: by turns in what says which invoice, and elsewhere. */
function spoiledRows(): string[][] {
  const [header = [], ...data] = sampleRows(1200, seed);
  const spoiled = data.map((row, at) => {
    const isWithin = row[0] === data[at - 1]?.[0] && row[0] === data[at + 1]?.[0];
    if (at % 7 !== 0 || !isWithin) return row;
    return at % 2 === 0 ? row.with(header.indexOf('InvoiceNo'), '') : row.with(header.indexOf('Quantity'), 'six');
  });
  return [header, ...spoiled];
}

it.each([1000, 4000])(
  'slices of %i bytes: numbers, and what is told of rejects, are those of the whole',
  async (bytes) => {
    const file = csvOf(spoiledRows());
    const whole = await staged([file]);
    const sliced = await staged([file], { sliceBytes: bytes });
    expect(sliced.staged.parts).toBeGreaterThan(20);
    expect(whole.rejects.length).toBeGreaterThan(50);
    expect(whole.rejects.filter(({ lineId }) => lineId === null)).toEqual([]);
    expect(whole.rejects.map(({ row }) => row)).toEqual(whole.rejects.map(({ row }) => row).sort((a, b) => a - b));
    const brief = ({ row, byteOffset, code, invoiceNo, lineId }: Reject) =>
      [row, byteOffset, code, invoiceNo, lineId].join(' ');
    expect(sliced.rejects.map(brief)).toEqual(whole.rejects.map(brief));
    expect(sliced.lines).toEqual(whole.lines);
    for (const { byteOffset, text } of whole.rejects.slice(0, 10)) {
      expect(
        Buffer.from(file)
          .toString('utf8', byteOffset ?? 0)
          .startsWith(`${text}\n`),
      ).toBe(true);
    }
  },
);
