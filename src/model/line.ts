// The canonical line: the unit of everything, the same inside and in every answer.
import type { Static } from 'typebox';
import type { LineSchema } from './line-schema.ts';

/**
 * The limits of a line, each for its reason:
 * - texts: in UTF-8 bytes, as Redshift counts VARCHAR; keys stay far below LMDB's 1,978 and DynamoDB's 1,024 bytes.
 * - quantity, price, amount: a sum of a thousand million of the largest amounts still fits DuckDB's HUGEINT, a single one
 *   (10^15 ten-thousandths) an exact JavaScript number.
 * - lines: an invoice is one value in LMDB (about 2 MB at the limit) and one page of answers.
 * - extra: what we keep but do not understand must not outgrow what we do.
 */
export const lineLimits = {
  invoiceNoBytesMax: 32,
  lineIdBytesMax: 256,
  stockCodeBytesMax: 64,
  descriptionBytesMax: 1000,
  customerIdBytesMax: 64,
  countryBytesMax: 64,
  quantityMax: 10_000_000,
  unitPriceMax: 1_000_000,
  amountMax: 100_000_000_000,
  yearMin: 1900,
  yearMax: 2099,
  linesPerInvoiceMax: 10_000,
  extraBytesMax: 2048,
} as const;

export type Line = Static<typeof LineSchema>;

/** Unknown fields of the input, kept. */
export type Extra = Readonly<Record<string, unknown>>;

/**
 * What orders two forms of the same line. Compared in this order.
 * `receivedAt`: µs since 1970, never going back on one machine. `sequence`: fixed-width text, so that it orders as text.
 * `position`: of the line in its request (or file).
 */
export interface Version {
  readonly receivedAt: number;
  readonly sequence: string;
  readonly position: number;
}

/** A line as it was accepted: what the stream carries and every store takes. */
export interface AcceptedLine extends Line, Version {
  /** Where it came from: `api`, `replay`, `import:<id>`. */
  readonly source: string;
  readonly extra?: Extra;
}

/** Below zero when `a` is older than `b`, zero for the same version. */
export function compareVersions(a: Version, b: Version): number {
  if (a.receivedAt !== b.receivedAt) return a.receivedAt - b.receivedAt;
  if (a.sequence !== b.sequence) return a.sequence < b.sequence ? -1 : 1;
  return a.position - b.position;
}
