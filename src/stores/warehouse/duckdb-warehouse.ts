// The warehouse in one DuckDB file, for a single machine.
//
// Loads, our own questions and SELECTs from outside each have connections of their own; all see whole loads or none.
// When DuckDB gives up (a disk that is full while it writes its log ends the instance), calls fail as unavailable and the
// file is opened anew: what was committed is there. Not replicated: the lake can rebuild it.
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  type DuckDBPreparedStatement,
  type DuckDBType,
  VARCHAR,
} from '@duckdb/node-api';
import type { Checkpoint } from '../../model/checkpoint.ts';
import { TillstreamError } from '../../model/errors.ts';
import { copyDuckDbFile } from './duckdb-copy.ts';
import { digestOf } from './duckdb-digest.ts';
import { endsInstance, storeError } from './duckdb-failure.ts';
import { batchPath, loadRecords } from './duckdb-load.ts';
import { findConflicts, loadPart } from './duckdb-parts.ts';
import { readAnswer, runSelect } from './duckdb-select.ts';
import {
  closeSession,
  connect,
  type DuckDbSession,
  type DuckDbWarehouseOptions,
  openSession,
} from './duckdb-session.ts';
import { INTERRUPT_EVERY_MS, withTimeLimit } from './duckdb-time-limit.ts';
import { Turns } from './duckdb-turns.ts';
import type {
  LoadRecord,
  PartConflicts,
  QueryAnswer,
  QueryName,
  SelectLimits,
  SqlParameter,
  SqlValue,
  Warehouse,
  WarehouseDigest,
} from './warehouse.ts';

/**
 * A load, a question and a SELECT each hold one of libuv's four threads while they run. The fourth is for what else goes
 * through them: requests that come compressed, and the lake's objects.
 */
const SELECTS_AT_ONCE_MAX = 1;
const WAITING_MAX = 64;

/** Our own questions take milliseconds; one that does not must not keep the others waiting for ever. */
const QUESTION_TIMEOUT_MS = 30_000;

/** About 25 MB of products; the hours of eleven years. More than that is for a SELECT, or for a BI tool. */
const QUESTION_ROWS_MAX = 100_000;

/** Longer than a question of the dashboard takes. */
const EXCHANGE_PATIENCE_MS = 2000;

export async function openDuckDbWarehouse(options: DuckDbWarehouseOptions): Promise<DuckDbWarehouse> {
  const warehouse = new DuckDbWarehouse(options);
  await warehouse.checkpoint();
  return warehouse;
}

export class DuckDbWarehouse implements Warehouse {
  readonly #options: DuckDbWarehouseOptions;
  readonly #loads = new Turns(1, WAITING_MAX);
  readonly #questions = new Turns(1, WAITING_MAX);
  readonly #selects = new Turns(SELECTS_AT_ONCE_MAX, WAITING_MAX);
  readonly #running = new Set<Promise<unknown>>();
  readonly #endable = new Set<DuckDBConnection>();
  readonly #prepared = new Map<QueryName, DuckDBPreparedStatement>();
  #session: Promise<DuckDbSession> | null = null;
  readonly #ended = new WeakSet<DuckDbSession>();
  #closed = false;
  #batches = 0;

  constructor(options: DuckDbWarehouseOptions) {
    this.#options = options;
  }

  load(records: readonly LoadRecord[], checkpoint?: Checkpoint): Promise<void> {
    this.#batches += 1;
    const file = batchPath(this.#options.loadDirectory, this.#batches);
    return this.#loads.take(() => this.#use(({ loads }) => loadRecords(loads, file, records, checkpoint)));
  }

  loadPart(file: string): Promise<void> {
    const { loadDirectory } = this.#options;
    return this.#loads.take(() => this.#use(({ loads }) => loadPart(loads, file, loadDirectory)));
  }

  conflicts(file: string, examplesMax: number, continuedTo: string): Promise<PartConflicts> {
    const { loadDirectory } = this.#options;
    return this.#loads.take(() =>
      this.#use(({ loads }) => findConflicts(loads, file, { examplesMax, continuedTo, loadDirectory })),
    );
  }

  async checkpoint(): Promise<Checkpoint | null> {
    const [row] = await this.#question((connection) =>
      connection
        .runAndReadAll('SELECT stream_id, sequence FROM tillstream.checkpoint')
        .then((reader) => reader.getRows()),
    );
    const [streamId, sequence] = row ?? [];
    return typeof streamId === 'string' && typeof sequence === 'string' ? { streamId, sequence } : null;
  }

  async isNew(): Promise<boolean> {
    const [row] = await this.#question((connection) =>
      connection
        .runAndReadAll(
          'SELECT NOT EXISTS (FROM sales) AND NOT EXISTS (FROM tillstream.checkpoint WHERE sequence IS NOT NULL)',
        )
        .then((reader) => reader.getRows()),
    );
    return row?.[0] === true;
  }

  ask(name: QueryName, parameters: readonly SqlParameter[]): Promise<Record<string, SqlValue>[]> {
    return this.#question(async (connection, isLate) => {
      let statement = this.#prepared.get(name);
      if (statement === undefined) {
        statement = await connection.prepare(readFileSync(new URL(`queries/${name}.sql`, import.meta.url), 'utf8'));
        this.#prepared.set(name, statement);
      }
      statement.bind([...parameters], parameters.map(parameterType));
      const { columns, rows, truncated } = await readAnswer(
        connection,
        await statement.stream(),
        QUESTION_ROWS_MAX,
        isLate,
      );
      if (truncated) {
        throw new TillstreamError(
          'invalid_parameter',
          `The answer has more than ${QUESTION_ROWS_MAX} rows; ask for a shorter range or fewer products.`,
        );
      }
      return rows.map((row) => {
        const named: Record<string, SqlValue> = {};
        for (const [index, { name }] of columns.entries()) named[name] = row[index] ?? null;
        return named;
      });
    });
  }

  select(sql: string, limits: SelectLimits): Promise<QueryAnswer> {
    return this.#selects.take(() =>
      this.#use(async ({ instance }) => {
        const connection = await connect(instance);
        this.#endable.add(connection);
        return runSelect(connection, sql, limits).finally(() => this.#endable.delete(connection));
      }),
    );
  }

  digest(): Promise<WarehouseDigest> {
    // On a connection of its own: it takes a second for a million lines, and questions must not wait for it.
    return this.#use(async ({ instance }) => {
      const connection = await connect(instance);
      this.#endable.add(connection);
      try {
        await connection.run('BEGIN TRANSACTION READ ONLY'); // Of one moment, while loads go on.
        const days = await digestOf(connection, 'sales');
        const invoices = await connection.runAndReadAll('SELECT count(DISTINCT invoice_no) FROM sales');
        return { days, invoices: Number(invoices.getRows()[0]?.[0]) };
      } catch (error) {
        throw storeError(error, 'The warehouse cannot be digested');
      } finally {
        this.#endable.delete(connection);
        connection.closeSync();
      }
    });
  }

  /** Copies the file, as it is between two loads, into another directory; questions go on. */
  copyTo(directory: string): Promise<void> {
    return this.#loads.take(() => this.#use(() => copyDuckDbFile(this.#options.directory, directory)));
  }

  /**
   * Lets go of the file, has `exchange` put another one in its place, and opens that at the next call; calls that come meanwhile
   * wait. A query from outside that takes longer than a moment is ended.
   */
  async exchangeFile(exchange: () => void): Promise<void> {
    if (this.#closed) throw new TillstreamError('unavailable', 'The warehouse is closed');
    const before = this.#session;
    const exchanged = (async () => {
      const session = await before?.catch(() => null);
      if (session) {
        await Promise.race([Promise.allSettled(this.#running), pause(EXCHANGE_PATIENCE_MS)]);
        await this.#end(session);
      }
      exchange();
    })();
    this.#session = exchanged.then(
      () => openSession(this.#options),
      () => openSession(this.#options), // Of the old one, then.
    );
    this.#session.catch(() => {}); // Whoever comes next tries again, and is told.
    await exchanged;
  }

  /** Ends queries from outside and digests, lets a load finish. */
  async close(): Promise<void> {
    this.#closed = true;
    const session = await this.#session?.catch(() => null);
    if (session) await this.#end(session);
    this.#session = null;
  }

  #question<T>(ask: (connection: DuckDBConnection, isLate: () => boolean) => Promise<T>): Promise<T> {
    return this.#questions.take(() =>
      this.#use(async ({ questions }) => {
        try {
          return await withTimeLimit(questions, QUESTION_TIMEOUT_MS, questionTooLong, (isLate) =>
            ask(questions, isLate),
          );
        } catch (error) {
          throw storeError(error, 'The warehouse cannot answer');
        }
      }),
    );
  }

  async #use<T>(work: (session: DuckDbSession) => Promise<T>): Promise<T> {
    if (this.#closed) throw new TillstreamError('unavailable', 'The warehouse is closed');
    const session = await this.#open();
    if (this.#closed) throw new TillstreamError('unavailable', 'The warehouse is closed');
    const running = work(session);
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      if (endsInstance(error) || (error instanceof Error && endsInstance(error.cause))) this.#reopen(session);
      throw error;
    } finally {
      this.#running.delete(running);
    }
  }

  async #open(): Promise<DuckDbSession> {
    this.#session ??= openSession(this.#options);
    try {
      return await this.#session;
    } catch (error) {
      this.#session = null;
      throw error;
    }
  }

  /** Once for a session, however many calls fail with it; calls to come wait for the new one. */
  #reopen(session: DuckDbSession): void {
    if (this.#ended.has(session)) return;
    this.#session = this.#end(session).then(() => openSession(this.#options));
    this.#session.catch(() => {}); // Whoever comes next tries again, and is told.
  }

  async #end(session: DuckDbSession): Promise<void> {
    this.#ended.add(session);
    const interrupt = (): void => {
      for (const connection of this.#endable) connection.interrupt();
    };
    interrupt();
    const again = setInterval(interrupt, INTERRUPT_EVERY_MS);
    await Promise.allSettled(this.#running);
    clearInterval(again);
    for (const statement of this.#prepared.values()) statement.destroySync();
    this.#prepared.clear();
    closeSession(session);
  }
}

function questionTooLong(): TillstreamError {
  return new TillstreamError('query_too_long', `The question took more than ${QUESTION_TIMEOUT_MS / 1000} s`);
}

/** JavaScript has one kind of number; DuckDB would take it for a DOUBLE. */
function parameterType(value: SqlParameter): DuckDBType {
  if (typeof value === 'number') return Number.isInteger(value) ? BIGINT : DOUBLE;
  return typeof value === 'boolean' ? BOOLEAN : VARCHAR;
}
