// Rows of CSV files as our commands and imports read and write them.
import type { Refusal } from './errors.ts';

const NONE: readonly string[] = [];

/**
 * Brings the fields of a row to the width of its header, and gives back what is left: spreadsheets leave empty fields out at the
 * end, or add some.
 */
export function toWidth(fields: string[], width: number): readonly string[] {
  while (fields.length < width) fields.push('');
  const hasSurplus = fields.length > width && fields.slice(width).some((field) => field !== '');
  const surplus = hasSurplus ? fields.slice(width) : NONE;
  fields.length = width;
  return surplus;
}

export function surplusFields(width: number, surplus: readonly string[]): Refusal {
  return {
    code: 'surplus_fields',
    field: null,
    value: (surplus.find((field) => field !== '') ?? '').slice(0, 200),
    message: `The row has more fields than the ${width} columns of the header; quote a field that holds the delimiter.`,
  };
}

/** A row, its line break included; quoted where it must be for any of our delimiters. */
export function csvLine(fields: readonly string[], delimiter = ','): string {
  return `${fields.map(csvField).join(delimiter)}\n`;
}

function csvField(field: string): string {
  return /^\s|\s$|[",;|\t\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
