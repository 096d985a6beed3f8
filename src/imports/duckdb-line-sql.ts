// From the text of rows to lines, in SQL: the strict forms that DuckDB reads by itself.
//
// What a line is, stands in model/read-line.ts. What is read here is read there the same (a test holds that); what is not,
// is not `ok` and goes there. So this may be narrower than that rule, never wider.
import type { Field } from '../model/columns.ts';
import type { DateOrder } from '../model/dates.ts';
import { lineLimits as limits } from '../model/line.ts';
import { sqlText } from '../stores/warehouse/duckdb-session.ts';
import type { ReadColumn, Reading } from './import.ts';

/** Rows as text, before anything is made of them. */
export interface RawRows {
  /** SQL of a relation. */
  readonly from: string;
  /** Its columns, one for each of the reading's. */
  readonly columns: readonly string[];
  /** SQL of what must hold beside for a row to be read here. */
  readonly condition?: string;
  /** Columns that are not ours hold JSON, not text. */
  readonly isJson?: true;
  /** What the door is given of a row, where that is not its columns. */
  readonly whole?: readonly string[];
}

/** Columns of a line, as staged. */
const LINE_COLUMNS =
  'invoice_no, line_id, stock_code, description, quantity, invoice_date, unit_price, customer_id, country, extra';

/** Control characters, blanks that JavaScript trims and SQL does not, and what stands for bytes that are no text. */
const SUSPECT =
  '[\\x00-\\x1f\\x7f\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}]';

/** LINE_COLUMNS and `ok` of every row, in the order of the rows. */
export function linesSql(raw: RawRows, { columns, dateOrder }: Pick<Reading, 'columns' | 'dateOrder'>): string {
  const given = (field: Field): string | undefined => {
    const index = columns.findIndex((column) => column.field === field);
    return index < 0 ? undefined : raw.columns[index];
  };
  const of = (field: Field): string => given(field) ?? 'NULL::VARCHAR';
  const text = (field: Field): string => trimmed(of(field));
  const lineId = given('lineId');
  const extra = extraSql(raw, columns);
  const conditions = [
    'NOT suspect',
    filled('invoice_no', limits.invoiceNoBytesMax),
    filled('stock_code', limits.stockCodeBytesMax),
    atMost('description', limits.descriptionBytesMax),
    `abs(quantity) <= ${limits.quantityMax}`,
    `year(invoice_date) BETWEEN ${limits.yearMin} AND ${limits.yearMax}`,
    `abs(unit_price) <= ${limits.unitPriceMax}`,
    `abs(quantity * CAST(unit_price AS DOUBLE)) <= ${limits.amountMax}`,
    atMost('customer_id', limits.customerIdBytesMax),
    filled('country', limits.countryBytesMax),
    ...(lineId === undefined ? [] : ['line_id IS NOT NULL']),
    ...(extra === null ? [] : [`strlen(extra) <= ${limits.extraBytesMax}`]),
    ...(raw.condition === undefined ? [] : ['fits']),
  ];
  return `
    SELECT ${LINE_COLUMNS}, coalesce(${conditions.join(' AND ')}, false) AS ok
    FROM (
      SELECT ${text('invoiceNo')} AS invoice_no, ${lineId === undefined ? 'NULL::VARCHAR' : lineIdSql(lineId)} AS line_id,
        ${text('stockCode')} AS stock_code, ${text('description')} AS description, ${quantitySql(of('quantity'))} AS quantity,
        ${dateSql(of('invoiceDate'), dateOrder)} AS invoice_date, ${priceSql(of('unitPrice'))} AS unit_price,
        ${customerSql(text('customerId'))} AS customer_id, ${text('country')} AS country,
        ${extra ?? 'NULL::VARCHAR'} AS extra,
        regexp_matches(concat(${TEXTS.map(of).join(', ')}${extra === null ? '' : `, ${extra}`}), ${sqlText(SUSPECT)}) AS suspect
        ${raw.condition === undefined ? '' : `, ${raw.condition} AS fits`}
      FROM ${raw.from}
    )`;
}

/** Blanks around it are rare, and looking for them costs a quarter of trim(). */
function trimmed(column: string): string {
  return `CASE WHEN starts_with(${column}, ' ') OR ends_with(${column}, ' ') THEN nullif(trim(${column}), '')
    ELSE nullif(${column}, '') END`;
}

const TEXTS = ['invoiceNo', 'stockCode', 'description', 'customerId', 'country'] as const;

function filled(column: string, bytesMax: number): string {
  return `strlen(${column}) <= ${bytesMax}`; // null where it is empty
}

function atMost(column: string, bytesMax: number): string {
  return `coalesce(strlen(${column}) <= ${bytesMax}, true)`;
}

/** As lineId is padded in read-line.ts; null where it is no number. */
function lineIdSql(column: string): string {
  const digits = `coalesce(nullif(ltrim(trim(${column}), '0'), ''), '0')`;
  return `CASE WHEN regexp_full_match(trim(${column}), '[0-9]{1,18}')
    THEN CASE WHEN strlen(${digits}) < 6 THEN lpad(${digits}, 6, '0') ELSE ${digits} END END`;
}

/** A cast alone would round 1.5 and take 1e3. */
function quantitySql(column: string): string {
  return `CASE WHEN regexp_full_match(${column}, ' *[+-]?[0-9]{1,8}([.]0*)? *') THEN TRY_CAST(${column} AS INTEGER) END`;
}

function priceSql(column: string): string {
  return `CASE WHEN regexp_full_match(${column}, ' *[+-]?[0-9]{1,7}([.][0-9]{0,4})? *')
    THEN TRY_CAST(${column} AS DECIMAL(18, 4)) END`;
}

function customerSql(text: string): string {
  return `CASE WHEN contains(${text}, '.') THEN regexp_replace(${text}, '^([0-9]+)[.]0+$', '\\1') ELSE ${text} END`;
}

const ISO = '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?';
const ISO_FORMATS = ['%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%S', '%Y-%m-%d %H:%M', '%Y-%m-%dT%H:%M'];
const NUMBERS = '[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{4} [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?';
const SEPARATORS = ['/', '-', '.'];

function dateSql(column: string, order: DateOrder | null): string {
  const orders = { 'month-first': ['%m', '%d'], 'day-first': ['%d', '%m'] } as const;
  const numbers =
    order === null
      ? ''
      : `WHEN regexp_full_match(${column}, ${sqlText(NUMBERS)}) THEN try_strptime(${column}, ${formatList(
          SEPARATORS.flatMap((separator) => {
            const day = [...orders[order], '%Y'].join(separator);
            return [`${day} %H:%M`, `${day} %H:%M:%S`];
          }),
        )})`;
  return `CASE ${numbers} WHEN regexp_full_match(${column}, ${sqlText(ISO)})
    THEN try_strptime(${column}, ${formatList(ISO_FORMATS)}) END`;
}

function formatList(formats: readonly string[]): string {
  return `[${formats.map(sqlText).join(', ')}]`;
}

/** What is not ours, as the door keeps it: every column's text by its name, or what JSON says. null: all columns are ours. */
function extraSql({ columns: texts, isJson }: RawRows, columns: readonly ReadColumn[]): string | null {
  const members = columns.flatMap(({ name, field }, index) => {
    if (field !== null && field !== 'extra') return [];
    return [`${sqlText(name)}, ${isJson === true ? texts[index] : `coalesce(${texts[index]}, '')`}`];
  });
  return members.length === 0 ? null : `CAST(json_object(${members.join(', ')}) AS VARCHAR)`;
}
