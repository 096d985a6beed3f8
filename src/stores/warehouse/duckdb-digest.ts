// The digest of model/digest.ts in SQL, once for `sales` and once for the lake's lines.
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DayDigest } from '../../model/digest.ts';

// chr(31) joins the fields and chr(30) stands for null, as in model/digest.ts; the first 15 hexadecimal digits are a BIGINT.
const LINE_HASH = `CAST('0x' || left(md5(concat_ws(chr(31),
  invoice_no, line_id, stock_code, coalesce(description, chr(30)), CAST(quantity AS VARCHAR),
  strftime(invoice_date, '%Y-%m-%dT%H:%M:%S'), CAST(CAST(unit_price * 10000 AS BIGINT) AS VARCHAR),
  coalesce(customer_id, chr(30)), country)), 15) AS BIGINT)`;

/** What a line adds to its day, as columns of a SELECT over the columns of `sales`. */
export const DIGEST_COLUMNS = `CAST(invoice_date AS DATE) AS day, amount, ${LINE_HASH} AS line_hash`;

/** By day, in order. `relation` is SQL for a table that has the columns of `sales`. */
export function digestOf(connection: DuckDBConnection, relation: string): Promise<DayDigest[]> {
  return sumDigests(connection, `(SELECT ${DIGEST_COLUMNS} FROM ${relation})`);
}

/** By day, in order. `relation` is SQL for a table that has DIGEST_COLUMNS. */
export async function sumDigests(connection: DuckDBConnection, relation: string): Promise<DayDigest[]> {
  const reader = await connection.runAndReadAll(`
    SELECT strftime(day, '%Y-%m-%d'), count(*), sum(CAST(CAST(amount AS DECIMAL(38, 4)) * 10000 AS HUGEINT)),
      sum(CAST(line_hash AS HUGEINT))
    FROM ${relation}
    GROUP BY day
    ORDER BY day`);
  return reader.getRows().map(([day, lines, amountE4, hash]) => ({
    day: String(day),
    lines: Number(lines),
    amountE4: BigInt(String(amountE4)),
    hash: BigInt(String(hash)),
  }));
}
