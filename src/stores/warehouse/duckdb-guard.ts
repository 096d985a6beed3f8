// What SQL from outside may say: one SELECT over the warehouse's tables, and nothing that reaches past them.
//
// The statement is judged by DuckDB's own syntax tree, never by its text. The locked configuration already keeps files out
// of reach, but not the warehouse's own file, batches on their way in, or settings, which show paths of the machine.
//
// Bounded: values that one call makes large, alone or one inside the other. Not bounded: what many steps let grow (replace,
// concat, string_agg, a recursive CTE that doubles its text). DuckDB's memory limit and the time limit, which interrupts
// between rows but not within the making of one value, stop most of those, with best effort.
import type { DuckDBConnection, DuckDBExtractedStatements, DuckDBPreparedStatement } from '@duckdb/node-api';
import { StatementType } from '@duckdb/node-api';
import { TillstreamError } from '../../model/errors.ts';
import { placeIn, readFailure } from './duckdb-failure.ts';

/** Longer than what BI tools write; short enough that parsing it is nothing. */
const SQL_LENGTH_MAX = 100_000;

/** Table functions that make rows from their arguments alone; all others are refused. */
const TABLE_FUNCTIONS = new Set(['range', 'generate_series', 'unnest', 'json_each', 'json_tree']);

/**
 * Scalar functions that show or change what is not the query's business, run SQL of their own, do nothing but wait, or make
 * a value as wide as a text says: format('{:1000000000}', 1).
 */
const REFUSED_FUNCTIONS = new Set([
  'bitstring',
  'current_setting',
  'format',
  'getenv',
  'getvariable',
  'json_execute_serialized_sql',
  'json_serialize_plan',
  'printf',
  'sleep_ms',
  'write_log',
]);

/**
 * Scalar functions that make a large value of small ones, by the first argument that says how large. A single value is
 * neither counted against the memory limit nor interrupted: repeat('x', 1e9) took 3 GB and 20 s.
 */
const GROWING_FUNCTIONS = new Map([
  ['repeat', 1],
  ['lpad', 1],
  ['rpad', 1],
  ['bar', 1],
  ['list_resize', 1],
  ['array_resize', 1],
  ['range', 0],
  ['generate_series', 0],
  ['reservoir_quantile', 2],
]);
const GROWN_LENGTH_MAX = 10_000;

/** Of those, the ones whose length multiplies what they are given; the others make as much as they say. */
const MULTIPLYING_FUNCTIONS = new Set(['repeat', 'list_resize', 'array_resize', 'range', 'generate_series']);

/** Of all lengths of a query multiplied, as if each call were inside of the next: repeat(repeat('x', 10000), 10000). */
const GROWN_PRODUCT_MAX = 10_000_000;

/** Views of DuckDB's own that show paths, settings or the log. Tables and columns are in information_schema. */
const REFUSED_TABLES = /^(duckdb_|pragma_|pg_settings$)/;

/**
 * The statement, prepared on the connection. The caller destroys it.
 * @throws invalid_sql  it is something else than one SELECT that may be run; DuckDB's own errors as they are
 */
export async function prepareSelect(connection: DuckDBConnection, sql: string): Promise<DuckDBPreparedStatement> {
  if (sql.length > SQL_LENGTH_MAX) {
    throw refused(`The query has ${sql.length} characters; at most ${SQL_LENGTH_MAX} are taken.`);
  }
  const statements = await extract(connection, sql);
  if (statements.count !== 1) throw refused(`One SELECT is taken at a time; these are ${statements.count} statements.`);
  await checkTree(connection, sql);
  const statement = await statements.prepare(0);
  if (statement.statementType !== StatementType.SELECT) throw refused(NOT_A_SELECT);
  return statement;
}

async function extract(connection: DuckDBConnection, sql: string): Promise<DuckDBExtractedStatements> {
  try {
    return await connection.extractStatements(sql);
  } catch (error) {
    // The binding has no words for text that holds nothing but space and comments.
    if (readFailure(error).kind === 'unknown') throw refused('There is no statement in this query.');
    throw error;
  }
}

const NOT_A_SELECT = 'Only SELECT can be run here: the warehouse is read-only.';

async function checkTree(connection: DuckDBConnection, sql: string): Promise<void> {
  const answer = await connection.runAndReadAll(
    'SELECT json_serialize_sql($1::VARCHAR, skip_null := true, skip_empty := true, skip_default := true)',
    [sql],
  );
  const tree: unknown = JSON.parse(String(answer.getRows()[0]?.[0]));
  if (!isObject(tree) || tree.error !== false) throw refused(NOT_A_SELECT);
  // Not by recursion: a query may be nested deeper than the stack is.
  const waiting: unknown[] = [tree];
  let product = 1;
  let longest = 1;
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (Array.isArray(node)) waiting.push(...node);
    else if (isObject(node)) {
      checkNode(node, sql);
      const length = lengthOf(node);
      if (MULTIPLYING_FUNCTIONS.has(text(node.function_name))) product *= Math.max(1, length);
      else longest = Math.max(longest, length);
      if (product * longest > GROWN_PRODUCT_MAX) {
        throw refused(
          `The lengths that this query asks for come to more than ${GROWN_PRODUCT_MAX}, multiplied.`,
          placeOf(node, sql),
        );
      }
      // A table function makes its rows one by one: it has been judged as such, its arguments have not.
      const { function: called, ...rest } = node;
      waiting.push(...Object.values(rest), isObject(called) ? called.children : called);
    }
  }
}

function checkNode(node: Record<string, unknown>, sql: string): void {
  if (node.type === 'TABLE_FUNCTION') {
    const name = isObject(node.function) ? text(node.function.function_name) : '';
    if (!TABLE_FUNCTIONS.has(name))
      throw refused(`The table function ${name}() cannot be used here.`, placeOf(node, sql));
  } else if (node.type === 'BASE_TABLE') {
    const name = text(node.table_name);
    const schema = text(node.schema_name);
    if (schema === 'tillstream' || REFUSED_TABLES.test(name) || /[/\\:*?]|\.[a-z]+$/.test(name)) {
      throw refused(`"${name}" cannot be read here: only the warehouse's tables and views can.`, placeOf(node, sql));
    }
  } else if (node.class === 'FUNCTION') {
    const name = text(node.function_name);
    if (REFUSED_FUNCTIONS.has(name)) throw refused(`The function ${name}() cannot be used here.`, placeOf(node, sql));
    if (lengthOf(node) > GROWN_LENGTH_MAX) {
      throw refused(`${name}() takes a plain number up to ${GROWN_LENGTH_MAX} for a length here.`, placeOf(node, sql));
    }
  }
}

/** What a call of a growing function says of how large its value is to be; endless unless in plain numbers; else 0. */
function lengthOf(node: Record<string, unknown>): number {
  const sizeIndex = node.class === 'FUNCTION' ? GROWING_FUNCTIONS.get(text(node.function_name)) : undefined;
  if (sizeIndex === undefined) return 0;
  const sizes: unknown[] = Array.isArray(node.children) ? node.children.slice(sizeIndex) : [];
  let length = 0;
  for (const [index, child] of sizes.entries()) {
    const constant = isObject(child) && isObject(child.value) ? child.value.value : undefined;
    if (typeof constant === 'number') length = Math.max(length, Math.abs(constant));
    // What to fill with.
    else if (index === 0 || typeof constant !== 'string') return Number.POSITIVE_INFINITY;
  }
  return length;
}

function placeOf(node: Record<string, unknown>, sql: string): string {
  return typeof node.query_location === 'number' ? ` (${placeIn(sql, node.query_location)})` : '';
}

function refused(message: string, place = ''): TillstreamError {
  return new TillstreamError('invalid_sql', message + place, {
    hint: 'The tables and views are sales, invoices, customers, products, sales_by_day, top_products_by_day and others of schema public.',
  });
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.toLowerCase() : '';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
