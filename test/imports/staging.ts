// Files staged as an import does it, without a platform: what lines and rejects they become.

import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { parse } from 'csv-parse/sync';
import { sampleCsv } from '../../src/client/sample-csv.ts';
import { ImportReader } from '../../src/imports/duckdb-import-reader.ts';
import { DuckDbStager } from '../../src/imports/duckdb-stager.ts';
import type { ImportOptions, Reject } from '../../src/imports/import.ts';
import { agreeOnDates, sniff } from '../../src/imports/sniff.ts';
import { type Staged, stageFiles } from '../../src/imports/stage.ts';
import { unpackZstd } from '../../src/imports/zstd.ts';
import type { DateOrder } from '../../src/model/dates.ts';
import { dataset } from '../support/dataset.ts';

export interface StagedLine {
  readonly invoiceNo: string;
  readonly lineId: string;
  readonly stockCode: string;
  readonly description: string | null;
  readonly quantity: number;
  readonly invoiceDate: string;
  readonly unitPrice: number;
  readonly customerId: string | null;
  readonly country: string;
  readonly extra: string | null;
}

export interface StagedFiles {
  readonly staged: Staged;
  /** In order of invoice and line. */
  readonly lines: readonly StagedLine[];
  readonly rejects: readonly Reject[];
}

export interface StagingOptions extends ImportOptions {
  readonly sliceBytes?: number;
  readonly shopDateOrder?: DateOrder;
}

/** @throws when a question is open */
export async function staged(
  files: readonly (string | Buffer)[],
  { sliceBytes, shopDateOrder, ...options }: StagingOptions = {},
): Promise<StagedFiles> {
  const directory = await mkdtemp(path.join(tmpdir(), 'tillstream-staging-'));
  const workDirectory = path.join(directory, 'work');
  await mkdir(workDirectory);
  const reader = await ImportReader.open(path.join(directory, 'spill-read'));
  const stager = await DuckDbStager.open({
    spillDirectory: path.join(directory, 'spill'),
    memoryLimitMb: 192,
    continued: [],
  });
  try {
    const sniffed = [];
    for (const [index, content] of files.entries()) {
      const name = `file-${index + 1}`;
      const file = path.join(directory, name);
      await writeFile(file, content);
      const found = await sniff(file, {
        name,
        options,
        isAlone: files.length === 1,
        parquetColumns: (each) => reader.parquetColumns(each, name),
        unpacked: async (each) => {
          await unpackZstd(each, `${each}.text`, { name, checkpoint: async () => {} });
          return `${each}.text`;
        },
      });
      const rows = found.reading.format === 'parquet' ? { rows: await reader.parquetRows(file, name) } : {};
      sniffed.push({ name, ...found, bytes: content.length, ...rows });
    }
    const agreed = agreeOnDates(sniffed, shopDateOrder ?? null);
    const asking = agreed.find(({ question }) => question !== null);
    if (asking !== undefined) throw new Error(`Asked: ${JSON.stringify(asking.question)}`);
    const result = await stageFiles(stager, {
      directory,
      workDirectory,
      files: agreed,
      timeZone: 'UTC',
      receivedAt: 1,
      source: 'import:test',
      ...(sliceBytes === undefined ? {} : { sliceBytes }),
      onProgress: () => {},
      checkpoint: async () => {},
    });
    const rejects = (await readFile(path.join(directory, 'rejects.ndjson'), 'utf8')).split('\n').slice(0, -1);
    return {
      staged: result,
      lines: await linesIn(path.join(directory, 'part-*.parquet')),
      rejects: rejects.map((line): Reject => JSON.parse(line)),
    };
  } finally {
    stager.close();
    reader.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function linesIn(parts: string): Promise<StagedLine[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(`
    SELECT invoice_no AS "invoiceNo", line_id AS "lineId", stock_code AS "stockCode", description, quantity,
      strftime(invoice_date, '%Y-%m-%dT%H:%M:%S') AS "invoiceDate", CAST(unit_price AS DOUBLE) AS "unitPrice",
      customer_id AS "customerId", country, extra
    FROM read_parquet('${parts}') ORDER BY invoice_no, line_id, stock_code, quantity`);
  const lines = reader.getRowObjectsJS() as unknown as StagedLine[];
  connection.closeSync();
  instance.closeSync();
  return lines;
}

/** Runs SQL; `$out` in it stands for a file whose bytes are answered. */
export async function writtenByDuckDb(sql: string): Promise<Buffer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'tillstream-written-'));
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    const out = path.join(directory, 'out');
    await connection.run(sql.replaceAll('$out', `'${out}'`).replaceAll('$directory', directory));
    return await readFile(out);
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Sample data as rows of text, the header first, in the columns of the data set. */
export function sampleRows(lines: number, seed = 1): string[][] {
  const csv = Buffer.concat([...sampleCsv({ lines, seed })]).toString('latin1');
  return csv
    .split('\r\n')
    .slice(0, -1)
    .map((row) =>
      [...row.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].slice(0, 8).map(([, field = '']) => unquoted(field)),
    );
}

function unquoted(field: string): string {
  return field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field;
}

/** The real data set as rows of text, the header first. */
export function realRows(): string[][] {
  if (dataset === null) throw new Error('TILLSTREAM_TEST_DATASET is not set');
  const bytes = readFileSync(dataset);
  const text = (dataset.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
  return parse(text);
}

export function csvOf(rows: readonly (readonly string[])[], delimiter = ',', newline = '\n'): string {
  const field = (text: string): string =>
    text.includes(delimiter) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  return rows.map((row) => row.map(field).join(delimiter) + newline).join('');
}
