// Rows that spoil the form of a file: each is a line or a reject, and takes no other row with it. On a real DuckDB.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DuckDbStager } from '../../src/imports/duckdb-stager.ts';
import type { Reject } from '../../src/imports/import.ts';
import { REJECTS } from '../../src/imports/parts.ts';
import { sniff } from '../../src/imports/sniff.ts';
import { stageFiles } from '../../src/imports/stage.ts';

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';

let directory: string;
let stager: DuckDbStager;
beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'tillstream-spoiled-rows-'));
  const spillDirectory = path.join(directory, 'spill');
  stager = await DuckDbStager.open({ spillDirectory, memoryLimitMb: 200, continued: [] });
});
afterAll(() => {
  stager.close();
  rmSync(directory, { recursive: true, force: true });
});

async function staged(name: string, rows: readonly Buffer[]) {
  const workDirectory = path.join(directory, name);
  mkdirSync(workDirectory);
  const file = path.join(workDirectory, 'shop.csv');
  writeFileSync(file, Buffer.concat([Buffer.from(`${HEADER}\n`), ...rows]));
  const none = {
    options: {},
    isAlone: true,
    parquetColumns: async () => [],
    unpacked: async (at: string) => at,
  };
  const { reading } = await sniff(file, { name: 'shop.csv', ...none });
  const { lines, rejected } = await stageFiles(stager, {
    directory: workDirectory,
    workDirectory,
    files: [{ name: 'shop.csv', path: file, reading, bytes: statSync(file).size }],
    timeZone: 'UTC',
    receivedAt: 1,
    source: 'import:20261123-k7mq',
    onProgress: () => undefined,
    checkpoint: async () => undefined,
  });
  const rejects = readFileSync(path.join(workDirectory, REJECTS), 'utf8').split('\n').slice(0, -1);
  return { lines, rejected, rejects: rejects.map((line): Reject => JSON.parse(line)) };
}

const row = (index: number, description: string) =>
  Buffer.from(`${index + 1},A,${description},1,12/21/2010 8:26,1,17850,France\n`);

test.each([
  ['before a blank', ['"6" nail', 'plain', '"LARGE, RED"', '"x"']],
  ['before a letter', ['"6"x', 'plain', '"LARGE, RED"', '"x"']],
  ['in several rows', ['"6"x', 'plain', '"7"y', '"x"', 'plain']],
  ['within a field', ['6" nail', 'plain', '"x"', '7"']],
])('a stray quote %s costs no row', async (name, descriptions) => {
  const { lines, rejected } = await staged(
    name,
    descriptions.map((text, index) => row(index, text)),
  );
  expect([lines, rejected]).toEqual([descriptions.length, 0]);
});

test.each([
  ['first', 0],
  ['middle', 2],
  ['last', 4],
])('a quote that is never closed, in the %s row, makes a reject of that row alone', async (name, at) => {
  const rows = ['a', 'b', 'c', 'd', 'e'].map((text, index) => row(index, index === at ? `"${text}` : text));
  const { lines, rejected, rejects } = await staged(name, rows);
  expect([lines, rejected]).toEqual([4, 1]);
  expect(rejects).toMatchObject([
    {
      code: 'open_quote',
      row: at + 1,
      text: rows[at]?.toString().trimEnd(),
      invoiceNo: String(at + 1),
    },
  ]);
});

test('a row with bytes that are no text, in a file that is UTF-8, is a reject', async () => {
  const broken = Buffer.from('3,A,CAF\xc9,1,12/21/2010 8:26,1,17850,France\n', 'latin1');
  const { lines, rejected, rejects } = await staged('no text', [row(0, 'É É É'), row(1, 'b'), broken, row(3, 'd')]);
  expect([lines, rejected]).toEqual([3, 1]);
  expect(rejects).toMatchObject([{ code: 'invalid_text', row: 3 }]);
});

test('a delimiter too many is a reject', async () => {
  const { lines, rejected, rejects } = await staged('too many', [row(0, 'a'), row(1, 'b,b'), row(2, '"c"x')]);
  expect([lines, rejected, rejects[0]?.code, rejects[0]?.invoiceNo]).toEqual([2, 1, 'surplus_fields', '2']);
});
