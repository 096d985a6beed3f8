// DuckDB alone, with its own defaults: a CSV into a table of a fresh file. A process of its own, as it is for one import.
import { DuckDBInstance } from '@duckdb/node-api';
import { answerParent } from './children.mjs';

const TOTALS = 'SELECT count(*)::VARCHAR, sum(Quantity * UnitPrice::DECIMAL(18, 4))::VARCHAR FROM sales';

answerParent({
  async import({ file, database }) {
    const instance = await DuckDBInstance.create(database);
    const connection = await instance.connect();
    const cpuBefore = process.cpuUsage();
    const startMs = performance.now();
    await connection.run(`CREATE TABLE sales AS SELECT * FROM read_csv('${file}', encoding = 'latin-1')`);
    const seconds = (performance.now() - startMs) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    const [totals] = (await connection.runAndReadAll(TOTALS)).getRows();
    connection.closeSync();
    instance.closeSync();
    const [lines, revenue] = totals.map(Number);
    return { lines, revenue, seconds, cpuSeconds: (user + system) / 1e6 };
  },
});
