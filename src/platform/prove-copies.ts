// Reads the copies of a backup back, as a platform that starts on them would, and compares them as verify does.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestLake } from '../stores/lake/duckdb-lake-digest.ts';
import { ENVIRONMENTS, LAKE } from '../stores/layout.ts';
import { makeLockFile, removeLockFile } from '../stores/lmdb-environment.ts';
import { openLmdbOrders } from '../stores/orders/lmdb-orders.ts';
import { openLmdbQuarantine } from '../stores/quarantine/lmdb-quarantine.ts';
import { recordsOf } from '../stores/quarantine/quarantine.ts';
import { openDuckDbWarehouse } from '../stores/warehouse/duckdb-warehouse.ts';
import { Head } from '../stream/head.ts';
import { openLmdbStreamReader } from '../stream/lmdb-stream-reader.ts';
import { type VerifyReport, verify } from './verify.ts';

export interface Copies {
  /** Holds `stream/`, `orders/`, `state/` and `warehouse/`, and the manifests of imports in `lake/`. */
  readonly directory: string;
  /** The running platform's own: its objects do not change, and those after `sequence` are left out. */
  readonly lake: string;
  /** At which the stores were copied. */
  readonly sequence: string | null;
}

export interface Proof {
  readonly report: VerifyReport;
  readonly streamId: string;
  /** Newest record on the copy of the stream. */
  readonly streamNewest: string | null;
}

/** What opening the warehouse leaves beside the copy. */
const TRACES = ['warehouse/load', 'warehouse/spill'];

/** @throws unavailable and the like  a copy cannot be opened or read */
export async function proveCopies({ directory, lake, sequence }: Copies): Promise<Proof> {
  for (const name of ENVIRONMENTS) await makeLockFile(join(directory, name));
  const stream = openLmdbStreamReader(join(directory, 'stream'), new Head());
  const orders = openLmdbOrders({ directory: join(directory, 'orders') });
  const quarantine = openLmdbQuarantine({ directory: join(directory, 'state') });
  try {
    const report = await verify({
      // Nothing is delivered to them: they stand where they were held.
      hold: async () => {},
      release: async () => {},
      holdImports: async () => {},
      releaseImports: () => {},
      finishRedrives: async () => {},
      stream: { bounds: async () => ({ trimmed: null, newest: sequence }) },
      quarantine,
      ordersDigest: () => orders.digest(),
      warehouseDigest: () => digestOfWarehouse(join(directory, 'warehouse')),
      lakeDigest: ({ excluded, added }) =>
        digestLake({
          directory: lake,
          manifests: join(directory, LAKE), // as they were then: imports go on
          temporaryDirectory: directory, // not the data directory: no line may be refused for it
          excluded,
          added: recordsOf(quarantine, added),
          upTo: sequence ?? '',
        }),
    });
    return { report, streamId: stream.id, streamNewest: (await stream.bounds()).newest };
  } finally {
    await Promise.all([stream.close(), orders.close(), quarantine.close()]);
    for (const name of ENVIRONMENTS) await removeLockFile(join(directory, name));
    for (const trace of TRACES) await rm(join(directory, trace), { recursive: true, force: true });
  }
}

/** Opened to write, so that DuckDB carries its log over now and not at the first start. */
async function digestOfWarehouse(directory: string) {
  const warehouse = await openDuckDbWarehouse({ directory, loadDirectory: join(directory, 'load'), threads: 1 });
  try {
    return await warehouse.digest();
  } finally {
    await warehouse.close();
  }
}
