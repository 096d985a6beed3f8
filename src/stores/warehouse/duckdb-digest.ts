// The digest of model/digest.ts in SQL, once for `sales` and once for the lake's lines.
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DayDigest } from '../../model/digest.ts';

/**
 * One row a day: day, lines, amount_e4, hash. `relation` has the columns of `sales` that a line consists of.
 * chr(31) joins the fields and chr(30) stands for null, as in model/digest.ts.
 */
export function digestSql(relation: string): string {
  return `
    SELECT strftime(invoice_date, '%Y-%m-%d') AS day, count(*) AS lines,
      sum(CAST(CAST(amount AS DECIMAL(38, 4)) * 10000 AS HUGEINT)) AS amount_e4, sum(CAST(line_hash AS HUGEINT)) AS hash
    FROM (SELECT invoice_date, amount, ${LINE_HASH} AS line_hash FROM ${relation})
    GROUP BY day
    ORDER BY day`;
}

/** The first 15 hexadecimal digits of the MD5 of a line's text, as a number. */
const LINE_HASH = `CAST('0x' || left(md5(concat_ws(chr(31),
  invoice_no, line_id, stock_code, coalesce(description, chr(30)), CAST(quantity AS VARCHAR),
  strftime(invoice_date, '%Y-%m-%dT%H:%M:%S'), CAST(CAST(unit_price * 10000 AS BIGINT) AS VARCHAR),
  coalesce(customer_id, chr(30)), country)), 15) AS BIGINT)`;

/** Runs digestSql(). */
export async function dayDigests(connection: DuckDBConnection, sql: string): Promise<DayDigest[]> {
  const reader = await connection.runAndReadAll(sql);
  return reader.getRows().map(([day, lines, amountE4, hash]) => ({
    day: String(day),
    lines: Number(lines),
    amountE4: BigInt(String(amountE4)),
    hash: BigInt(String(hash)),
  }));
}
