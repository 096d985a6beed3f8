// `tillstream sales`, `tillstream products` and `tillstream query`: what the warehouse knows, for a person.
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { type Command, Option } from 'commander';
import { TillstreamError } from '../model/errors.ts';
import type { ProductFigures, ProductsAnswer, QueryAnswer, SalesAnswer, SalesFigures } from './answers.ts';
import { ask } from './connection.ts';
import { findPlatform } from './find-platform.ts';
import { program } from './invocation.ts';
import { type CommonOptions, newCommand, period, whole, withPlatform } from './options.ts';
import { err, out, outJson, palette, screenWidth } from './screen.ts';
import { bar, type Column, facts, table } from './table.ts';
import { counted, grouped, money } from './text.ts';

const PERIODS = ['hour', 'day', 'month', 'year'];

interface RangeOptions extends CommonOptions {
  readonly from?: string;
  readonly to?: string;
}

function withRange(command: Command): Command {
  return command
    .option('--from <date>', 'first moment, inclusive, e.g. 2011-01-01', period('from'))
    .option('--to <date>', 'end, exclusive', period('to'));
}

interface SalesOptions extends RangeOptions {
  readonly by: string;
  readonly country?: string;
}

export function salesCommand(): Command {
  return withPlatform(
    withRange(
      newCommand('sales', {
        summary: 'shows sales by hour, day, month or year',
        description: 'Shows sales by hour, day, month or year: revenue net of cancellations, orders, units, customers.',
        again: 'Reads only: run it as often as you like.',
        examples: [
          { command: 'sales', does: 'month by month' },
          { command: 'sales --by day --from 2011-11-01 --to 2011-12-01', does: 'the days of a month' },
          { command: 'sales --by hour --from 2011-11-11 --to 2011-11-12', does: 'the hours of a day' },
          { command: 'sales --country France --json', does: 'for a program' },
        ],
      }).addOption(new Option('--by <period>', 'length of a period').choices(PERIODS).default('month')),
    ).option('--country <name>', 'of one country only'),
  ).action(async ({ by, from, to, country, ...options }: SalesOptions) => {
    const query = { by, from, to, country };
    const sales = await ask<SalesAnswer>(findPlatform(options), '/v1/analytics/sales', { query, has: 'periods' });
    if (options.json === true) return outJson(sales);
    if (sales.periods.length === 0) return err(noSales(query));
    out(salesScreen(sales, screenWidth()));
  });
}

interface Asked {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly country?: string | undefined;
}

function noSales({ from, to, country }: Asked): string {
  const where = country === undefined ? '' : ` in ${country}`;
  const when = from === undefined && to === undefined ? ' yet' : ' in that time';
  const spelt = `Countries are spelt as in the data: ${program()} query "SELECT DISTINCT country FROM sales"\n`;
  return `No sales${where}${when}.\n${country === undefined ? '' : spelt}`;
}

const BAR_LEAST = 12;
const BAR_MOST = 40;

const figures: readonly { readonly title: string; readonly of: (sum: SalesFigures) => string }[] = [
  { title: 'Revenue', of: ({ revenue }) => money(revenue) },
  { title: 'Cancelled', of: ({ cancelled }) => money(cancelled) },
  { title: 'Orders', of: ({ orders }) => grouped(Math.round(orders)) },
  { title: 'Units', of: ({ units }) => grouped(Math.round(units)) },
  { title: 'Customers', of: ({ customers }) => grouped(Math.round(customers)) },
];
/** A picture of the revenue says more than these, where there is no room for both. */
const givingWay = [[], ['Cancelled'], ['Cancelled', 'Units'], ['Cancelled', 'Units', 'Customers']];

function salesScreen(answer: SalesAnswer, width: number): string {
  for (const missing of givingWay) {
    const shown = figures.filter(({ title }) => !missing.includes(title));
    const plain = salesTable(answer, shown, width, 0);
    const room = width - 2 - Math.max(...plain.split('\n').map((line) => stripVTControlCharacters(line).length));
    if (room >= BAR_LEAST) return salesTable(answer, shown, width, Math.min(room, BAR_MOST));
  }
  return salesTable(answer, figures, width, 0);
}

/** @param barWidth 0 for none */
function salesTable(answer: SalesAnswer, shown: typeof figures, width: number, barWidth: number): string {
  const { bold, dim } = palette(process.stdout);
  const { by, periods, totals, average } = answer;
  const largest = Math.max(...periods.map(({ revenue }) => revenue));
  const row = (name: string, sum: SalesFigures, picture = ''): string[] => [
    name,
    ...shown.map(({ of }) => of(sum)),
    picture,
  ];
  const rows = [
    ...periods.map((each) => row(periodName(by, each.period), each, bar(each.revenue, largest, barWidth))),
    row(counted(periods.length, by), totals),
    row('on average', average),
  ];
  const columns: Column[] = [
    { title: capitalised(by) },
    ...shown.map(({ title }) => ({ title, right: true })),
    { title: '' },
  ];
  return table(columns, rows, {
    width,
    totalsFrom: periods.length,
    paintTitles: dim,
    paintRow: (line, index) => (index >= periods.length ? bold(line) : line),
  });
}

function capitalised(word: string): string {
  return `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

function periodName(by: string, name: string): string {
  if (by === 'day') return `${name} ${weekdays[new Date(`${name}T00:00:00Z`).getUTCDay()] ?? ''}`;
  return by === 'hour' ? `${name.replace('T', ' ')}:00` : name;
}

interface ProductsOptions extends RangeOptions {
  readonly rank: string;
  readonly limit: number;
  readonly by?: string;
}

export function productsCommand(): Command {
  return withPlatform(
    withRange(
      newCommand('products', {
        summary: 'shows the most sold products',
        description: 'Shows the most sold products, by units or by revenue, net of cancellations.',
        again: 'Reads only: run it as often as you like.',
        examples: [
          { command: 'products', does: 'by units, of all time' },
          { command: 'products --rank revenue --limit 20', does: '' },
          { command: 'products --by month --limit 3', does: 'the best three of every month' },
        ],
      })
        .addOption(new Option('--rank <figure>', 'what counts').choices(['units', 'revenue']).default('units'))
        .option('--limit <products>', 'products to show at most', whole(1, 1000), 10)
        .addOption(new Option('--by <period>', 'anew for every period').choices(PERIODS)),
    ),
  ).action(async ({ rank, limit, by, from, to, ...options }: ProductsOptions) => {
    const query = { rank, limit, by, from, to };
    const answer = await ask<ProductsAnswer>(findPlatform(options), '/v1/analytics/products', {
      query,
      has: by === undefined ? 'products' : 'periods',
    });
    if (options.json === true) return outJson(answer);
    const groups = answer.periods ?? [{ period: '', products: answer.products ?? [] }];
    if (groups.every(({ products }) => products.length === 0)) return err(noSales(query));
    out(productsScreen(groups, by, screenWidth()));
  });
}

function productsScreen(
  groups: readonly { readonly period: string; readonly products: readonly ProductFigures[] }[],
  by: string | undefined,
  width: number,
): string {
  const { bold, dim } = palette(process.stdout);
  const columns: Column[] = [
    ...(by === undefined ? [] : [{ title: capitalised(by) }]),
    { title: '', right: true },
    { title: 'Product' },
    { title: 'Description', flexible: true },
    { title: 'Units', right: true },
    { title: 'Orders', right: true },
    { title: 'Revenue', right: true },
  ];
  const rows = groups.flatMap(({ period: name, products }) =>
    products.map((product, index) => [
      ...(by === undefined ? [] : [index === 0 ? periodName(by, name) : '']),
      grouped(index + 1),
      product.stockCode,
      product.description ?? '',
      grouped(product.units),
      grouped(product.orders),
      money(product.revenue),
    ]),
  );
  const firsts = new Set<number>();
  if (by !== undefined) for (const [index, row] of rows.entries()) if (row[0] !== '') firsts.add(index);
  return table(columns, rows, {
    width,
    paintTitles: dim,
    paintRow: (line, row) => (firsts.has(row) ? bold(line) : line),
  });
}

export function queryCommand(): Command {
  return withPlatform(
    newCommand('query', {
      summary: 'runs one SELECT on the warehouse',
      description:
        'Runs one SELECT on the warehouse: the table sales (a row a line) and the views invoices, customers, products, sales_by_day and more.',
      again: 'Nothing can be changed with it: run it as often as you like.',
      examples: [
        { command: 'query "SELECT country, sum(amount) FROM sales GROUP BY 1 ORDER BY 2 DESC"', does: '' },
        { command: 'query "SHOW TABLES"', does: 'what there is' },
        { command: 'query - < question.sql', does: 'from a file' },
      ],
    }).argument('<sql>', 'the SELECT; - reads it from standard input'),
  ).action(async (argument: string, options: CommonOptions) => {
    const sql = argument === '-' ? readFileSync(0, 'utf8') : argument;
    if (sql.trim() === '') throw new TillstreamError('wrong_usage', 'the query is empty.');
    const answer = await ask<QueryAnswer>(findPlatform(options), '/v1/query', {
      method: 'POST',
      body: { sql },
      has: 'rows',
    });
    if (options.json === true) return outJson(answer);
    out(queryScreen(answer, screenWidth()));
    const rows = counted(answer.rows.length, 'row');
    err(answer.truncated ? `\n  The first ${rows}; there are more. Narrow it down, or add LIMIT.\n` : `\n  ${rows}\n`);
  });
}

const NUMERIC = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL|DOUBLE|FLOAT|REAL|NUMERIC)/i;

const QUERY_COLUMN_LEAST = 8;

/** Numbers as they are: whether 2011 is a year or a count is known to who asked. */
function queryScreen({ columns, rows }: QueryAnswer, width: number): string {
  const { bold, dim } = palette(process.stdout);
  // Side by side so many columns would say nothing: each row is then a list of its own.
  if (columns.length * (QUERY_COLUMN_LEAST + 2) > width) {
    return rows
      .map((row, index) => {
        const pairs = columns.map(({ name }, column): [string, string] => [name, cell(row[column])]);
        return `${bold(`Row ${grouped(index + 1)}`)}\n${facts(pairs)}`;
      })
      .join('\n');
  }
  return table(
    columns.map(({ name, type }) => ({ title: name, right: NUMERIC.test(type), flexible: !NUMERIC.test(type) })),
    rows.map((row) => row.map(cell)),
    { width, paintTitles: dim },
  );
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
