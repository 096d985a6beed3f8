// What is found in a file before it is imported: its form, its columns, the order of its dates; and what has to be asked.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ImportOptions } from '../../src/imports/import.ts';
import { agreeOnDates, type Sniffed, type SniffOptions, sniff } from '../../src/imports/sniff.ts';
import type { DateOrder } from '../../src/model/dates.ts';
import { isTillstreamError } from '../../src/model/errors.ts';
import { dataset } from '../support/dataset.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'tillstream-sniff-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
const row = (invoiceDate: string, description = 'MUG') => `536365,85123A,${description},6,${invoiceDate},2.55,,France`;
const csv = (...dates: string[]) => `${[HEADER, ...dates.map((date) => row(date))].join('\n')}\n`;
const CERTAIN = '12/21/2010 8:26';

const PLAIN: SniffOptions = {
  name: 'shop.csv',
  options: {},
  isAlone: true,
  parquetColumns: async () => [],
  unpacked: async (file) => file,
};

async function sniffed(content: string | Buffer, options: ImportOptions = {}, order: Partial<SniffOptions> = {}) {
  const file = path.join(directory, 'source-001');
  await writeFile(file, content);
  return sniff(file, { ...PLAIN, options, ...order });
}

async function failure(content: string | Buffer, options: ImportOptions = {}): Promise<string> {
  const error: unknown = await sniffed(content, options).then(
    () => null,
    (reason) => reason,
  );
  if (!isTillstreamError(error)) throw error ?? new Error('It did not fail');
  return `${error.code}: ${error.message}${error.hint === undefined ? '' : `\n${error.hint}`}`;
}

const fields = ({ reading }: Awaited<ReturnType<typeof sniffed>>) =>
  Object.fromEntries(reading.columns.map(({ name, field }) => [name, field]));

const OURS = {
  InvoiceNo: 'invoiceNo',
  StockCode: 'stockCode',
  Description: 'description',
  Quantity: 'quantity',
  InvoiceDate: 'invoiceDate',
  UnitPrice: 'unitPrice',
  CustomerID: 'customerId',
  Country: 'country',
};

test('a search for the order of dates ends where it is told to', async () => {
  const checkpoint = async () => {
    throw new Error('Enough');
  };
  await expect(sniffed(csv('1/2/2010 8:26', CERTAIN), {}, { checkpoint })).rejects.toThrow('Enough');
});

describe('the form of a file', () => {
  test.runIf(dataset !== null)('the real one', async () => {
    const found = await sniff(dataset ?? '', PLAIN);
    expect(found.question).toBeNull();
    expect(fields(found)).toEqual(OURS);
    const { columns: _, ...form } = found.reading;
    expect(form).toEqual({
      format: 'csv',
      compression: 'gzip',
      encoding: null,
      delimiter: ',',
      dateOrder: 'month-first',
      hasHeader: true,
    });
  });

  test.each([',', ';', '\t', '|'])('its delimiter is %j, also where others stand in its fields', async (delimiter) => {
    const others = [',', ';', '\t', '|'].filter((each) => each !== delimiter).join('');
    const line = csv(CERTAIN).replaceAll(',', delimiter).replace('MUG', `"MUG${delimiter}${others}${others}"`);
    const found = await sniffed(line);
    expect([found.reading.delimiter, found.reading.dateOrder, found.question]).toEqual([
      delimiter,
      'month-first',
      null,
    ]);
    expect(fields(found)).toEqual(OURS);
  });

  test.each([
    ['a byte order mark', `\ufeff${csv(CERTAIN)}`],
    ['quoted names', csv(CERTAIN).replace(HEADER, `"${HEADER.split(',').join('","')}"`)],
    ['CRLF', csv(CERTAIN).replaceAll('\n', '\r\n')],
    ['no line break at its end', csv(CERTAIN).trimEnd()],
    ['Windows-1252', Buffer.from(csv(CERTAIN).replace('MUG', 'CAF\xc9 \x80'), 'latin1')],
    ['gzip', gzipSync(csv(CERTAIN))],
    ['empty lines before its header', `\r\n\n${csv(CERTAIN)}`],
    [
      'names of its second edition',
      csv(CERTAIN).replace(HEADER, 'Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country'),
    ],
  ])('%s', async (_name, content) => {
    const found = await sniffed(content);
    expect([found.reading.dateOrder, found.question]).toEqual(['month-first', null]);
    expect(Object.values(fields(found))).toEqual(Object.values(OURS));
  });

  test('the name of a column is read in the encoding of the file, found or given', async () => {
    const named = `${HEADER},Gr\xf6\xdfe\n${row(CERTAIN)},1\n`;
    const found = await sniffed(Buffer.from(named, 'latin1'));
    expect(found.reading.columns.at(-1)).toEqual({ name: 'Größe', field: null });
    const utf8 = Buffer.from(`${HEADER},É\n${row(CERTAIN)},1\n`);
    const given = await sniffed(utf8, { encoding: 'windows-1252' });
    expect([given.reading.encoding, given.reading.columns.at(-1)?.name]).toEqual(['windows-1252', 'Ã‰']);
  });

  test('line breaks and delimiters within quotes are no end of a row', async () => {
    const found = await sniffed(`${HEADER}\n${row('"12/21/2010 8:26"', '"A ""MUG"",\nof ,two\r\nlines"')}\n`);
    expect([found.reading.dateOrder, found.question]).toEqual(['month-first', null]);
  });

  test('NDJSON: the columns are the keys of all its first lines', async () => {
    const line = { invoiceNo: 1, stockCode: 'A', quantity: 1, invoiceDate: '13/2/2010 8:00', country: 'France' };
    const lines = [
      { ...line, unitPrice: 1 },
      { ...line, Price: 2 },
    ].map((each) => JSON.stringify(each));
    const { reading, question } = await sniffed(`\n ${lines[0]}\nno json\n[1]\n{"colour":"red"}\n`);
    expect(reading).toMatchObject({ format: 'ndjson', delimiter: null, hasHeader: false, dateOrder: 'day-first' });
    expect([question, reading.columns.map(({ name }) => name)]).toEqual([
      null,
      [...Object.keys(line), 'unitPrice', 'colour'],
    ]);
    expect((await sniffed(lines[0] ?? '')).reading.dateOrder).toBe('day-first');
    expect(await failure(lines.join('\n'))).toMatch(/^duplicate_field: .* unitPrice and Price\./);
  });

  test('Parquet: its columns are asked of whoever reads it', async () => {
    const names = HEADER.split(',').concat('colour');
    const { reading, question, path: at } = await sniffed('PAR1\0\0\0\0', {}, { parquetColumns: async () => names });
    expect([question, reading.format, reading.columns.at(-1)]).toEqual([
      null,
      'parquet',
      { name: 'colour', field: null },
    ]);
    expect(at).toBe(path.join(directory, 'source-001'));
  });

  test('zstd: looked at where it was unpacked to', async () => {
    const unpacked = path.join(directory, 'unpacked');
    await writeFile(unpacked, csv(CERTAIN));
    const found = await sniffed(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0]), {}, { unpacked: async () => unpacked });
    expect([found.path, found.reading.compression, found.reading.dateOrder]).toEqual([unpacked, 'zstd', 'month-first']);
  });
});

describe('what is refused, and why', () => {
  test.each([
    ['nothing', '', 'shop.csv is empty; expected rows.'],
    ['blanks', ' \n\n', 'shop.csv is empty; expected rows.'],
    ['nothing, packed', gzipSync(''), 'shop.csv is empty; expected rows.'],
    ['a workbook', 'PK\x03\x04...', 'shop.csv is a workbook or a zip archive.'],
    [
      'UTF-16',
      Buffer.from(`\ufeff${HEADER}`, 'utf16le'),
      'shop.csv is UTF-16; expected UTF-8, ISO-8859-1 or Windows-1252.',
    ],
    ['an image', Buffer.from([0x89, 0x50, 0, 0]), 'shop.csv holds zero bytes; expected text.'],
    ['damaged gzip', gzipSync(csv(CERTAIN)).subarray(0, 40), 'shop.csv is damaged gzip: unexpected end of file.'],
    [
      'prose',
      'Dear Sir\nor Madam\n',
      'shop.csv begins "Dear Sir"; expected a header with columns separated by comma, semicolon or tab.',
    ],
    ['JSON in braces', '{\n"a": 1\n}\n', 'shop.csv begins like NDJSON, but holds no JSON objects, one a line.'],
    [
      'a row without end',
      'a,b,'.repeat(2 ** 19),
      `shop.csv begins ${JSON.stringify('a,b,'.repeat(15))}, and its first row does not end within 1,048,576 bytes.`,
    ],
    [
      'an object without end',
      `{"a":"${'x'.repeat(2 ** 21)}`,
      `shop.csv begins ${JSON.stringify(`{"a":"${'x'.repeat(54)}`)}, and its first row does not end within 1,048,576 bytes.`,
    ],
  ])('%s', async (_name, content, message) => {
    expect((await failure(content)).split('\n')[0]).toBe(`not_a_csv: ${message}`);
  });

  test('a quote that is left open in the header', async () => {
    const open = `"${HEADER}\n${`${row(CERTAIN)}\n`.repeat(25_000)}`;
    expect(await failure(open)).toMatch(
      /^not_a_csv: shop\.csv begins .* does not end within 1,048,576 bytes\.\n.*quote/,
    );
  });

  test('a format that it has not', async () => {
    expect(await failure(csv(CERTAIN), { format: 'parquet' })).toBe(
      'invalid_parameter: shop.csv is no Parquet file.\nLeave the format out: it is found.',
    );
    expect(await failure('PAR1\0\0', { format: 'csv' })).toMatch('shop.csv is a Parquet file, not csv.');
    expect(await failure(csv(CERTAIN), { format: 'ndjson' })).toMatch('holds no JSON objects, one a line.');
  });

  test('two columns for one field', async () => {
    expect(await failure(`${HEADER},Price\n${row(CERTAIN)},1\n`)).toBe(
      'duplicate_field: shop.csv has two columns for the same thing: UnitPrice and Price.\nSay which one it is: --map unitPrice=Price',
    );
    expect(await failure(`${HEADER},Country\n`)).toMatch('Rename or drop one of them.');
  });

  test('the rejects of an import, which have numbers already', async () => {
    const content = `${HEADER},id,row,code,reason\n${row(CERTAIN)},imports-20261123-k7mq-1,1,invalid_date,why\n`;
    expect(await failure(content)).toBe(
      'wrong_usage: shop.csv holds the rejects of an import: imported, its rows would be numbered anew, beside those in quarantine.\nBring them back in with: tillstream quarantine redrive --from shop.csv',
    );
  });
});

describe('columns', () => {
  test('unknown ones are kept, each under a name of its own', async () => {
    const { reading } = await sniffed(`${HEADER},colour,, colour ,extra\n${row(CERTAIN)},,,,\n`);
    expect(reading.columns.slice(8)).toEqual(
      ['colour', 'column10', 'colour_11', 'extra'].map((name) => ({ name, field: null })),
    );
  });

  test('one that is named for a field means it, and frees the one that did', async () => {
    const found = await sniffed(`${HEADER},Net\n${row(CERTAIN)},2\n`, { map: { unitPrice: 'net' } });
    expect(fields(found)).toEqual({ ...OURS, UnitPrice: null, Net: 'unitPrice' });
  });

  test('one that is known may stand for another field', async () => {
    const map = { customerId: 'Country', country: 'CustomerID' };
    expect(fields(await sniffed(csv(CERTAIN), { map }))).toMatchObject({
      Country: 'customerId',
      CustomerID: 'country',
    });
  });

  test('names of a file that has none of ours', async () => {
    const map = {
      invoiceNo: 'Beleg',
      stockCode: 'Artikel',
      quantity: 'Menge',
      invoiceDate: 'Datum',
      unitPrice: 'Preis',
      country: 'Land',
    };
    const found = await sniffed('Beleg;Artikel;Menge;Datum;Preis;Land\n1;A;1;21.12.2010 8:26;1;DE\n', { map });
    expect([found.question, found.reading.dateOrder]).toEqual([null, 'day-first']);
  });

  test('one that is named and not there, or for two fields, is an error', async () => {
    expect(await failure('a,InvoiceNo\n', { map: { unitPrice: 'Net' } })).toBe(
      'invalid_parameter: shop.csv has no column Net. It has a, InvoiceNo.',
    );
    const both = { unitPrice: 'Quantity', quantity: 'quantity' };
    expect(await failure(csv(CERTAIN), { map: both })).toMatch(
      'Column Quantity is named for both unitPrice and quantity',
    );
  });

  test.each([
    [
      'too few columns',
      'InvoiceNo,StockCode,Net\n1,A,1\n',
      ['quantity', 'invoiceDate', 'unitPrice', 'country'],
      ['InvoiceNo', 'StockCode', 'Net'],
    ],
    [
      'no header',
      `${row(CERTAIN)}\n`,
      ['invoiceNo', 'stockCode', 'quantity', 'invoiceDate', 'unitPrice', 'country'],
      ['536365', '85123A', 'MUG', '6', CERTAIN, '2.55', 'column7', 'France'],
    ],
  ])('%s: asked', async (_name, content, missing, columns) => {
    expect((await sniffed(content)).question).toEqual({ kind: 'columns', file: 'shop.csv', missing, columns });
  });
});

describe('the order of dates', () => {
  test.each([
    ['a day that is no month, second', ['1/2/2010', '2/13/2010 8:26'], 'month-first'],
    ['a day that is no month, first', ['1/2/2010', '13/2/2010 8:26'], 'day-first'],
    ['hyphens', ['01-12-2010 08:26', '31-12-2010 08:26'], 'day-first'],
    ['dots', ['1.12.2010', '31.12.2010'], 'day-first'],
    ['what is a date in neither does not decide', ['13/13/2010', '99/99/2010', '2/13/2010'], 'month-first'],
    ['separators that differ make no date', ['13/2-2010', '2/13/2010'], 'month-first'],
    ['ISO alone leaves nothing open', ['2010-12-01T08:26:00', '2010-12-01', ''], null],
    ['the same in both', ['5/5/2010', '12/12/2010 8:26'], 'month-first'],
  ])('%s', async (_name, dates, order) => {
    for (const content of [csv(...dates), csv(...dates).trimEnd(), csv(...dates).replaceAll('\n', '\r\n')]) {
      const { reading, question } = await sniffed(content);
      expect([reading.dateOrder, question]).toEqual([order, null]);
    }
  });

  test('is found in the last row, far behind the first megabyte, whether or not a line break ends it', async () => {
    const many = csv(...Array<string>(50_000).fill('1/2/2010 8:26'));
    expect(many.length).toBeGreaterThan(2 * 2 ** 20);
    for (const content of [
      `${many}${row('13/2/2010')}\n`,
      `${many}${row('13/2/2010')}`,
      gzipSync(`${many}${row('13/2/2010')}`),
    ]) {
      const { reading, question } = await sniffed(content);
      expect([reading.dateOrder, question]).toEqual(['day-first', null]);
    }
  });

  test('a date in the last column, or in quotes, or in a description does not mislead', async () => {
    const names = 'InvoiceNo,StockCode,Quantity,UnitPrice,Country,Description,InvoiceDate';
    const before = '1,A,1,1,France,"13/2/2010, ""13/2/2010"",\n13/2/2010"';
    for (const date of ['2/13/2010', '"2/13/2010"', ' 2/13/2010 ']) {
      const { reading } = await sniffed(`${names}\n${before},${date}\n`);
      expect(reading.dateOrder).toBe('month-first');
    }
  });

  test('a quote that is never closed hides no date behind it', async () => {
    const open = row('1/2/2010', '"MUG');
    for (const content of [`${HEADER}\n${open}\n${row('13/2/2010')}`, `${HEADER}\n${open}\n${row('13/2/2010')}\n`]) {
      const { reading, question } = await sniffed(content);
      expect([reading.dateOrder, question]).toEqual(['day-first', null]);
    }
  });

  test('what looks like a row within quotes is none, also where a piece of the file begins with it', async () => {
    const opening = '536365,85123A,"';
    const padding = 2 ** 20 - `${HEADER}\n${opening}\n`.length;
    const content = `${HEADER}\n${opening}${'x'.repeat(padding)}\n${row('13/2/2010')}\n",1,2/13/2010,1,,France\n`;
    expect(content.indexOf(row('13/2/2010'))).toBe(2 ** 20);
    expect((await sniffed(content)).reading.dateOrder).toBe('month-first');
  });

  test('a row too long for any shop is passed over, and what follows is looked at', async () => {
    const long = row('1/2/2010', 'x'.repeat(3 * 2 ** 20));
    const { reading } = await sniffed(`${HEADER}\n${long}\n${row('13/2/2010')}\n`);
    expect(reading.dateOrder).toBe('day-first');
  });

  test('that nothing decides is asked, with three dates in both readings', async () => {
    const dates = ['5/5/2010', '1/2/2010 8:26', '"1/2/2010 8:26"', '03-04-2010', '1/2/2010 later', '6/7/2010'];
    const { reading, question } = await sniffed(csv(...dates));
    expect(reading.dateOrder).toBeNull();
    expect(question).toEqual({
      kind: 'date_order',
      file: 'shop.csv',
      examples: [
        { text: '1/2/2010 8:26', monthFirst: '2010-01-02T08:26:00', dayFirst: '2010-02-01T08:26:00' },
        { text: '03-04-2010', monthFirst: '2010-03-04T00:00:00', dayFirst: '2010-04-03T00:00:00' },
        { text: '1/2/2010 later', monthFirst: 'not a date', dayFirst: 'not a date' },
      ],
    });
  });

  test('that nothing decides is that of the shop; what dates show comes before it, and what the owner says before all', async () => {
    const order = async (content: string, options: ImportOptions) =>
      agreeOnDates([await sniffed(content, options)], 'day-first')[0]?.reading.dateOrder;
    expect(await order(csv('1/2/2010'), {})).toBe('day-first');
    expect(await order(csv('1/2/2010', '2/13/2010'), {})).toBe('month-first');
    expect(await order(csv('1/2/2010', '13/2/2010'), { dateOrder: 'month-first' })).toBe('month-first');
    expect(await order(csv('2010-12-01'), {})).toBeNull();
    expect(await order(HEADER, {})).toBeNull();
  });

  test('that a file leaves open is what the others show; where these differ, that of the shop, or asked', async () => {
    const open = await sniffed(csv('1/2/2010'));
    const iso = await sniffed(csv('2010-12-01'));
    const parquet = { ...iso, reading: { ...iso.reading, format: 'parquet' } as const };
    const monthFirst = await sniffed(csv('2/13/2010'));
    const dayFirst = await sniffed(csv('13/2/2010'));
    const said = await sniffed(csv('1/2/2010'), { dateOrder: 'day-first' }, { isAlone: false });
    const orders = (files: Sniffed[], shop: DateOrder | null = null) =>
      agreeOnDates(files, shop).map(({ reading, question }) => question?.kind ?? reading.dateOrder);
    expect(orders([open, iso, parquet, monthFirst])).toEqual(['month-first', null, 'month-first', 'month-first']);
    expect(orders([monthFirst, open, said], 'day-first')).toEqual(['month-first', 'month-first', 'day-first']);
    expect(orders([monthFirst, open, dayFirst])).toEqual(['month-first', 'date_order', 'day-first']);
    expect(orders([monthFirst, open, dayFirst], 'day-first')).toEqual(['month-first', 'day-first', 'day-first']);
    expect(orders([open, parquet])).toEqual(['date_order', null]);
  });
});
