// PostgreSQL and DuckDB allow more than Redshift: what the comparison of answers cannot show, words can.
import { describe, expect, test } from 'vitest';
import { queryNames, queryText } from './queries.ts';

const REFUSED: Record<string, RegExp> = {
  QUALIFY: /\bqualify\b/i,
  'FILTER (…)': /\bfilter\s*\(/i,
  'DISTINCT ON': /\bdistinct\s+on\b/i,
  LATERAL: /\blateral\b/i,
  arrays: /\barray\b|\[|\bunnest\b|\blist_/i,
  LISTAGG: /\b(listagg|string_agg|group_concat)\b/i,
  'NVL and IFNULL; COALESCE is shared': /\b(nvl2?|ifnull|decode)\b/i,
  'DATEADD and its like; arithmetic on dates is not shared': /\b(dateadd|datediff|date_diff|date_add|interval|age)\b/i,
  'current time; pass it as a parameter': /\b(now|getdate|current_date|current_timestamp|sysdate)\b/i,
  'double colons; CAST is shared': /::/,
  'TRY_CAST, arg_max, ANY_VALUE': /\b(try_cast|arg_max|arg_min|max_by|any_value)\b/i,
  'formats of dates': /\b(to_char|strftime|date_format|format)\b/i,
  'GROUP BY ALL, EXCLUDE, USING SAMPLE': /\bgroup\s+by\s+all\b|\bexclude\b|\bsample\b/i,
  'ROLLUP, CUBE, GROUPING SETS': /\b(rollup|cube|grouping)\b/i,
  'GREATEST and LEAST treat null differently': /\b(greatest|least)\b/i,
  'LIMIT with a parameter': /\blimit\b/i,
  'division without CAST: integers divide differently': /(?<!\))\s\/\s/,
  'DESC without NULLS LAST': /\bdesc\b(?!\s+nulls\s+last)/i,
  'a function as a table': /\b(from|join)\s+\w+\s*\(/i,
  'a parameter without CAST: its type differs': /(?<!cast\()\$\d/i,
  'MERGE, RETURNING, writes': /\b(merge|returning|insert|update|delete|create)\b/i,
};

function withoutComments(sql: string): string {
  return sql.replace(/--.*$/gm, '').replace(/'[^']*'/g, "''");
}

describe('queries: in the SQL that DuckDB, PostgreSQL and Redshift share', () => {
  test.each(queryNames())('%s', (name) => {
    const sql = withoutComments(queryText(name));
    const found = Object.entries(REFUSED).filter(([, pattern]) => pattern.test(sql));
    expect(found.map(([what]) => what)).toEqual([]);
    expect(queryText(name), 'starts with the question it answers').toMatch(/^-- [A-Z]/);
  });

  test('the lint itself finds what it is to find', () => {
    const bad = 'SELECT DISTINCT ON (a) a::int, x / y FROM t ORDER BY a DESC LIMIT $1';
    const found = Object.entries(REFUSED).filter(([, pattern]) => pattern.test(bad));
    expect(found).toHaveLength(6);
  });
});
