// NDJSON, Parquet and huge rows as other programs write them: what is a line stays one, what is not costs no other row.
import { expect, test } from 'vitest';
import { staged, writtenByDuckDb } from './staging.ts';

const line = (invoiceNo: string, more = '') =>
  `{"InvoiceNo":"${invoiceNo}","StockCode":"a","Quantity":1,"InvoiceDate":"2010-12-01T08:26:00","UnitPrice":2.5,"Country":"UK"${more}}`;

const bytes = (...parts: readonly (string | Buffer)[]) => Buffer.concat(parts.map((part) => Buffer.from(part)));

test.each<[name: string, file: string | Buffer, lines: string[], rejects: [row: number, code: string, text: string][]]>(
  [
    ['all with CRLF', `${line('1')}\r\n${line('2')}\r\n`, ['1', '2'], []],
    [
      'some with CRLF',
      `${line('1')}\r\n${line('2')}\n\n${line('3')}\r\n7\n`,
      ['1', '2', '3'],
      [[5, 'not_an_object', '7']],
    ],
    ['with empty lines', `${line('1')}\n\n${line('2')}\n7\n`, ['1', '2'], [[4, 'not_an_object', '7']]],
    [
      'with bytes that are no text',
      bytes(`${line('1', ',"Description":"é é"')}\n{"a":"`, Buffer.of(0xe9), `"}\n${line('3')}\n`),
      ['1', '3'],
      [[2, 'invalid_text', '{"a":"\ufffd"}']],
    ],
    [
      'with a control character',
      `${line('1')}\n{"a\u0001":1}\n${line('3')}\n`,
      ['1', '3'],
      [[2, 'not_an_object', '{"a\u0001":1}']],
    ],
  ],
)('NDJSON %s', async (_name, file, lines, rejects) => {
  const found = await staged([file]);
  expect(found.lines.map(({ invoiceNo }) => invoiceNo)).toEqual(lines);
  expect(found.rejects.map(({ row, code, text }) => [row, code, text])).toEqual(rejects);
});

test.each([
  ['CSV', ['InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,Country', '1,a,1,12/13/2010 8:26,1,UK'], '"x"y'],
  ['NDJSON', [line('1')], ''],
])('a row of megabytes in %s is a reject, and takes no other row with it', async (_name, rows, more) => {
  const file = [...rows, 'x'.repeat(3e6) + more, rows.at(-1)].join('\n');
  const { staged: totals, rejects } = await staged([file]);
  expect(totals).toMatchObject({ lines: 2, rejected: 1 });
  expect(rejects).toMatchObject([{ row: 2, code: 'invalid_text' }]);
});

const TYPES = {
  InvoiceNo: "'1'",
  StockCode: "'a'",
  Quantity: '6::DECIMAL(38, 18)',
  InvoiceDate: "TIMESTAMP '2010-12-01 08:26:00'",
  UnitPrice: '2.5::DECIMAL(38, 18)',
  CustomerID: "'nan'::DOUBLE",
  Country: "'UK'",
};

test('Parquet with decimals of all places and NaN for no customer', async () => {
  const columns = Object.entries(TYPES).map(([name, sql]) => `${sql} AS "${name}"`);
  const file = await writtenByDuckDb(`COPY (SELECT ${columns.join()}) TO $out (FORMAT parquet)`);
  const { lines, rejects } = await staged([file]);
  expect(rejects).toEqual([]);
  expect(lines).toMatchObject([{ quantity: 6, unitPrice: 2.5, customerId: null }]);
});
