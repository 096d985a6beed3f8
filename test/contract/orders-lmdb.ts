// An order store on LMDB for tests, in a directory of its own.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { durablyNow, openDatabase, openEnvironment } from '../../src/stores/lmdb-environment.ts';
import { openLmdbOrders } from '../../src/stores/orders/lmdb-orders.ts';
import type { OrderStore } from '../../src/stores/orders/order-store.ts';
import type { OrdersBackend } from './orders.contract.ts';

export async function makeLmdbOrders(): Promise<OrdersBackend & { readonly directory: string }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'tillstream-orders-'));
  const opened: OrderStore[] = [];
  return {
    directory,
    async open() {
      const store = openLmdbOrders({ directory });
      opened.push(store);
      return store;
    },
    async spoilTotal(invoiceNo) {
      const environment = openEnvironment(directory);
      const invoices = openDatabase(environment, 'invoices');
      const value = invoices.getBinary(Buffer.from(invoiceNo)) ?? Buffer.alloc(0);
      const digit = value.indexOf('"total":') + '"total":'.length;
      value[digit] = value[digit] === 0x31 ? 0x32 : 0x31;
      durablyNow(environment, () => invoices.put(Buffer.from(invoiceNo), value));
      await environment.close();
    },
    async dispose() {
      for (const store of opened) await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
