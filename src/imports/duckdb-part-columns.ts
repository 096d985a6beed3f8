// The lines of a part in columns, for the order store: numbers as they are, texts by codes of the part's own dictionaries.
import type { DuckDBConnection, DuckDBVector } from '@duckdb/node-api';
import type { LineColumns, TextColumn } from '../stores/orders/order-store.ts';

const TEXTS = [
  ['invoiceNo', 'invoice_no'],
  ['lineId', 'line_id'],
  ['stockCode', 'stock_code'],
  ['description', 'description'],
  ['customerId', 'customer_id'],
  ['country', 'country'],
  ['sequence', '"sequence"'],
  ['source', '"source"'],
] as const;

const NUMBERS = [
  ['quantity', 'CAST(quantity AS DOUBLE)'],
  ['date', "CAST(strftime(invoice_date, '%Y%m%d%H%M%S') AS DOUBLE)"],
  ['priceE4', 'CAST(unit_price * 10000 AS DOUBLE)'],
  ['receivedAt', 'CAST(received_at AS DOUBLE)'],
  ['position', 'CAST("position" AS DOUBLE)'],
] as const;

/** @param from SQL for a relation with the columns of a part, its lines as LineColumns wants them */
export async function readColumns(connection: DuckDBConnection, from: string): Promise<LineColumns> {
  const counted = await connection.runAndReadAll(`SELECT count(*) FROM ${from}`);
  const count = Number(counted.getRows()[0]?.[0]);
  const dictionaries: (string | null)[][] = [];
  for (const [name, column] of TEXTS) {
    await connection.run(`DROP TYPE IF EXISTS ${name}_texts`);
    await connection.run(
      `CREATE TEMP TYPE ${name}_texts AS ENUM (SELECT DISTINCT ${column} FROM ${from} WHERE ${column} IS NOT NULL)`,
    );
    const values = await connection.runAndReadAll(`SELECT unnest(enum_range(NULL::${name}_texts))::VARCHAR`);
    dictionaries.push([null, ...values.getRows().map(([value]) => String(value))]);
  }
  // Code 0 stands for none; those of DuckDB begin with 0.
  const codes = TEXTS.map(() => new Uint32Array(count));
  const numbers = NUMBERS.map(() => new Float64Array(count));
  const result = await connection.stream(`
    SELECT ${TEXTS.map(([name, column]) => `CAST(coalesce(enum_code(CAST(${column} AS ${name}_texts)) + 1, 0) AS UINTEGER)`).join()},
      ${NUMBERS.map(([, expression]) => expression).join()}
    FROM ${from}`);
  for (let at = 0; ; ) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    for (const [index, column] of [...codes, ...numbers].entries()) {
      copyItems(chunk.getColumnVector(index), column, at);
    }
    at += chunk.rowCount;
  }
  const texts = TEXTS.map(([name], index): [string, TextColumn] => [
    name,
    { codes: codes[index] ?? new Uint32Array(), values: dictionaries[index] ?? [] },
  ]);
  const columns = [...texts, ...NUMBERS.map(([name], index) => [name, numbers[index]] as const)];
  return { count, ...Object.fromEntries(columns) } as LineColumns;
}

/** The vector's memory is the column: no item becomes an object. */
function copyItems(vector: DuckDBVector, column: Uint32Array | Float64Array, at: number): void {
  const { items } = vector as DuckDBVector & { readonly items: Uint32Array & Float64Array };
  column.set(items, at);
}
