// One DuckDB instance on the warehouse's file, with the schema in place and everything outside of it out of reach.
//
// After opening, no statement can read or write a file except in the load directory, install an extension or change a
// setting, whoever runs it. One session a file: a second instance on the same file would miss the first one's writes.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { isTillstreamError, messageOf, TillstreamError } from '../../model/errors.ts';
import { storeError } from './duckdb-failure.ts';

export interface DuckDbWarehouseOptions {
  /** Holds `warehouse.duckdb` and what DuckDB spills. */
  readonly directory: string;
  /** Batches pass through here on their way in. */
  readonly loadDirectory: string;
  /** Of DuckDB's buffers, in MiB. Beyond it, queries spill to disk. */
  readonly memoryLimitMb?: number;
  /** Of DuckDB's own pool. A query also uses the thread that runs it. */
  readonly threads?: number;
}

export const WAREHOUSE_FILE = 'warehouse.duckdb';

/** Less than a third of the memory that the platform may take in all; sums over 54 million lines take a tenth longer than with twice as much. */
const MEMORY_LIMIT_MB = 192;
/** Of DuckDB's buffers, for each of its threads: with half of it, a sum over many groups finds no room. */
const THREAD_MEMORY_MB = 24;

/** A query from outside fails before it has filled the disk that the stream needs. */
const SPILL_BYTES_MAX = '8GiB';

/** The schema is brought up to date by those that the file has not seen, in this order. */
const SCHEMA_STEPS = ['001-sales.sql', '002-views.sql'];
/** A file that says more was written by a newer Tillstream. */
export const SCHEMA_VERSION = SCHEMA_STEPS.length;

export interface DuckDbSession {
  readonly instance: DuckDBInstance;
  /** Loads alone. */
  readonly loads: DuckDBConnection;
  /** Our own questions. */
  readonly questions: DuckDBConnection;
}

/**
 * @throws directory_too_new  the file was written by a newer version
 * @throws unavailable  the file cannot be opened now
 */
export async function openSession(options: DuckDbWarehouseOptions): Promise<DuckDbSession> {
  const { directory, loadDirectory } = options;
  if (/[?]/.test(directory)) {
    throw new TillstreamError('wrong_usage', `The warehouse cannot be kept in ${directory}: its path has a "?" in it`, {
      hint: 'Choose a data directory without "?": DuckDB takes what follows it for options.',
    });
  }
  const spillDirectory = path.join(directory, 'spill');
  let instance: DuckDBInstance | null = null;
  try {
    mkdirSync(directory, { recursive: true });
    mkdirSync(loadDirectory, { recursive: true });
    rmSync(spillDirectory, { recursive: true, force: true });
    for (const name of readdirSync(loadDirectory)) {
      if (/\.(?:ndjson|parquet)$/.test(name)) rmSync(path.join(loadDirectory, name));
    }
    const { memoryLimitMb = MEMORY_LIMIT_MB, threads = poolThreads(memoryLimitMb) } = options;
    instance = await DuckDBInstance.create(path.join(directory, WAREHOUSE_FILE), {
      threads: String(threads),
      memory_limit: `${memoryLimitMb}MiB`,
      temp_directory: spillDirectory,
      max_temp_directory_size: SPILL_BYTES_MAX,
      errors_as_json: 'true',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      allow_community_extensions: 'false',
      // A checkpoint makes whole row groups of small ones, half a second each, and holds up whoever commits: one at a time.
      max_vacuum_tasks: '1',
      // Batches are read once.
      enable_external_file_cache: 'false',
    });
    const loads = await instance.connect();
    await upgradeSchema(loads);
    await loads.run(`SET allowed_directories = [${sqlText(loadDirectory)}]`);
    await loads.run('SET enable_external_access = false');
    await loads.run('SET lock_configuration = true');
    await loads.run("SET schema = 'public'");
    return { instance, loads, questions: await connect(instance) };
  } catch (error) {
    instance?.closeSync();
    throw openingError(error, directory);
  }
}

/**
 * How many threads of DuckDB's own may work with so much memory. One core is for the others: DuckDB's threads spin for work, and with
 * one of two a load takes half the processor time and no longer.
 */
export function poolThreads(memoryLimitMb: number, cores = availableParallelism()): number {
  return Math.max(1, Math.min(cores - 1, Math.floor(memoryLimitMb / THREAD_MEMORY_MB)));
}

/** All that was taken from it must have been closed or read to its end before: the file stays open until then. */
export function closeSession({ instance, loads, questions }: DuckDbSession): void {
  loads.closeSync();
  questions.closeSync();
  instance.closeSync();
}

/** A new connection that finds `sales` by that name. */
export async function connect(instance: DuckDBInstance): Promise<DuckDBConnection> {
  const connection = await instance.connect();
  await connection.run("SET schema = 'public'");
  return connection;
}

/** Text as an SQL literal, for where DuckDB takes no parameter. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Brings the schema of the file up to date; makes it in a new one. @throws directory_too_new */
export async function upgradeSchema(connection: DuckDBConnection): Promise<void> {
  const version = await schemaVersion(connection);
  if (version > SCHEMA_VERSION) throw tooNew(`schema version ${version}, known are up to ${SCHEMA_VERSION}`);
  if (version === SCHEMA_VERSION) return;
  await connection.run('BEGIN TRANSACTION');
  for (const step of SCHEMA_STEPS.slice(version)) {
    await connection.run(readFileSync(new URL(`schema/${step}`, import.meta.url), 'utf8'));
  }
  await connection.run(`UPDATE tillstream.schema_version SET version = ${SCHEMA_VERSION}`);
  await connection.run('COMMIT');
}

/** 0 for a new file. */
async function schemaVersion(connection: DuckDBConnection): Promise<number> {
  const known = await connection.runAndReadAll(
    "SELECT 1 FROM information_schema.tables WHERE table_schema = 'tillstream' AND table_name = 'schema_version'",
  );
  if (known.currentRowCount === 0) return 0;
  const version = await connection.runAndReadAll('SELECT version FROM tillstream.schema_version');
  return Number(version.getRows()[0]?.[0] ?? 0);
}

function openingError(error: unknown, directory: string): Error {
  if (/database file with version number/i.test(messageOf(error))) return tooNew(messageOf(error));
  const failure = storeError(error, `The warehouse in ${directory} cannot be opened`);
  if (!isTillstreamError(failure, 'unavailable')) return failure;
  return new TillstreamError('unavailable', failure.message, {
    hint: 'If its file is damaged, move that directory away, start, and run tillstream rebuild warehouse: the lake has every line.',
    cause: failure.cause,
  });
}

function tooNew(found: string): TillstreamError {
  return new TillstreamError(
    'directory_too_new',
    `The warehouse was written by a newer version of Tillstream (${found})`,
    {
      hint: 'Install the version that wrote it, or choose another data directory.',
    },
  );
}
