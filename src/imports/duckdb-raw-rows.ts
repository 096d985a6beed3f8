// The rows of a slice as text in columns, for each form of file.
import type { Field } from '../model/columns.ts';
import { sqlText } from '../stores/warehouse/duckdb-session.ts';
import type { RawRows } from './duckdb-line-sql.ts';
import type { ReadColumn, Reading } from './import.ts';
import type { Slice } from './stager.ts';

/** A record longer than this is no row of a shop, and is refused before it gets here. */
const ROW_BYTES_MAX = 2 ** 21;

export function rawRows(slice: Slice, reading: Reading): RawRows {
  const { columns } = reading;
  switch (slice.kind) {
    case 'csv':
      return csvRows(slice, columns, reading.delimiter ?? ',');
    case 'ndjson':
      return ndjsonRows(slice, columns);
    case 'parquet':
      return parquetRows(slice, columns);
  }
}

/** Strict: what it does not read is brought into form first. */
function csvRows(
  { file, newline, isMarked }: Extract<Slice, { kind: 'csv' }>,
  columns: readonly ReadColumn[],
  delimiter: string,
): RawRows {
  const names = columns.map((_, index) => `c${index}`);
  const types = [...names, ...(isMarked ? [MARK] : [])].map((name) => `${name}: 'VARCHAR'`);
  return {
    from: `read_csv(${sqlText(file)}, auto_detect = false, header = false, delim = ${sqlText(delimiter)}, quote = '"',
      escape = '"', new_line = ${newlineSql(newline)}, max_line_size = ${ROW_BYTES_MAX},
      parallel = false, columns = {${types.join()}})`,
    columns: names,
    ...(isMarked ? { condition: `${MARK} IS NULL` } : {}),
  };
}

const MARK = 'mark';

function newlineSql(newline: '\n' | '\r\n'): string {
  return newline === '\n' ? "'\\n'" : "'\\r\\n'";
}

/**
 * Of a JSON number, which text fields take as it is written in one way alone: without point, sign or exponent, and no longer than
 * JavaScript reads to the last digit.
 */
const LOOKS_OTHERWISE = '-?[0-9]+[.eE][0-9.eE+-]*|-[0-9]+|[0-9]{16,}';
/** A customer's id may be one that a data frame has made a fraction of. */
const CUSTOMER = '[0-9]{1,15}[.]0+';

/** A value that both write alike: null, text, a number of few digits. */
function asJsonSays(name: string): string {
  return `(${name} IS NULL OR starts_with(${name}, '"') OR regexp_full_match(${name},
    'null|0|-?[1-9][0-9]{0,14}|-?(0|[1-9][0-9]{0,8})[.][0-9]{0,3}[1-9]'))`;
}

function ndjsonRows({ file, newline }: Extract<Slice, { kind: 'ndjson' }>, columns: readonly ReadColumn[]): RawRows {
  const names = columns.map((_, index) => `c${index}`);
  const keys = `[${columns.map(({ name }) => sqlText(name)).join()}]`;
  const structure = `{${columns.map(({ name, field }) => `${JSON.stringify(name)}:"${isOurs(field) ? 'VARCHAR' : 'JSON'}"`).join()}}`;
  const placed = columns.map(({ field }, index) => ({ field, name: `c${index}` }));
  const texts = placed.filter(({ field }) => isText(field) || field === 'customerId' || field === 'lineId');
  const country = columns.findIndex(({ field }) => field === 'country');
  return {
    from: `(
      SELECT line, json, ${names.map((name, index) => `struct_extract_at(members, ${index + 1}) AS ${name}`).join()}
      FROM (
        SELECT line, json, from_json(json, ${sqlText(structure)}) AS members
        FROM (SELECT line, TRY_CAST(line AS JSON) AS json FROM read_csv(${sqlText(file)}, auto_detect = false,
          header = false, delim = '\x01', quote = '', escape = '', new_line = ${newlineSql(newline)}, max_line_size = ${ROW_BYTES_MAX},
          parallel = false, columns = {line: 'VARCHAR'}))
      )
    )`,
    columns: names,
    isJson: true,
    whole: ['line'],
    condition: [
      `json_keys(json) = ${keys}`,
      // Nested values, true and false: the door says what becomes of them.
      "NOT regexp_matches(line, '^.+[{\\[]|:\\s*(true|false)')",
      ...texts.map(({ field, name }) => {
        const isFraction = field === 'customerId' ? `regexp_full_match(${name}, '${CUSTOMER}') OR ` : '';
        return `coalesce(${isFraction}NOT regexp_full_match(${name}, '${LOOKS_OTHERWISE}'), true)`;
      }),
      ...placed.filter(({ field }) => !isOurs(field)).map(({ name }) => asJsonSays(name)),
      ...(country < 0 ? [] : [`NOT coalesce(regexp_full_match(c${country}, '[0-9]+'), false)`]),
    ].join(' AND '),
  };
}

function parquetRows(
  { file, start, end }: Extract<Slice, { kind: 'parquet' }>,
  columns: readonly ReadColumn[],
): RawRows {
  const names = columns.map((_, index) => `c${index}`);
  const texts = columns.map(({ name, field }, index) => `${parquetText(sqlName(name), field)} AS ${names[index]}`);
  return {
    from: `(SELECT ${texts.join()} FROM read_parquet(${sqlText(file)}, file_row_number = true)
      WHERE file_row_number >= ${start} AND file_row_number < ${end})`,
    columns: names,
  };
}

/** A number that stands for text is whole, also where spreadsheets and data frames have made a fraction of it. */
function parquetText(name: string, field: Field | null): string {
  const text = `CAST(${name} AS VARCHAR)`;
  if (field === null) return text;
  // Data frames say NaN for nothing; decimals are written with all the places of their type.
  const ending = isText(field) || field === 'lineId' ? '[.]0+$' : '([.][0-9]*[1-9])0+$';
  const kept = ending.startsWith('(') ? '\\1' : '';
  return `CASE WHEN NOT regexp_matches(typeof(${name}), '^(FLOAT|DOUBLE|DECIMAL)') THEN ${text}
    WHEN ${text} <> 'nan' THEN regexp_replace(${text}, '${ending}', '${kept}') END`;
}

function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function isOurs(field: Field | null): boolean {
  return field !== null && field !== 'extra';
}

function isText(field: Field | null): boolean {
  return field === 'invoiceNo' || field === 'stockCode' || field === 'description' || field === 'country';
}
