// What a rebuild of the LMDB order store needs beside its port: figures of all of it, and the count of corrections, which the
// lines do not tell.
import { textFromE4 } from '../../model/money.ts';
import { openDatabase, openEnvironment, readLatest, transact } from '../lmdb-environment.ts';
import { META_KEY, type Meta } from './lmdb-orders.ts';
import { pauses } from './lmdb-orders-digest.ts';
import { StoredInvoice } from './stored-invoice.ts';

export interface OrdersTotals {
  readonly lines: number;
  readonly invoices: number;
  /** Exact. */
  readonly revenue: string;
}

/** From the headers alone. Nobody writes meanwhile. */
export async function totalsOfOrders(directory: string): Promise<OrdersTotals> {
  const environment = openEnvironment(directory);
  try {
    readLatest(environment);
    const pause = pauses();
    let lines = 0;
    let invoices = 0;
    let amountE4 = 0n;
    for (const { value } of openDatabase(environment, 'invoices').getRange({})) {
      const { header } = new StoredInvoice(value);
      lines += header.lineCount;
      invoices += 1;
      amountE4 += header.totalE4;
      if (pause.due()) await pause.turn();
    }
    return { lines, invoices, revenue: textFromE4(amountE4) };
  } finally {
    await environment.close();
  }
}

/** Of a store that nobody writes to meanwhile. @throws unavailable */
export async function setReplaced(directory: string, replaced: number): Promise<void> {
  const environment = openEnvironment(directory);
  try {
    const meta = openDatabase(environment, 'meta');
    await transact(environment, () => {
      const stored = meta.getBinary(META_KEY);
      const before: Meta =
        stored === undefined ? { replaced: 0, checkpoint: null } : JSON.parse(stored.toString('utf8'));
      meta.put(META_KEY, Buffer.from(JSON.stringify({ ...before, replaced } satisfies Meta)));
    });
  } finally {
    await environment.close();
  }
}
