// Looks into one store and says what it finds, as JSON on stdout: a process of its own, because LMDB ends the process that
// opens a damaged file. Reads only.
//
// Usage: node store-probe.js <stream|orders|state|warehouse> <directory of the store>
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { open } from 'lmdb';
import type { Checkpoint } from '../../model/checkpoint.ts';
import { messageOf } from '../../model/errors.ts';
import { SCHEMA_VERSION } from '../../stores/warehouse/duckdb-session.ts';
import type { Tail } from '../../stream/lmdb-stream-reader.ts';

/** What a store says of itself. */
export interface Probed {
  /** What of it cannot be read; null when all can. */
  readonly damage: string | null;
  /** Of the stream. */
  readonly tail?: Tail | null;
  readonly streamId?: string | null;
  /** Of the warehouse. */
  readonly schemaVersion?: number | null;
  /** Of what follows the stream; null before the first record. */
  readonly checkpoint?: Checkpoint | null;
}

const DATABASES = {
  stream: ['frames', 'meta'],
  orders: ['invoices', 'history', 'meta'],
  state: ['quarantine-reasons', 'quarantine-records', 'quarantine-meta'],
} as const;

const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;

function probeLmdb(store: keyof typeof DATABASES, directory: string): Probed {
  const environment = open<Buffer, Buffer>(directory, { ...binary, readOnly: true, noSubdir: false });
  const read = (database: string, key: string): unknown => {
    const stored = environment.openDB<Buffer, Buffer>(database, binary).get(Buffer.from(key));
    return stored === undefined ? null : JSON.parse(stored.toString());
  };
  for (const name of DATABASES[store]) {
    // lmdb-js answers undefined for what is not there, where it may not make it.
    const database = environment.openDB<Buffer, Buffer>(name, binary) as
      | ReturnType<typeof environment.openDB>
      | undefined;
    if (database === undefined) return { damage: `it has no ${name}` };
    for (const _ of database.getRange({ reverse: true, limit: 100 }));
  }
  if (store === 'orders') {
    const meta = read('meta', 'meta') as { checkpoint: Checkpoint | null } | null;
    return { damage: null, checkpoint: meta?.checkpoint ?? null };
  }
  if (store === 'state') return { damage: null };
  const id = environment.openDB<Buffer, Buffer>('meta', binary).get(Buffer.from('id'));
  return { damage: null, streamId: id?.toString() ?? null, tail: read('meta', 'tail') as Tail | null };
}

async function probeWarehouse(directory: string): Promise<Probed> {
  const file = join(directory, 'warehouse.duckdb');
  const instance = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY', threads: '1', memory_limit: '256MB' });
  const connection = await instance.connect();
  const first = async (sql: string): Promise<unknown[]> => {
    const reader = await connection.runAndReadAll(sql);
    return reader.getRows()[0] ?? [];
  };
  const [schemaVersion] = await first('SELECT version FROM tillstream.schema_version');
  if (Number(schemaVersion) > SCHEMA_VERSION) {
    return { damage: `a newer version wrote it (schema ${schemaVersion}; this one reads up to ${SCHEMA_VERSION})` };
  }
  await first('SELECT count(*) FROM public.sales');
  const [streamId, sequence] = await first('SELECT stream_id, sequence FROM tillstream.checkpoint');
  const checkpoint = typeof streamId === 'string' && typeof sequence === 'string' ? { streamId, sequence } : null;
  return { damage: null, schemaVersion: Number(schemaVersion), checkpoint };
}

async function probe(store: string, directory: string): Promise<Probed> {
  if (store === 'stream' || store === 'orders' || store === 'state') return probeLmdb(store, directory);
  return probeWarehouse(directory);
}

const [store = '', directory = ''] = process.argv.slice(2);
const found = await probe(store, directory).catch((error: unknown): Probed => ({ damage: messageOf(error) }));
process.stdout.write(JSON.stringify(found));
