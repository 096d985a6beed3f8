// SQL from outside: what it can do, and what it cannot, on a warehouse that goes on working.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DuckDbWarehouse, openDuckDbWarehouse } from '../../src/stores/warehouse/duckdb-warehouse.ts';
import { generateLines, recordsOf } from './lines.ts';

const LIMITS = { rowsMax: 1000, timeoutMs: 10_000 };

describe('warehouse (duckdb): a SELECT from outside', () => {
  let directory: string;
  let warehouse: DuckDbWarehouse;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'tillstream-select-'));
    warehouse = await openDuckDbWarehouse({
      directory,
      loadDirectory: path.join(directory, 'load'),
      memoryLimitMb: 128,
    });
    await warehouse.load(recordsOf(generateLines(7, 1000).all), { streamId: 'secret', sequence: '1' });
    await writeFile(path.join(directory, 'load', 'waiting.csv'), 'a,b\n1,2\n');
  });

  afterAll(async () => {
    await warehouse.close();
    await rm(directory, { recursive: true, force: true });
  });

  test('every type comes as the port says, with names and types of the columns', async () => {
    const answer = await warehouse.select(
      `SELECT 1::TINYINT AS small, 9007199254740991 AS safe, 9007199254740993 AS unsafe, 170141183460469231731687303715884105727 AS huge,
         0.1::DECIMAL(18,4) AS exact, 0.1::DOUBLE AS about, 'nan'::DOUBLE AS nan, 'é' AS text, true AS yes, NULL AS nothing,
         TIMESTAMP '2010-12-01 08:26:00' AS at, TIMESTAMP '2010-12-01 08:26:00.5' AS later, DATE '2010-12-01' AS day,
         [1.5::DECIMAL(4,1), NULL] AS list, {'a': 1, 'b': [DATE '2010-12-01']} AS struct, MAP {'k': 1.25} AS map,
         '\\xAA'::BLOB AS bytes, INTERVAL 1 DAY AS span, count(*) AS "count(*)", sum(1) AS sum`,
      LIMITS,
    );
    expect(answer.columns.map(({ name, type }) => `${name} ${type}`)).toMatchInlineSnapshot(`
      [
        "small TINYINT",
        "safe BIGINT",
        "unsafe BIGINT",
        "huge HUGEINT",
        "exact DECIMAL(18,4)",
        "about DOUBLE",
        "nan DOUBLE",
        "text VARCHAR",
        "yes BOOLEAN",
        "nothing INTEGER",
        "at TIMESTAMP",
        "later TIMESTAMP",
        "day DATE",
        "list DECIMAL(4,1)[]",
        "struct STRUCT("a" INTEGER, "b" DATE[])",
        "map MAP(VARCHAR, DECIMAL(3,2))",
        "bytes BLOB",
        "span INTERVAL",
        "count(*) BIGINT",
        "sum HUGEINT",
      ]
    `);
    expect(answer.rows).toMatchInlineSnapshot(`
      [
        [
          1,
          9007199254740991,
          "9007199254740993",
          "170141183460469231731687303715884105727",
          "0.1000",
          0.1,
          "NaN",
          "é",
          true,
          null,
          "2010-12-01T08:26:00",
          "2010-12-01T08:26:00.5",
          "2010-12-01",
          [
            "1.5",
            null,
          ],
          {
            "a": 1,
            "b": [
              "2010-12-01",
            ],
          },
          [
            {
              "key": "k",
              "value": "1.25",
            },
          ],
          "\\xAA",
          "1 day",
          1,
          "1",
        ],
      ]
    `);
    expect(answer.truncated).toBe(false);
  });

  const good = [
    'SELECT 1',
    'select * from sales limit 1;',
    '-- a comment\nFROM sales /* ; */ LIMIT 1 -- another',
    "WITH a AS (SELECT ';' AS x) SELECT * FROM a",
    'VALUES (1)',
    'DESCRIBE sales',
    'SUMMARIZE sales',
    'SHOW TABLES',
    'SELECT * FROM public.sales_by_day, range(3)',
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'",
    'SELECT * FROM information_schema.columns',
    'SELECT column_name, comment FROM (SELECT 1 AS column_name, 2 AS comment)',
    'SELECT unnest([1, 2])',
    "SELECT lpad(stock_code, 10, '0'), repeat('=', 20), unnest(range(3)) FROM sales",
    'SELECT count(*) FROM range(10000000)',
    'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 10) SELECT sum(n) FROM t',
  ];
  test.each(good)('can be: %s', async (sql) => {
    expect((await warehouse.select(sql, LIMITS)).rows.length).toBeGreaterThan(0);
  });

  const refused = (load: string, file: string): string[] => [
    '',
    ';',
    'SELECT 1; SELECT 2',
    'SELECT 1; DROP TABLE sales',
    // files
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM glob('/*')",
    `SELECT * FROM '${load}/waiting.csv'`,
    `SELECT * FROM "${load}/waiting.csv"`,
    `SELECT * FROM read_csv('${load}/waiting.csv')`,
    `SELECT * FROM Read_CSV_Auto('${load}/waiting.csv')`,
    `SELECT * FROM read_json('${load}/*')`,
    `SELECT * FROM glob('${load}/*')`,
    `SELECT * FROM read_blob('${file}')`,
    `SELECT (SELECT size FROM read_blob('${file}'))`,
    `SELECT * FROM sales WHERE EXISTS (FROM read_blob('${file}'))`,
    `WITH x AS (FROM read_blob('${file}')) SELECT * FROM x`,
    `SELECT * FROM sales ORDER BY (SELECT size FROM read_blob('${file}'))`,
    `SELECT 1 UNION ALL SELECT size FROM read_blob('${file}')`,
    `SELECT * FROM sales JOIN LATERAL (FROM read_blob('${file}')) ON true`,
    `DESCRIBE SELECT * FROM read_blob('${file}')`,
    `SUMMARIZE FROM read_blob('${file}')`,
    `PIVOT (FROM read_blob('${file}')) ON size USING count(*)`,
    `COPY sales TO '${load}/out.csv'`,
    `COPY (SELECT 1) TO '${load}/out.csv'`,
    `COPY sales FROM '${load}/waiting.csv'`,
    `EXPORT DATABASE '${load}/out'`,
    `ATTACH '${load}/other.duckdb'`,
    "ATTACH ':memory:' AS other",
    'DETACH warehouse',
    'INSTALL httpfs',
    'LOAD httpfs',
    // settings and internals
    'SET memory_limit = 1',
    'SET enable_external_access = true',
    'RESET lock_configuration',
    'PRAGMA database_list',
    'PRAGMA version',
    'CALL pragma_version()',
    "SELECT current_setting('temp_directory')",
    "SELECT sum(quantity) FILTER (CURRENT_SETTING('threads') = 1) FROM sales",
    'SELECT * FROM duckdb_settings()',
    'SELECT * FROM duckdb_databases',
    'SELECT * FROM pg_settings',
    'SELECT * FROM pg_catalog.pg_settings',
    'SELECT * FROM pragma_database_list',
    'SELECT * FROM duckdb_secrets()',
    'SELECT * FROM tillstream.checkpoint',
    'SELECT * FROM warehouse.tillstream.checkpoint',
    'SELECT * FROM "TILLSTREAM"."checkpoint"',
    "SELECT * FROM query_table('tillstream.checkpoint')",
    "SELECT * FROM query('DROP TABLE sales')",
    "SELECT * FROM json_execute_serialized_sql('{}')",
    "SELECT json_serialize_plan('SELECT 1')",
    "SELECT write_log('x')",
    'SELECT sleep_ms(1)',
    'FROM checkpoint()',
    'FROM force_checkpoint()',
    'CHECKPOINT',
    // values that memory cannot hold
    "SELECT repeat('x', 1000000000)",
    "SELECT repeat('x', quantity) FROM sales",
    "SELECT lpad('x', CAST('1000000000' AS INTEGER), 'y')",
    'SELECT len(range(1000000000))',
    'SELECT unnest(generate_series(1, 1000000000))',
    'SELECT * FROM range(3), unnest(range(1000000000))',
    'SELECT * FROM generate_series(1, len(range(1000000000)))',
    "SELECT format('{:1000000000}', 1)",
    "SELECT printf('%1000000000d', 1)",
    "SELECT bitstring('1', 1000000000)",
    "SELECT len(repeat(repeat('x', 10000), 10000))",
    "SELECT repeat(s, 10000) FROM (SELECT lpad('x', 10000, 'y') AS s)",
    "SELECT list_transform(range(10000), x -> repeat('x', 10000))",
    'SELECT reservoir_quantile(quantity, 0.5, 1000000000) FROM sales',
    // writing
    'DROP TABLE sales',
    'DELETE FROM sales',
    'UPDATE sales SET quantity = 0',
    'TRUNCATE sales',
    'INSERT INTO sales SELECT * FROM sales',
    'CREATE TABLE x AS SELECT 1',
    'CREATE TEMP TABLE x AS SELECT 1',
    'CREATE OR REPLACE VIEW sales_by_day AS SELECT 1',
    'CREATE MACRO f(x) AS x',
    'CREATE SECRET (TYPE s3)',
    'ALTER TABLE sales ADD COLUMN x INTEGER',
    'MERGE INTO sales USING sales AS s ON false WHEN NOT MATCHED THEN INSERT',
    'VACUUM',
    'BEGIN',
    'COMMIT',
    'COMMIT; DROP TABLE sales',
    'PREPARE x AS SELECT 1',
    'EXECUTE x',
    'USE tillstream',
    'EXPLAIN ANALYZE DELETE FROM sales',
    'SELECT $1',
    // not SQL
    'hello',
    'SELECT * FORM sales',
    `SELECT ${'('.repeat(20_000)}1${')'.repeat(20_000)}`,
    `SELECT ${'1+'.repeat(30_000)}1`,
    `SELECT '${'x'.repeat(200_000)}'`,
  ];
  test('cannot be anything else: files, settings, writes, several statements', async () => {
    const before = await warehouse.ask('sales', ['hour', null, null, null]);
    const load = path.join(directory, 'load');
    for (const sql of refused(load, path.join(directory, 'warehouse.duckdb'))) {
      const answer = await warehouse.select(sql, LIMITS).then(
        ({ rows }) => `answered with ${JSON.stringify(rows).slice(0, 100)}`,
        (error) => error.code,
      );
      expect(`${sql.slice(0, 100)} → ${answer}`).toBe(`${sql.slice(0, 100)} → invalid_sql`);
    }
    expect(await warehouse.ask('sales', ['hour', null, null, null])).toEqual(before);
    expect(await warehouse.checkpoint()).toEqual({ streamId: 'secret', sequence: '1' });
  });

  test('an error says in the database’s words what is wrong, and where', async () => {
    const messageOf = (sql: string) => warehouse.select(sql, LIMITS).catch((error) => error.message);
    expect(await messageOf('SELECT *\n  FORM sales')).toMatchInlineSnapshot(
      `"Parser Error: syntax error at or near "sales" (line 2, column 8)"`,
    );
    expect(await messageOf("SELECT 'é', amuont FROM sales")).toMatchInlineSnapshot(`
      "Binder Error: Referenced column "amuont" not found in FROM clause!
      Candidate bindings: "amount", "country", "quantity", "unit_price", "customer_id" (line 1, column 13)"
    `);
    expect(await messageOf('SELECT * FROM sale')).toMatchInlineSnapshot(`
      "Catalog Error: Table with name sale does not exist!
      Did you mean "sales"? (line 1, column 15)"
    `);
    expect(await messageOf("SELECT CAST('x' AS INTEGER)")).toMatchInlineSnapshot(
      `"Conversion Error: Could not convert string 'x' to INT32 (line 1, column 8)"`,
    );
    expect(await messageOf("SELECT 1,\n read_text('x')")).toMatchInlineSnapshot(
      `"Binder Error: Function "read_text" is a table function but it was used as a scalar function. This function has to be called in a FROM clause (similar to a table). (line 2, column 2)"`,
    );
    expect(await messageOf("SELECT *\nFROM read_text('x')")).toMatchInlineSnapshot(
      `"The table function read_text() cannot be used here. (line 2, column 6)"`,
    );
    expect(await messageOf('DELETE FROM sales')).toMatchInlineSnapshot(
      `"Only SELECT can be run here: the warehouse is read-only."`,
    );
  });

  test('a query cannot make the warehouse close and open again by what its error says', async () => {
    const forged = [
      'database has been invalidated',
      'FATAL Error: database has been invalidated',
      '{"exception_type":"FATAL","exception_message":"database has been invalidated"}',
      'x\n{"exception_type":"INTERNAL","exception_message":"x"}',
    ];
    // One that runs meanwhile would be ended by that.
    const neighbour = warehouse.digest();
    for (const message of forged) {
      const asked = warehouse.select(`SELECT error('${message}') FROM range(10)`, LIMITS);
      await expect(asked, message).rejects.toMatchObject({ code: 'invalid_sql' });
    }
    await neighbour;
  });

  const runaway = [
    'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t',
    'SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range + b.range = -1',
    'SELECT * FROM range(100000000) a, range(100000000) b WHERE a.range + b.range = -1',
    'SELECT a.range FROM range(100000000) a, range(1000) b ORDER BY random()',
  ];
  test.each(runaway)('a runaway is stopped when its time is up, and the next query answered: %s', async (sql) => {
    const failure = await warehouse.select(sql, { rowsMax: 10, timeoutMs: 300 }).catch((error) => error);
    expect(['query_too_long', 'invalid_sql']).toContain(failure.code);
    expect((await warehouse.select('SELECT 42', LIMITS)).rows).toEqual([[42]]);
  });

  test('of a huge answer the first rows come, at once, and memory stays flat', async () => {
    await warehouse.select('SELECT * FROM range(100000)', LIMITS);
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 5; round++) {
      const answer = await warehouse.select(
        'SELECT a.range, b.range, repeat($$x$$, 100) FROM range(100000000) a, range(1000) b',
        LIMITS,
      );
      expect(answer.rows).toHaveLength(1000);
      expect(answer.truncated).toBe(true);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(150e6);
  });

  test('an answer of few but long rows is cut by its size', async () => {
    const limits = { rowsMax: 100_000, timeoutMs: 10_000 };
    const answer = await warehouse.select('SELECT repeat($$x$$, 10000) FROM range(100000)', limits);
    expect(answer.truncated).toBe(true);
    expect(answer.rows.length).toBeLessThan(4000);
  });

  test('exactly as many rows as were asked for are not called truncated', async () => {
    expect(await warehouse.select('SELECT * FROM range(1000)', LIMITS)).toMatchObject({ truncated: false });
    expect(await warehouse.select('SELECT * FROM range(1001)', LIMITS)).toMatchObject({ truncated: true });
  });

  test('queries that were cut or stopped do not keep the file open', async () => {
    const own = path.join(directory, 'own');
    const options = { directory: own, loadDirectory: path.join(own, 'load') };
    const first = await openDuckDbWarehouse(options);
    await first.load(recordsOf(generateLines(8, 500).all));
    const digest = await first.digest();
    await first.select('SELECT * FROM sales, range(1000)', { rowsMax: 1, timeoutMs: 10_000 });
    await first.select(runaway[1] ?? '', { rowsMax: 1, timeoutMs: 100 }).catch(() => null);
    const running = first.select(runaway[1] ?? '', { ...LIMITS, timeoutMs: 300_000 }).catch((error) => error.code);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await first.close();
    expect(await running).toBe('unavailable');
    // The log is folded in when the last user of the file lets go of it.
    const { readdir } = await import('node:fs/promises');
    expect((await readdir(own)).sort()).toEqual(['load', 'warehouse.duckdb']);
    const second = await openDuckDbWarehouse(options);
    expect(await second.digest()).toEqual(digest);
    await second.close();
  });
});
