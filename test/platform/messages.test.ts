// What a user of the API is told of a store that fails: which one, and no path of the machine.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openLmdbOrders } from '../../src/stores/orders/lmdb-orders.ts';

test('a store that cannot be used is named; its path is in the cause, for the log', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'tillstream-messages-'));
  const directory = path.join(root, 'a file', 'orders');
  await writeFile(path.join(root, 'a file'), '');
  try {
    openLmdbOrders({ directory });
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ code: 'unavailable', message: expect.stringMatching(/^The order store /) });
    expect(String(error)).not.toContain(root);
    expect(error).toMatchObject({ cause: { message: expect.stringContaining(directory) } });
  } finally {
    await rm(root, { recursive: true });
  }
});
