// Lines of the stream as DuckDB reads them: NDJSON in files, with the sequence, which only the stream knows, in each line.

import { lineLimits } from '../../model/line.ts';
import { jsonString } from '../../model/record.ts';
import type { LoadRecord } from './warehouse.ts';

/** A line is at most a record, 200 KB; DuckDB takes two buffers of this size for a file. */
const LINE_BYTES_MAX = 1_000_000;

// Numbers are read as JavaScript reads them, not as decimals, which would be rounded on the way. `extra` is left out.
const COLUMNS = `{
  sequence: 'VARCHAR', invoiceNo: 'VARCHAR', lineId: 'VARCHAR', stockCode: 'VARCHAR', description: 'VARCHAR',
  quantity: 'DOUBLE', invoiceDate: 'TIMESTAMP', unitPrice: 'DOUBLE', customerId: 'VARCHAR',
  country: 'VARCHAR', receivedAt: 'BIGINT', position: 'BIGINT', source: 'VARCHAR'}`;

/**
 * A table function over files, given as SQL. Strict: a line that cannot be read is an error; else it is one with nulls for
 * what cannot be read.
 */
export function readLinesSql(files: string, { strict }: { readonly strict: boolean }): string {
  return `read_json(${files}, format = 'newline_delimited', compression = 'auto_detect', ignore_errors = ${!strict},
    maximum_object_size = ${LINE_BYTES_MAX}, columns = ${COLUMNS})`;
}

/** Those two, typed as in `sales`; null for what no column of `sales` holds. */
export function typedNumbersSql(quantity: string, unitPrice: string) {
  return {
    quantity: `TRY_CAST(${quantity} AS INTEGER)`,
    // Over whole ten-thousandths, as toE4() does it: the nearest decimal, whatever the binary fraction.
    unitPrice: `CAST(TRY_CAST(round(${unitPrice} * 10000) AS DECIMAL(14, 0)) * 0.0001 AS DECIMAL(18, 4))`,
  };
}

/** Whether they are what ingest lets in, exact and within the limits of a line: the rule of parseRecord(). */
export function usableNumbersSql(quantity: string, unitPrice: string): string {
  const typed = typedNumbersSql(quantity, unitPrice);
  return `coalesce(${quantity} = ${typed.quantity} AND abs(${quantity}) <= ${lineLimits.quantityMax}
    AND round(${unitPrice} * 10000) / 10000 = ${unitPrice} AND abs(${unitPrice}) <= ${lineLimits.unitPriceMax}
    AND abs(${typed.quantity} * ${typed.unitPrice}) <= ${lineLimits.amountMax}, false)`;
}

const NEWLINE = 0x0a;
const BRACE = 0x7b;
const LINE_END = Buffer.from('\n');

/**
 * Adds a record's lines to `parts`, each with the sequence in front of its fields; gives their number, or -1 when one is no
 * object. Bytes are moved, nothing is parsed.
 */
export function addSequencedLines({ sequence, data }: LoadRecord, parts: Buffer[]): number {
  const prefix = Buffer.from(`{"sequence":${jsonString(sequence)},`);
  let lines = 0;
  for (let start = 0; start < data.length; ) {
    const newline = data.indexOf(NEWLINE, start);
    const end = newline < 0 ? data.length : newline;
    if (end > start) {
      if (data[start] !== BRACE) return -1;
      parts.push(prefix, data.subarray(start + 1, end), LINE_END);
      lines += 1;
    }
    start = end + 1;
  }
  return lines;
}
