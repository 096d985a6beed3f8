// A quote that nobody meant: the row that has it is a line or a reject, and takes no other row with it. On a real DuckDB.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DuckDbStager } from '../../src/imports/duckdb-stager.ts';
import { sniff } from '../../src/imports/sniff.ts';
import { stageFiles } from '../../src/imports/stage.ts';

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';

let directory: string;
let stager: DuckDbStager;
beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'tillstream-stray-quotes-'));
  const spillDirectory = path.join(directory, 'spill');
  stager = await DuckDbStager.open({ spillDirectory, memoryLimitMb: 200, continued: [] });
});
afterAll(() => {
  stager.close();
  rmSync(directory, { recursive: true, force: true });
});

test.each([
  ['before a blank', ['"6" nail', 'plain', '"LARGE, RED"', '"x"']],
  ['before a letter', ['"6"x', 'plain', '"LARGE, RED"', '"x"']],
  ['in several rows', ['"6"x', 'plain', '"7"y', '"x"', 'plain']],
  ['within a field', ['6" nail', 'plain', '"x"', '7"']],
])('a stray quote %s costs no row', async (name, descriptions) => {
  const rows = descriptions.map((text, index) => `${index + 1},A,${text},1,12/21/2010 8:26,1,17850,France\n`);
  const workDirectory = path.join(directory, name);
  mkdirSync(workDirectory);
  const file = path.join(workDirectory, 'shop.csv');
  writeFileSync(file, `${HEADER}\n${rows.join('')}`);
  const none = { options: {}, dateOrder: null, parquetColumns: async () => [], unpacked: async (at: string) => at };
  const { reading } = await sniff(file, { name: 'shop.csv', ...none });
  const staged = await stageFiles(stager, {
    directory: workDirectory,
    workDirectory,
    files: [{ name: 'shop.csv', path: file, reading }],
    timeZone: 'UTC',
    receivedAt: 1,
    source: 'import:20261123-k7mq',
    onProgress: () => undefined,
    checkpoint: async () => undefined,
  });
  expect([staged.rows, staged.lines, staged.rejected]).toEqual([rows.length, rows.length, 0]);
});
