// Names of an import's files in the lake.

export const MANIFEST = 'manifest.json';
export const REJECTS = 'rejects.ndjson';

export function importDirectory(id: string): string {
  return `imports/${id}`;
}

/** @param number from 1; also the sequence of the part's lines, in digits */
export function partName(number: number): string {
  return `part-${partSequence(number)}.parquet`;
}

/** Of the version of a part's lines: orders as text. */
export function partSequence(number: number): string {
  return String(number).padStart(6, '0');
}

/** @param number from 1 */
export function sourceName(number: number): string {
  return `source-${String(number).padStart(3, '0')}`;
}
