// The columns of a file, and what they mean: by the names that we know, and by what its owner says of them.
import { parse } from 'csv-parse/sync';
import { type Field, fieldOf, requiredFields } from '../model/columns.ts';
import { csvDelimiters, lenientCsv } from '../model/csv.ts';
import { TillstreamError } from '../model/errors.ts';
import type { ImportOptions, Question, ReadColumn } from './import.ts';
import { firstFilledRecordEnd, type RecordForm, recordRanges } from './records.ts';
import { REJECTS_COLUMNS } from './rejects.ts';

/** A header or a first row longer than this is none. */
export const HEAD_BYTES = 2 ** 20;
const NDJSON_LINES = 1000;

interface Header {
  readonly delimiter: string;
  readonly names: readonly string[];
}

/**
 * The delimiter is the one by which the header has the most columns that we know.
 * @param head the first HEAD_BYTES of the text, or all of it
 */
export function csvHeader(head: Buffer, name: string, map: ImportOptions['map']): Header {
  const wanted = new Set(Object.values(map ?? {}));
  let best: { delimiter: string; names: string[]; known: number } | null = null;
  for (const delimiter of csvDelimiters) {
    const names = headerBy(delimiter, head);
    const known = names.filter((column) => fieldOf(column.trim()) !== undefined || wanted.has(column.trim())).length;
    const isBetter = best === null || known > best.known || (known === best.known && names.length > best.names.length);
    if (isBetter) best = { delimiter, names, known };
  }
  if (best !== null) refuseEndless(head, name, { delimiter: best.delimiter });
  if (best === null || (best.known === 0 && best.names.length <= 1)) {
    const begins = JSON.stringify(head.toString('utf8', 0, 240).trimStart().slice(0, 60).split('\n')[0]);
    throw new TillstreamError(
      'not_a_csv',
      `${name} begins ${begins}; expected a header with columns separated by comma, semicolon or tab.`,
    );
  }
  refuseRejects(best.names, name);
  return { delimiter: best.delimiter, names: distinct(best.names) };
}

/** Of its first lines: what comes later alone is kept beside. */
export function keysOf(head: Buffer, name: string): string[] {
  refuseEndless(head, name, null);
  const keys = new Set<string>();
  let lines = 0;
  for (const [start, end] of recordRanges(head, null)) {
    if (lines >= NDJSON_LINES) break;
    lines += 1;
    for (const key of Object.keys(objectOf(head.toString('utf8', start, end)))) keys.add(key);
  }
  if (keys.size > 0) return [...keys];
  throw new TillstreamError('not_a_csv', `${name} begins like NDJSON, but holds no JSON objects, one a line.`);
}

/** Empty for a line that is no JSON object. */
export function objectOf(line: string): object {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

function refuseEndless(head: Buffer, name: string, form: RecordForm): void {
  if (head.length < HEAD_BYTES || firstFilledRecordEnd(head, form) >= 0) return;
  const begins = JSON.stringify(head.toString('utf8', 0, 60).split('\n')[0]);
  throw new TillstreamError(
    'not_a_csv',
    `${name} begins ${begins}, and its first row does not end within ${HEAD_BYTES.toLocaleString('en-GB')} bytes.`,
    { hint: 'Rows end with LF or CRLF; a quote that is opened has to be closed.' },
  );
}

/** Its rows stand in quarantine under numbers that they would lose here. */
function refuseRejects(names: readonly string[], name: string): void {
  if (names.slice(-REJECTS_COLUMNS.length).join() !== REJECTS_COLUMNS.join()) return;
  throw new TillstreamError(
    'wrong_usage',
    `${name} holds the rejects of an import: imported, its rows would be numbered anew, beside those in quarantine.`,
    { hint: `Bring them back in with: tillstream quarantine redrive --from ${name}` },
  );
}

function headerBy(delimiter: string, head: Buffer): string[] {
  const end = firstFilledRecordEnd(head, { delimiter });
  try {
    return parse(head.toString('utf8', 0, end < 0 ? head.length : end), { ...lenientCsv, delimiter, to: 1 })[0] ?? [];
  } catch {
    return []; // by this delimiter it makes no sense
  }
}

/** Every column gets a name of its own. */
function distinct(names: readonly string[]): string[] {
  const columns: string[] = [];
  for (const name of names) {
    const wanted = name.trim() || `column${columns.length + 1}`;
    const isTaken = columns.includes(wanted) && fieldOf(wanted) === undefined;
    columns.push(isTaken ? `${wanted}_${columns.length + 1}` : wanted);
  }
  return columns;
}

/**
 * A column that is named for a field frees the one that would mean it otherwise.
 * @throws invalid_parameter  a column that is named is not there, or named twice
 * @throws duplicate_field
 */
export function mapped(
  name: string,
  names: readonly string[],
  map: Readonly<Partial<Record<Field, string>>>,
): readonly ReadColumn[] {
  const wanted = wantedColumns(name, names, map);
  const taken = new Set(wanted.values());
  const columns = names.map((column): ReadColumn => {
    const own = fieldOf(column);
    const field = wanted.get(column) ?? (own === undefined || taken.has(own) || own === 'extra' ? null : own);
    return { name: column, field };
  });
  const twice = columns.find(
    ({ field }, index) => field !== null && columns.findIndex((each) => each.field === field) < index,
  );
  if (twice === undefined) return columns;
  const first = columns.find(({ field }) => field === twice.field)?.name;
  throw new TillstreamError(
    'duplicate_field',
    `${name} has two columns for the same thing: ${first} and ${twice.name}.`,
    {
      hint:
        first === twice.name
          ? 'Rename or drop one of them.'
          : `Say which one it is: --map ${twice.field}=${twice.name}`,
    },
  );
}

function wantedColumns(
  name: string,
  names: readonly string[],
  map: Readonly<Partial<Record<Field, string>>>,
): ReadonlyMap<string, Field> {
  const wanted = new Map<string, Field>();
  for (const [field, column] of Object.entries(map) as [Field, string][]) {
    const found = names.find((each) => each === column) ?? names.find((each) => sameName(each, column));
    const details = { field: 'map', value: `${field}=${column}` };
    // Of several files of one import, others may be the ones that have it.
    if (found === undefined && names.some((each) => fieldOf(each.trim()) === field)) continue;
    if (found === undefined) {
      const message = `${name} has no column ${column}. It has ${names.join(', ')}.`;
      throw new TillstreamError('invalid_parameter', message, details);
    }
    const other = wanted.get(found);
    if (other !== undefined) {
      const message = `Column ${found} is named for both ${other} and ${field}; it can be one of them.`;
      throw new TillstreamError('invalid_parameter', message, details);
    }
    wanted.set(found, field);
  }
  return wanted;
}

export function sameName(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}

/** null: there are all that a line needs. */
export function missingColumns(file: string, columns: readonly ReadColumn[]): Question | null {
  const missing = requiredFields.filter((field) => !columns.some((column) => column.field === field));
  return missing.length === 0 ? null : { kind: 'columns', file, missing, columns: columns.map(({ name }) => name) };
}
