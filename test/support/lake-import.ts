// An import as the lake has it: a manifest, parts in Parquet, and the file that it was made from.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Line } from '../../src/model/line.ts';
import { amountE4 } from '../../src/model/money.ts';
import { sqlText } from '../../src/stores/warehouse/duckdb-session.ts';

/** µs since 1970: of all lines of an import. */
export const IMPORTED_AT = 1_800_000_000_000_000;

export interface LakeImport {
  readonly id: string;
  /** The lines of each part; all of them are written. */
  readonly parts: readonly (readonly Line[])[];
  /** Default: all. */
  readonly partsCommitted?: number;
  /** Default: done. */
  readonly state?: string;
  /** Default: IMPORTED_AT. */
  readonly receivedAt?: number;
}

/** @param lake its directory */
export async function putImport(lake: string, { id, parts, receivedAt = IMPORTED_AT, ...more }: LakeImport) {
  const directory = path.join(lake, 'imports', id);
  await mkdir(directory, { recursive: true });
  const source = Buffer.from(`the file of ${id}\n`);
  await writeFile(path.join(directory, 'source-001'), source);
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    const rows = path.join(directory, 'rows.ndjson');
    const text = parts.flatMap((lines, index) =>
      lines.map((line, position) =>
        rowText(line, { receivedAt, number: numberOf(index), position, source: `import:${id}` }),
      ),
    );
    await writeFile(rows, text.join(''));
    await connection.run(`
      CREATE TABLE rows AS SELECT * FROM read_json(${sqlText(rows.replace(/[[*?]/g, '[$&]'))},
        format = 'newline_delimited', columns = {
          invoice_no: 'VARCHAR', line_id: 'VARCHAR', stock_code: 'VARCHAR', description: 'VARCHAR', quantity: 'INTEGER',
          invoice_date: 'TIMESTAMP', unit_price: 'DECIMAL(18,4)', customer_id: 'VARCHAR', country: 'VARCHAR',
          amount: 'DECIMAL(18,4)', received_at: 'BIGINT', sequence: 'VARCHAR', position: 'BIGINT', source: 'VARCHAR',
          extra: 'VARCHAR'})`);
    await rm(rows);
    for (const index of parts.keys()) {
      const part = path.join(directory, `part-${numberOf(index)}.parquet`);
      await connection.run(
        `COPY (SELECT * FROM rows WHERE sequence = '${numberOf(index)}') TO ${sqlText(part)} (FORMAT parquet)`,
      );
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
  const { partsCommitted = parts.length, state = 'done' } = more;
  const files = [{ name: 'may.csv', object: 'source-001', bytes: source.length }];
  await writeFile(path.join(directory, 'manifest.json'), JSON.stringify({ id, state, partsCommitted, files }));
}

function numberOf(index: number): string {
  return String(index + 1).padStart(6, '0');
}

/** The version of an imported line. */
interface Placed {
  readonly receivedAt: number;
  /** Of the part. */
  readonly number: string;
  readonly position: number;
  readonly source: string;
}

function rowText(line: Line, { receivedAt, number, position, source }: Placed): string {
  return `${JSON.stringify({
    invoice_no: line.invoiceNo,
    line_id: line.lineId,
    stock_code: line.stockCode,
    description: line.description,
    quantity: line.quantity,
    invoice_date: line.invoiceDate.replace('T', ' '),
    unit_price: line.unitPrice.toFixed(4),
    customer_id: line.customerId,
    country: line.country,
    amount: (amountE4(line) / 10_000).toFixed(4),
    received_at: receivedAt,
    sequence: number,
    position,
    source,
    extra: null,
  })}\n`;
}
