// What POST /v1/query takes and answers.
import Type, { type Static } from 'typebox';
import { json } from '../docs/operation.ts';
import type { SelectLimits } from '../stores/warehouse/warehouse.ts';

/** An answer is one JSON document in memory; more rows are for a BI tool. */
export const selectLimits: SelectLimits = { rowsMax: 10_000, timeoutMs: 30_000 };
const SQL_CHARACTERS_MAX = 100_000;

const query = {
  sql: 'SELECT country, count(*) AS lines, sum(amount) AS revenue FROM sales GROUP BY country ORDER BY revenue DESC',
};
export const QueryBody = Type.Object(
  { sql: Type.String({ minLength: 1, maxLength: SQL_CHARACTERS_MAX }) },
  { examples: [query] },
);

const Rows = Type.Object({
  columns: Type.Array(Type.Object({ name: Type.String(), type: Type.String({ description: 'As DuckDB calls it.' }) })),
  rows: Type.Array(Type.Array(Type.Unknown()), {
    maxItems: selectLimits.rowsMax,
    description: 'Values in order of the columns. DECIMAL and HUGEINT are text, so that no digit is lost.',
  }),
  truncated: Type.Boolean({
    description: `More than ${selectLimits.rowsMax.toLocaleString('en-US')} rows were there.`,
  }),
});
const rows: Static<typeof Rows> = {
  columns: [
    { name: 'country', type: 'VARCHAR' },
    { name: 'lines', type: 'BIGINT' },
    { name: 'revenue', type: 'DECIMAL(38,4)' },
  ],
  rows: [['France', 3, '25.2500']],
  truncated: false,
};

export const operation = {
  config: { access: 'read', problems: ['invalid_sql', 'query_too_long'] },
  schema: {
    operationId: 'query',
    summary: 'One SELECT on everything',
    description:
      'On the table `sales` (a row a line) and the views `invoices`, `customers`, `products`, `sales_by_hour`, `sales_by_day`, `sales_by_month`, `sales_by_year`. ' +
      `Nothing can be changed by it. At most ${selectLimits.rowsMax.toLocaleString('en-US')} rows, within ${selectLimits.timeoutMs / 1000} seconds.`,
    tags: ['Analytics'],
    body: QueryBody,
    response: { 200: json('The rows.', Rows, { rows: { summary: 'Of the example', value: rows } }) },
  },
} as const;
