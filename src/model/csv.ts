// Rows of CSV files as our commands and imports read and write them.
import type { Refusal } from './errors.ts';

/** The one by which a header has the most columns that we know is that of the file. */
export const csvDelimiters = [',', ';', '\t', '|'] as const;

/** For csv-parse. RFC 4180, lenient as spreadsheets are: a quote only counts at the start of a field, lines end with LF or CRLF. */
export const lenientCsv = {
  record_delimiter: ['\n', '\r\n'],
  relax_quotes: true,
  relax_column_count: true,
  skip_empty_lines: true,
};

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
  return /[",;|\t\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
