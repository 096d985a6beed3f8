// A rejected row of a file, brought back in once it is corrected: under the number that it had, as a new version.
import { fieldOf } from '../model/columns.ts';
import type { DateOrder } from '../model/dates.ts';
import { type Refusal, TillstreamError } from '../model/errors.ts';
import type { Extra, Line } from '../model/line.ts';
import { LineReader } from '../model/read-line.ts';
import { renaming } from './judge.ts';
import type { QuarantinedRow } from './rejects.ts';

/** Fields of a row by the names of its file's columns, or ours. */
export type Correction = Readonly<Record<string, unknown>>;

export interface CorrectedRow {
  readonly line: Line;
  readonly extra: Extra | undefined;
}

/** What the quarantine holds of a rejected row. @throws unusable_record */
export function rowOf(data: Buffer): QuarantinedRow {
  try {
    return JSON.parse(data.toString('utf8'));
  } catch (cause) {
    throw new TillstreamError('unusable_record', 'The entry does not hold a row of a file.', { cause });
  }
}

/** The line that a row is with its correction, or why it still is none. Names are as its file's reading has them. */
export function correctedRow(
  row: QuarantinedRow,
  correction: Correction,
  timeZone: string,
): CorrectedRow | { readonly refusal: Refusal } {
  const { columns, dateOrder } = row.reading;
  const reader = new LineReader(timeZone, dateOrder as DateOrder | null);
  const values = { ...row.columns, ...inColumns(correction, columns) };
  const read = reader.read(renaming({ columns })(values));
  if ('refusal' in read) return read;
  const { line, extra } = read;
  if (line.lineId === '') line.lineId = lineIdOf(row, line);
  return { line, extra };
}

/** A correction may name a field as we do, where the file has another name for it. */
function inColumns(correction: Correction, columns: QuarantinedRow['reading']['columns']): Record<string, unknown> {
  const named: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(correction)) {
    const field = columns.some((column) => column.name === name) ? undefined : fieldOf(name);
    const column = field === undefined ? undefined : columns.find((each) => each.field === field);
    named[column?.name ?? name] = value;
  }
  return named;
}

/** The number it had; where it turns out to be of another invoice, an id that no other line has. */
function lineIdOf({ import: id, row, invoiceNo, lineId }: QuarantinedRow, line: Line): string {
  return lineId !== null && line.invoiceNo === invoiceNo ? lineId : `row:${id}-${row}`;
}
