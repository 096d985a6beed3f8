// What SQL from outside may say: one SELECT over the warehouse's tables, and nothing that reaches past them.
//
// The statement is judged by DuckDB's own syntax tree, never by its text. The locked configuration already keeps files out
// of reach, but not the warehouse's own file, batches on their way in, or settings, which show paths of the machine.
import type { DuckDBConnection, DuckDBExtractedStatements, DuckDBPreparedStatement } from '@duckdb/node-api';
import { StatementType } from '@duckdb/node-api';
import { TillstreamError } from '../../model/errors.ts';
import { placeIn, readFailure } from './duckdb-failure.ts';

/** Longer than what BI tools write; short enough that parsing it is nothing. */
const SQL_LENGTH_MAX = 100_000;

/** Table functions that make rows from their arguments alone; all others are refused. */
const TABLE_FUNCTIONS = new Set(['range', 'generate_series', 'unnest', 'json_each', 'json_tree']);

/** Scalar functions that show or change what is not the query's business, run SQL of their own, or do nothing but wait. */
const REFUSED_FUNCTIONS = new Set([
  'current_setting',
  'getenv',
  'getvariable',
  'json_execute_serialized_sql',
  'json_serialize_plan',
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
]);
const GROWN_LENGTH_MAX = 10_000;

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
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (Array.isArray(node)) waiting.push(...node);
    else if (isObject(node)) {
      checkNode(node, sql);
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
    const sizeIndex = GROWING_FUNCTIONS.get(name);
    if (sizeIndex !== undefined && !isSmall(node.children, sizeIndex)) {
      throw refused(`${name}() takes a plain number up to ${GROWN_LENGTH_MAX} for a length here.`, placeOf(node, sql));
    }
  }
}

/** Whether arguments that say how large a value is to be are numbers, and small ones. */
function isSmall(children: unknown, sizeIndex: number): boolean {
  const sizes = Array.isArray(children) ? children.slice(sizeIndex) : [];
  return sizes.every((child: unknown, index) => {
    const constant = isObject(child) && isObject(child.value) ? child.value.value : undefined;
    return typeof constant === 'number'
      ? Math.abs(constant) <= GROWN_LENGTH_MAX
      : index > 0 && typeof constant === 'string';
  });
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
