// One and the same file in all the forms in which shops have it: the same lines come of each, under the same ids.
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { textOfWindows1252 } from '../../src/model/windows-1252.ts';
import { sqlText } from '../../src/stores/warehouse/duckdb-session.ts';
import { dataset } from '../support/dataset.ts';
import { csvOf, realRows, type StagedFiles, sampleRows, staged, writtenByDuckDb } from './staging.ts';

const LINES = 3000;
const [header = [], ...data] = dataset === null ? sampleRows(LINES) : threeStretches(realRows());
const rows = [header, ...data];
const column = (name: string): number => header.indexOf(name);
/** The rows with a column changed. */
const changed = (name: string, change: (text: string) => string): string[][] => [
  header,
  ...data.map((row) => row.with(column(name), change(row[column(name)] ?? ''))),
];

/** Of the start, the middle and the end: the first 3,000 rows alone would leave open which of `12/1` is the day. */
function threeStretches([names = [], ...all]: readonly string[][]): string[][] {
  const starts = [0, Math.floor(all.length / 2), all.length - LINES / 3];
  return [names, ...starts.flatMap((start) => all.slice(start, start + LINES / 3))];
}

let plain: StagedFiles;
beforeAll(async () => {
  plain = await staged([csvOf(rows)]);
});

it('the file as it is: every row is a line', () => {
  expect(plain.staged).toMatchObject({ rows: LINES, lines: LINES, rejected: 0, superseded: 0, parts: 1 });
  expect(new Set(plain.lines.map(({ invoiceNo, lineId }) => `${invoiceNo} ${lineId}`)).size).toBe(LINES);
});

describe('the same lines come of', () => {
  const dayFirst = (date: string): string => {
    const [, month = '', day = '', rest = ''] = /^(\d+)\/(\d+)\/(.*)$/.exec(date) ?? [];
    return `${day.padStart(2, '0')}-${month.padStart(2, '0')}-${rest.replace(/ (\d):/, ' 0$1:')}`;
  };
  const iso = (date: string): string => {
    const [, month = '', day = '', year = '', rest = ''] = /^(\d+)\/(\d+)\/(\d+) (.*)$/.exec(date) ?? [];
    return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}T${rest.padStart(5, '0')}:00`;
  };
  const objects = data.map((row) => Object.fromEntries(header.map((name, index) => [name, row[index] ?? ''])));
  const ndjson = (objectsOf: readonly object[]): string =>
    objectsOf.map((each) => `${JSON.stringify(each)}\n`).join('');
  const typed = objects.map((each) => ({
    ...each,
    Quantity: Number(each.Quantity),
    UnitPrice: Number(each.UnitPrice),
    CustomerID: each.CustomerID === '' ? null : Number(each.CustomerID),
  }));

  const variants: readonly (readonly [string, () => string | Buffer])[] = [
    ['CRLF', () => csvOf(rows, ',', '\r\n')],
    ['semicolons', () => csvOf(rows, ';')],
    ['tabs', () => csvOf(rows, '\t')],
    [
      'every field in quotes',
      () => rows.map((row) => `${row.map((text) => `"${text.replaceAll('"', '""')}"`).join()}\n`).join(''),
    ],
    ['no line break at the end', () => csvOf(rows).slice(0, -1)],
    ['blank lines', () => csvOf(rows).replaceAll(/\n(?=.*1\n)/g, '\n\n')],
    ['dates with the day first', () => csvOf(changed('InvoiceDate', dayFirst))],
    ['dates in ISO 8601', () => csvOf(changed('InvoiceDate', iso))],
    ['dates in ISO 8601 with a Z', () => csvOf(changed('InvoiceDate', (date) => `${iso(date)}Z`))],
    [
      'headers of the second edition',
      () =>
        csvOf([
          ['Invoice', 'StockCode', 'Description', 'Quantity', 'InvoiceDate', 'Price', 'Customer ID', 'Country'],
          ...data,
        ]),
    ],
    [
      'our own names',
      () =>
        csvOf([
          ['invoiceNo', 'stockCode', 'description', 'quantity', 'invoiceDate', 'unitPrice', 'customerId', 'country'],
          ...data,
        ]),
    ],
    ['customers such as 17850.0', () => csvOf(changed('CustomerID', (id) => (id === '' ? '' : `${id}.0`)))],
    ['quantities such as 6.0', () => csvOf(changed('Quantity', (quantity) => `${quantity}.0`))],
    [
      'blanks around every field',
      () => csvOf(rows.map((row, at) => (at === 0 ? row : row.map((text) => ` ${text}  `)))),
    ],
    ['UTF-8 with a byte order mark', () => Buffer.from(`\ufeff${csvOf(rows)}`)],
    ['gzip', () => gzipSync(csvOf(rows))],
    ['the columns in another order', () => csvOf(rows.map((row) => row.toReversed()))],
    ['NDJSON of texts', () => ndjson(objects)],
    ['NDJSON with numbers and nulls', () => ndjson(typed)],
    [
      'NDJSON without keys that are empty',
      () => ndjson(objects.map((each) => Object.fromEntries(Object.entries(each).filter(([, text]) => text !== '')))),
    ],
    ['NDJSON, gzip', () => gzipSync(ndjson(typed))],
  ];
  it.each(variants)('%s', async (_, file) => {
    const { lines, rejects, staged: found } = await staged([file()]);
    expect(rejects).toEqual([]);
    expect(found.revenueE4).toBe(plain.staged.revenueE4);
    expect(lines).toEqual(plain.lines);
  });

  const values = (each: object): string =>
    `(${Object.values(each)
      .map((value) =>
        value === null ? 'NULL' : typeof value === 'number' ? value : `'${String(value).replaceAll("'", "''")}'`,
      )
      .join()})`;
  const table = (rowsOf: readonly object[]) =>
    `(VALUES ${rowsOf.map(values).join()}) AS t(${header.map((name) => `"${name}"`).join()})`;

  it.each([
    ['Parquet of texts', `COPY (SELECT * FROM ${table(objects)}) TO $out (FORMAT parquet)`],
    [
      'Parquet with types, as data frames write it',
      `COPY (SELECT InvoiceNo, StockCode, Description, CAST(Quantity AS BIGINT) AS Quantity,
        strptime(InvoiceDate, '%m/%d/%Y %H:%M') AS InvoiceDate, CAST(UnitPrice AS DOUBLE) AS UnitPrice,
        CAST(CustomerID AS DOUBLE) AS CustomerID, Country FROM ${table(typed)}) TO $out (FORMAT parquet)`,
    ],
    ['CSV, zstd', `COPY (SELECT * FROM ${table(objects)}) TO $out (FORMAT csv, COMPRESSION zstd)`],
  ])('%s', async (_, sql) => {
    const { lines, rejects } = await staged([await writtenByDuckDb(sql)], { dateOrder: 'month-first' });
    expect(rejects).toEqual([]);
    expect(lines).toEqual(plain.lines);
  });

  it('CSV in several frames of zstd, some without content', async () => {
    const frame = async (some: readonly (readonly string[])[]): Promise<Buffer> =>
      await writtenByDuckDb(`COPY (SELECT unnest(string_split(${sqlText(csvOf(some).trimEnd())}, chr(10))) AS line) TO $out
        (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01', COMPRESSION zstd)`);
    const skipped = Buffer.from([0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    const frames = [await frame(rows.slice(0, 1000)), skipped, await frame(rows.slice(1000)), skipped];
    expect((await staged([Buffer.concat(frames)])).lines).toEqual(plain.lines);
  });

  it('--map', async () => {
    const named = header.map((name) => (name === 'UnitPrice' ? 'Preis' : name));
    const { lines } = await staged([csvOf([named, ...data])], { map: { unitPrice: 'Preis' } });
    expect(lines).toEqual(plain.lines);
  });

  it('a column that numbers the lines', async () => {
    const counts = new Map<string, number>();
    const numbered = data.map((row) => {
      const invoiceNo = row[0] ?? '';
      counts.set(invoiceNo, (counts.get(invoiceNo) ?? 0) + 1);
      return [...row, String(counts.get(invoiceNo))];
    });
    const { lines } = await staged([csvOf([[...header, 'LineNo'], ...numbered.toReversed()])]);
    expect(lines).toEqual(plain.lines);
  });

  it('several files, in order', async () => {
    const cut = Math.floor(data.length / 3);
    const files = [data.slice(0, cut), data.slice(cut, 2 * cut), data.slice(2 * cut)].map((some) =>
      csvOf([header, ...some]),
    );
    expect((await staged(files, { dateOrder: 'month-first' })).lines).toEqual(plain.lines);
  });

  it.each([6000, 60_000])('slices of %i bytes, the lines of an invoice apart from each other', async (sliceBytes) => {
    const scattered = [header, ...data.filter((_, at) => at % 2 === 0), ...data.filter((_, at) => at % 2 === 1)];
    const whole = await staged([csvOf(scattered)]);
    const sliced = await staged([csvOf(scattered)], { sliceBytes });
    expect(sliced.staged.parts).toBeGreaterThan(2);
    expect(sliced.lines).toEqual(whole.lines);
  });
});

it('all lines shuffled: the same totals, every line once', async () => {
  const shuffled = data.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  const { staged: found, lines } = await staged([csvOf([header, ...shuffled])], { sliceBytes: 20_000 });
  expect(found).toMatchObject({ lines: LINES, revenueE4: plain.staged.revenueE4, invoices: plain.staged.invoices });
  expect(new Set(lines.map(({ invoiceNo, lineId }) => `${invoiceNo} ${lineId}`)).size).toBe(LINES);
});

describe('descriptions', () => {
  const described = (text: string): string[][] => [header, (data[0] ?? []).with(column('Description'), text)];
  const descriptionIn = async (file: string | Buffer): Promise<string | null | undefined> =>
    (await staged([file], { dateOrder: 'month-first' })).lines[0]?.description;

  it('with bytes 0x80 to 0x9F of Windows-1252', async () => {
    const bytes = Buffer.concat([
      Buffer.from(`${header.join()}\n536365,85123A,`),
      Buffer.from([0x93, 0x80, 0x35, 0x94, 0x20, 0x96, 0x20, 0xe9]),
      Buffer.from(',6,12/1/2010 8:26,2.55,17850,France\n'),
    ]);
    expect(await descriptionIn(bytes)).toBe('“€5” – é');
    expect(textOfWindows1252(Buffer.from([0x80]))).toBe('€');
  });

  it.each(['two\nlines', 'two\r\nlines', '5" NAILS', 'a, b; c\td', 'tab\there', 'ÜBER £5 ☕', '\u00a0blank\u00a0'])(
    '%j',
    async (text) => {
      expect(await descriptionIn(csvOf(described(text)))).toBe(text.trim());
    },
  );

  it('with a quote that nobody closes: that row alone is refused', async () => {
    const file = csvOf(rows)
      .split('\n')
      .toSpliced(1, 0, '536364,85123A,"5 INCH,6,12/1/2010 8:26,2.55,17850,France')
      .join('\n');
    const { rejects, lines } = await staged([file]);
    expect(lines).toEqual(plain.lines);
    expect(rejects).toMatchObject([{ row: 1, text: '536364,85123A,"5 INCH,6,12/1/2010 8:26,2.55,17850,France' }]);
  });
});

it.each([20_000, 2 ** 24])(
  'lines that come again under the same LineNo count once, in slices of %i bytes',
  async (sliceBytes) => {
    const numbered = data.map((row, at) => [...row, String(at + 1)]);
    const quantity = column('Quantity');
    const again = numbered.slice(0, 500).map((row) => row.with(quantity, '1'));
    const file = csvOf([[...header, 'LineNo'], ...numbered, ...again]);
    const { staged: found, lines } = await staged([file], { sliceBytes });
    const counted = staged([csvOf([[...header, 'LineNo'], ...again, ...numbered.slice(500)])]);
    const { revenueE4 } = (await counted).staged;
    expect(found).toMatchObject({ rows: LINES + 500, lines: LINES, superseded: 500, revenueE4 });
    // Parts keep what came first: the later part is the one that counts.
    expect(lines.length).toBe(sliceBytes === 20_000 ? LINES + 500 : LINES);
  },
);

describe('is refused', () => {
  it('Parquet with a column that stands for the number of a row', async () => {
    const file = await writtenByDuckDb(
      `COPY (SELECT 1 AS file_row_number, 'x' AS "InvoiceNo") TO $out (FORMAT parquet)`,
    );
    await expect(staged([file])).rejects.toThrow('has a column file_row_number');
  });
});

it('keeps columns that are not ours', async () => {
  const { lines } = await staged([csvOf([[...header, 'Till', 'Note'], ...data.map((row) => [...row, '7', ''])])]);
  expect(lines[0]?.extra).toBe('{"Till":"7","Note":""}');
});
