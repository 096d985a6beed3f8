// What the stores take on the disk, as far as that can be seen at once.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataDirectory } from './data-directory.ts';

/** In bytes, by store. The lake is not in it: to add up an object every five seconds would take longer every day. */
export type StoreSizes = Readonly<Record<string, number>>;

/** As statfs and du count them, whatever the blocks of the disk. */
const BLOCK_BYTES = 512;

export async function storeSizes({
  orders,
  warehouse,
}: Pick<DataDirectory, 'orders' | 'warehouse'>): Promise<StoreSizes> {
  const [ordersBytes, warehouseBytes] = await Promise.all([bytesIn(orders), bytesIn(warehouse)]);
  return { orders: ordersBytes, warehouse: warehouseBytes };
}

/** Of the files directly in a directory; LMDB's are longer than what they take. */
async function bytesIn(directory: string): Promise<number> {
  const names = await readdir(directory).catch(() => []);
  const blocks = names.map((name) =>
    stat(join(directory, name)).then(
      (entry) => (entry.isFile() ? entry.blocks : 0),
      () => 0, // Gone meanwhile.
    ),
  );
  return (await Promise.all(blocks)).reduce((sum, each) => sum + each, 0) * BLOCK_BYTES;
}
