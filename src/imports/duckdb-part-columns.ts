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

/**
 * In three statements: each is one turn of this thread, which may be busy writing the part before.
 * @param from SQL for a relation with the columns of a part, its lines as LineColumns wants them
 */
export async function readColumns(connection: DuckDBConnection, from: string): Promise<LineColumns> {
  await connection.run(
    TEXTS.map(
      ([name, column]) => `
        DROP TYPE IF EXISTS ${name}_texts;
        CREATE TEMP TYPE ${name}_texts AS ENUM (SELECT DISTINCT ${column} FROM ${from} WHERE ${column} IS NOT NULL);`,
    ).join(''),
  );
  const dictionaries = await connection.runAndReadAll(
    `SELECT ${TEXTS.map(([name]) => `enum_range(NULL::${name}_texts)::VARCHAR[]`).join()}`,
  );
  const values = dictionaries.getRowsJS()[0] as string[][];
  const lines = await connection.run(`
    SELECT ${TEXTS.map(([name, column]) => `CAST(coalesce(enum_code(CAST(${column} AS ${name}_texts)) + 1, 0) AS UINTEGER)`).join()},
      ${NUMBERS.map(([, expression]) => expression).join()}
    FROM ${from}`);
  const count = lines.rowCount;
  // Code 0 stands for none; those of DuckDB begin with 0.
  const codes = TEXTS.map(() => new Uint32Array(count));
  const numbers = NUMBERS.map(() => new Float64Array(count));
  for (let index = 0, at = 0; index < lines.chunkCount; index += 1) {
    const chunk = lines.getChunk(index);
    for (const [each, column] of [...codes, ...numbers].entries()) {
      copyItems(chunk.getColumnVector(each), column, at);
    }
    at += chunk.rowCount;
  }
  const texts = TEXTS.map(([name], index): [string, TextColumn] => [
    name,
    { codes: codes[index] ?? new Uint32Array(), values: [null, ...(values[index] ?? [])] },
  ]);
  const columns = [...texts, ...NUMBERS.map(([name], index) => [name, numbers[index]] as const)];
  return { count, ...Object.fromEntries(columns) } as LineColumns;
}

/** The vector's memory is the column: no item becomes an object. */
function copyItems(vector: DuckDBVector, column: Uint32Array | Float64Array, at: number): void {
  const { items } = vector as DuckDBVector & { readonly items: Uint32Array & Float64Array };
  column.set(items, at);
}
