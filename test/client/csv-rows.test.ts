import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CsvRow, csvRows, openCsv } from '../../src/client/csv-rows.ts';
import { rowJson } from '../../src/client/row-json.ts';
import { isTillstreamError } from '../../src/model/errors.ts';
import { dataset } from '../support/dataset.ts';
import { HEADER } from './shop.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tillstream-csv-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function file(content: string | Buffer, name = 'shop.csv'): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

async function rowsOf(...paths: string[]): Promise<CsvRow[]> {
  const sources = [];
  for (const path of paths) sources.push(await openCsv(path));
  const rows: CsvRow[] = [];
  for await (const block of csvRows(sources)) rows.push(...block.rows);
  return rows;
}

/** `code: message` (hint), with the directory left out. */
async function failure(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => null,
    (reason) => reason,
  );
  if (!isTillstreamError(error)) throw error ?? new Error('It did not fail');
  const text = `${error.code}: ${error.message}${error.hint === undefined ? '' : `\n${error.hint}`}`;
  return text.replaceAll(`${directory}/`, '');
}

const line = (invoiceNo: string, description: string) =>
  `${invoiceNo},85123A,${description},6,12/1/2010 8:26,2.55,17850,France`;
const csv = (...lines: string[]) => `${[HEADER, ...lines].join('\r\n')}\r\n`;
const descriptions = (rows: readonly CsvRow[]) => rows.map(({ values }) => values[2]);

describe('encodings', () => {
  const text = csv(line('1', 'CAFÉ £1'), line('2', 'NAÏVE'));

  it.each([
    ['UTF-8', Buffer.from(text)],
    ['UTF-8 with a BOM', Buffer.from(`\ufeff${text}`)],
    ['ISO-8859-1', Buffer.from(text, 'latin1')],
  ])('%s is read as it was meant', async (_name, bytes) => {
    expect(descriptions(await rowsOf(await file(bytes)))).toEqual(['CAFÉ £1', 'NAÏVE']);
  });

  it('Windows-1252 has its quotes, dashes and the euro', async () => {
    const bytes = Buffer.from(csv(line('1', 'E: \x80 Q: \x93x\x94 D: \x96 Z: \x9e')), 'latin1');
    expect(descriptions(await rowsOf(await file(bytes)))).toEqual(['E: € Q: “x” D: – Z: ž']);
  });

  it('the first letter that is not ASCII decides, however late it comes', async () => {
    const plain = Array.from({ length: 20_000 }, (_, index) => line(String(index), 'PLAIN'));
    for (const encoding of ['utf8', 'latin1'] as const) {
      const rows = await rowsOf(await file(Buffer.from(csv(...plain, line('x', 'CAFÉ')), encoding)));
      expect(rows.length).toBe(20_001);
      expect(rows.at(-1)?.values[2]).toBe('CAFÉ');
    }
  });

  it('a character of several bytes survives wherever a piece ends', async () => {
    const lines = Array.from({ length: 9_000 }, (_, index) => line(String(index), '€'.repeat(1 + (index % 40))));
    const rows = await rowsOf(await file(csv(...lines)));
    expect(descriptions(rows).every((text, index) => text === '€'.repeat(1 + (index % 40)))).toBe(true);
  });

  it('a file in two encodings is refused where the second begins, not read wrongly', async () => {
    const many = Array.from({ length: 5_000 }, (_, index) => line(String(index), 'CAFÉ'));
    const bytes = Buffer.concat([Buffer.from(csv(...many)), Buffer.from(`${line('x', 'CAFÉ')}\r\n`, 'latin1')]);
    expect(await failure(rowsOf(await file(bytes)))).toMatchInlineSnapshot(`
      "invalid_encoding: shop.csv begins as UTF-8, but is not valid UTF-8 near byte 269,023.
      Save the file in one encoding."
    `);
  });
});

describe('forms of a file', () => {
  it.each([
    ['comma', ','],
    ['semicolon', ';'],
    ['tab', '\t'],
    ['pipe', '|'],
  ])('delimiter: %s', async (_name, delimiter) => {
    const content = `${HEADER}\n1,2,3,4,5,6,7,8\n`.replaceAll(',', delimiter);
    expect((await rowsOf(await file(content)))[0]?.values).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
  });

  it('gzip, told by its content, in several members', async () => {
    const bytes = Buffer.concat([gzipSync(csv(line('1', 'A'))), gzipSync(`${line('2', 'B')}\r\n`)]);
    expect(descriptions(await rowsOf(await file(bytes, 'shop.csv')))).toEqual(['A', 'B']);
  });

  it('a quoted field may hold line breaks, delimiters and quotes, over pieces of the file', async () => {
    const long = `first\nsecond, "third" ${'x\n'.repeat(100_000)}`;
    const rows = await rowsOf(await file(csv(line('1', `"${long.replaceAll('"', '""')}"`), line('2', 'B'))));
    expect(descriptions(rows)).toEqual([long, 'B']);
  });

  it('a field comes back as it was written, whatever is in it', async () => {
    const field = fc.string({ unit: fc.constantFrom('a', 'é', '"', ',', ';', '\t', '\n', '\r\n', ' ', '€', '1') });
    const written = (value: string, always: boolean) =>
      always || /[",;\t\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(field, field, fc.boolean()), { minLength: 1, maxLength: 12 }),
        fc.constantFrom('\n', '\r\n'),
        fc.constantFrom(',', ';', '\t', '|'),
        fc.boolean(),
        async (pairs, end, delimiter, endsOpen) => {
          const lines = pairs.map(([first, last, always]) =>
            ['1', '2', written(first, always), '4', '5', '6', '7', written(last, always)].join(delimiter),
          );
          const text = [HEADER.replaceAll(',', delimiter), ...lines].join(end) + (endsOpen ? '' : end);
          const read = (await rowsOf(await file(text))).map(({ values }) => [values[2], values[7]]);
          expect(read).toEqual(pairs.map(([first, last]) => [first, last]));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('a quote within a field, and one that is followed by text, are text', async () => {
    const rows = await rowsOf(await file(csv(line('1', '7" TIN'), line('2', '"BOX" OF 3'), line('3', '"a""b"'))));
    expect(descriptions(rows)).toEqual(['7" TIN', '"BOX" OF 3', 'a"b']);
  });

  it('empty lines are skipped, also before the header, and the last row needs no line break', async () => {
    const rows = await rowsOf(await file(`\r\n\n${HEADER}\n${line('1', 'A')}\n\r\n\n${line('2', 'B')}`));
    expect(rows.map(({ row, values }) => [row, values[2], values[7]])).toEqual([
      [1, 'A', 'France'],
      [2, 'B', 'France'],
    ]);
  });

  it('a name in the header may hold a line break', async () => {
    const [row] = await rowsOf(await file(`"Note\n(internal)",${HEADER}\nx,${line('1', 'A')}\n`));
    expect(row?.source.columns[0]).toBe('Note\n(internal)');
    expect(row?.values.slice(0, 2)).toEqual(['x', '1']);
  });

  it('the names of the second edition, in any letter case, are known', async () => {
    const header = 'invoice,STOCKCODE,Description,quantity,InvoiceDate,Price,Customer ID,country';
    const [row] = await rowsOf(await file(`${header}\n489434,85048,MUG,12,2009-12-01 07:45:00,6.95,13085.0,France\n`));
    expect(row && rowJson(row)).toMatchInlineSnapshot(
      `"{"invoice":"489434","STOCKCODE":"85048","Description":"MUG","quantity":12,"InvoiceDate":"2009-12-01 07:45:00","Price":6.95,"Customer ID":"13085.0","country":"France","LineNo":1}"`,
    );
  });

  it('short rows and empty ones, as spreadsheets leave them, lose nothing', async () => {
    const rows = await rowsOf(await file(`${csv(line('1', 'A'))}2,X,B,1\r\n,,,,,,,\r\n${line('3', 'C')},,\r\n`));
    expect(rows.map(({ row, values }) => [row, values.length, values[0]])).toEqual([
      [1, 8, '1'],
      [2, 8, '2'],
      [3, 8, '3'],
    ]);
    expect(rows.every(({ refusal }) => refusal === null)).toBe(true);
  });

  it('a row with more fields than columns is refused, since its fields may have slipped', async () => {
    const [row] = await rowsOf(await file(csv(line('1', 'BOX, BLUE'))));
    expect(row?.refusal).toMatchInlineSnapshot(`
      {
        "code": "surplus_fields",
        "field": null,
        "message": "The row has more fields than the 8 columns of the header; quote a field that holds the delimiter.",
        "value": "France",
      }
    `);
  });

  it('columns without a name, or with the same unknown name twice, keep apart', async () => {
    const [row] = await rowsOf(await file(`,Note,Note,${HEADER}\n0,a,b,${line('1', 'A')}\n`));
    expect(row && rowJson(row)).toMatchInlineSnapshot(
      `"{"column1":"0","Note":"a","Note_3":"b","InvoiceNo":"1","StockCode":"85123A","Description":"A","Quantity":6,"InvoiceDate":"12/1/2010 8:26","UnitPrice":2.55,"CustomerID":"17850","Country":"France","LineNo":1}"`,
    );
  });

  it('text that only looks like a number stays text; numbers stay as they are written', async () => {
    const values = '007,1e3,"A ""B""\n",+5,12/1/2010 8:26,0.10,017850,France';
    const [row] = await rowsOf(await file(`${HEADER}\n${values}\n`));
    expect(row && rowJson(row)).toMatchInlineSnapshot(
      `"{"InvoiceNo":"007","StockCode":"1e3","Description":"A \\"B\\"\\n","Quantity":"+5","InvoiceDate":"12/1/2010 8:26","UnitPrice":0.10,"CustomerID":"017850","Country":"France","LineNo":1}"`,
    );
  });
});

describe('the whole of a file', () => {
  it.skipIf(dataset === null)('the real data set has all its rows and invoices', async () => {
    const source = await openCsv(dataset ?? '');
    const invoices = new Set<string>();
    let rowCount = 0;
    let refusedCount = 0;
    let share = 0;
    for await (const block of csvRows([source])) {
      for (const { invoiceNo, refusal } of block.rows) {
        invoices.add(invoiceNo);
        if (refusal !== null) refusedCount += 1;
      }
      rowCount += block.rows.length;
      expect(block.share).toBeGreaterThanOrEqual(share);
      share = block.share;
    }
    expect([rowCount, invoices.size, refusedCount, share]).toEqual([541_909, 25_900, 0, 1]);
  });

  it('is read as it is needed, not all ahead', async () => {
    const path = await file(csv(...Array.from({ length: 50_000 }, (_, index) => line(String(index), 'A'))));
    const shares: number[] = [];
    for await (const { share } of csvRows([await openCsv(path)])) {
      shares.push(share);
      break;
    }
    expect(shares[0]).toBeLessThan(0.5);
  });
});

describe('numbers of lines', () => {
  it('count occurrences within the invoice, also when its lines are not together', async () => {
    const rows = await rowsOf(await file(csv(...['1', '2', '1', '1', '2', '3'].map((invoice) => line(invoice, 'A')))));
    expect(rows.map(({ invoiceNo, lineNo }) => `${invoiceNo}-${lineNo}`)).toEqual([
      '1-1',
      '2-1',
      '1-2',
      '1-3',
      '2-2',
      '3-1',
    ]);
  });

  it('go on across the files of one command, in the order given', async () => {
    const [a, b] = [await file(csv(line('1', 'A'), line('2', 'A')), 'a.csv'), await file(csv(line('1', 'B')), 'b.csv')];
    const names = (rows: readonly CsvRow[]) => rows.map(({ row, source, lineNo }) => `${row} ${source.name} ${lineNo}`);
    expect(names(await rowsOf(a, b))).toEqual(['1 a.csv 1', '2 a.csv 1', '3 b.csv 2']);
    expect(names(await rowsOf(b, a))).toEqual(['1 b.csv 1', '2 a.csv 2', '3 a.csv 1']);
  });

  it('leave out a row that does not say which invoice it is of: what stands in that column may be another’s number', async () => {
    const columns = 'Description,InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,Country';
    const slipped = (...lines: string[]) => file([columns, ...lines].join('\n'));
    const rest = 'A,6,2010-12-01,2.55,France';
    const rows = await rowsOf(await slipped(`X,1,${rest}`, `MUG,2,1,${rest}`, `Y,1,${rest}`, `Z,2,${rest}`));
    expect(rows.map(({ lineNo }) => lineNo)).toEqual([1, null, 2, 1]);
  });

  it('are the file’s own where it has them; without one a line would be new each time it is sent', async () => {
    const rows = await rowsOf(await file(`${HEADER},LineNo\n${line('1', 'A')},7\n${line('1', 'B')},\n`));
    expect(rows.map(({ lineNo }) => lineNo)).toEqual([null, null]);
    expect(rows[0] && rowJson(rows[0])).toContain('"LineNo":"7"}');
    expect(rows[1]?.refusal).toMatchInlineSnapshot(`
      {
        "code": "invalid_line_id",
        "field": "LineNo",
        "message": "LineNo is empty; expected the number of the line.",
        "value": "",
      }
    `);
  });
});

describe('a file that cannot be replayed says why, and what to do', () => {
  it('is not there', async () => {
    expect(await failure(openCsv(join(directory, 'none.csv')))).toMatchInlineSnapshot(`
      "file_not_found: There is no file none.csv.
      Check the path."
    `);
    expect((await failure(openCsv(directory))).replace(directory, 'DIR')).toMatchInlineSnapshot(
      `"file_not_found: DIR is not a file; expected a CSV file."`,
    );
  });

  it('is not what it should be', async () => {
    const files: Record<string, string | Buffer> = {
      'empty.csv': '',
      'only-line-breaks.csv': '\r\n\r\n',
      'workbook.csv': 'PK\u0003\u0004xxxx',
      'utf-16.csv': Buffer.from(`\ufeff${HEADER}\n`, 'utf16le'),
      'prose.csv': 'Dear shop\nall the best\n',
      'binary.csv': Buffer.from([1, 2, 0, 10, 3]),
      'endless-line.csv': 'x'.repeat(1_500_000),
      'damaged-gzip.csv': gzipSync(csv(line('1', 'A'))).subarray(0, 40),
      'something-else.csv': 'id,name,price\n1,a,2\n',
      'column-short.csv': `${HEADER.replace(',Country', '')}\n`,
      'column-twice.csv': `${HEADER},Customer ID\n`,
      'open-quote.csv': csv(line('1', '"A')),
      'open-quote-in-header.csv': `"${HEADER}\n${line('1', 'A')}\n`,
      'endless-quote.csv': csv(line('1', 'A'), line('2', '"A'), ...Array<string>(200).fill('x'.repeat(65_536))),
    };
    const messages: string[] = [];
    for (const [name, content] of Object.entries(files))
      messages.push(await failure(rowsOf(await file(content, name))));
    expect(messages.join('\n\n')).toMatchInlineSnapshot(`
      "not_a_csv: empty.csv is empty; expected a header and rows.

      not_a_csv: only-line-breaks.csv is empty; expected a header and rows.

      not_a_csv: workbook.csv is a workbook or a zip archive, not a CSV.
      Save it as CSV (UTF-8) and name that file.

      not_a_csv: utf-16.csv is UTF-16; expected UTF-8, ISO-8859-1 or Windows-1252.
      Save it as CSV (UTF-8) and name that file.

      not_a_csv: prose.csv begins "Dear shop"; expected a header with columns separated by comma, semicolon or tab.

      not_a_csv: binary.csv holds zero bytes; expected text.

      not_a_csv: endless-line.csv has no line break (LF) within 1048576 bytes.

      not_a_csv: damaged-gzip.csv is damaged gzip: unexpected end of file.

      columns_missing: something-else.csv lacks InvoiceNo, StockCode, Quantity, InvoiceDate, Country. Its columns are id, name, price.
      Name the columns as the data set does (InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice, Country).

      columns_missing: column-short.csv lacks Country. Its columns are InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID.
      Name the columns as the data set does (InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice, Country).

      duplicate_field: column-twice.csv has two columns for the same thing: CustomerID and Customer ID.
      Rename or drop one of them.

      not_a_csv: open-quote.csv has a quoted field that is never closed, in the row that begins "1,85123A,\\"A,6,12/1/2010 8:26,2.55,17850,France\\r\\n".
      Close the quote, or double it ("") where it is meant as text.

      not_a_csv: open-quote-in-header.csv begins "\\"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPr"; expected a header with columns separated by comma, semicolon or tab.

      not_a_csv: endless-quote.csv has a quoted field that is never closed, in the row that begins "2,85123A,\\"A,6,12/1/2010 8:26,2.55,17850,France\\r\\nxxxxxxxxxxxx".
      Close the quote, or double it ("") where it is meant as text."
    `);
  });
});
