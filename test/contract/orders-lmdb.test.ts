// The order store on LMDB: the contract, and what is LMDB's own.
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { durablyNow, openDatabase, openEnvironment } from '../../src/stores/lmdb-environment.ts';
import { openLmdbOrders } from '../../src/stores/orders/lmdb-orders.ts';
import { historyKey } from '../../src/stores/orders/purchase-history.ts';
import { CUSTOMERS, HEAD } from '../../src/stores/orders/stored-invoice.ts';
import { orderStoreContract } from './orders.contract.ts';
import { orderHistoryContract } from './orders-history.contract.ts';
import { orderLine } from './orders-lines.ts';
import { makeLmdbOrders } from './orders-lmdb.ts';

orderStoreContract('lmdb', makeLmdbOrders);
orderHistoryContract('lmdb', makeLmdbOrders);

// Worker threads run compiled code only; the tests' set-up has built it.
const COMPILED = new URL('../../dist/stores/orders/lmdb-orders.js', import.meta.url).href;

/** Looks up, on each message, the invoice that it names, through an opening of its own. */
const READER = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(workerData.compiled).then(({ openLmdbOrders }) => {
    const store = openLmdbOrders({ directory: workerData.directory, readOnly: true });
    parentPort.on('message', async (invoiceNo) => {
      if (invoiceNo === null) return store.close().then(() => parentPort.close());
      const found = await store.invoice(invoiceNo);
      parentPort.postMessage(found === null ? null : JSON.parse(found.json).lineCount);
    });
    parentPort.postMessage('open');
  });
`;

test('orders (lmdb): what apply() has stored is seen by another thread at once', async () => {
  const backend = await makeLmdbOrders();
  const workerData = { compiled: COMPILED, directory: backend.directory };
  const worker = new Worker(READER, { eval: true, workerData });
  try {
    const ask = (question: string) => {
      worker.postMessage(question);
      return once(worker, 'message').then(([answer]) => answer);
    };
    await once(worker, 'message');
    const store = await backend.open();
    expect(await ask('536365')).toBeNull();
    for (let at = 1; at <= 50; at++) {
      await store.apply([orderLine(at, { lineId: String(at).padStart(6, '0') })]);
      expect(await ask('536365')).toBe(at);
    }
    worker.postMessage(null);
    await once(worker, 'exit');
  } finally {
    await worker.terminate();
    await backend.dispose();
  }
});

test('orders (lmdb): an invoice that is missing in its history, or stands in another, is found by the digest', async () => {
  const backend = await makeLmdbOrders();
  const store = await backend.open();
  await store.apply([orderLine(1, { invoiceNo: '1' }), orderLine(2, { invoiceNo: '2' })]);
  const environment = openEnvironment(backend.directory);
  const history = openDatabase(environment, 'history');
  const stray = historyKey('13047', '2010-12-01T08:26:00', '2');
  durablyNow(environment, () => history.put(stray, Buffer.alloc(0)));
  expect((await store.digest()).wrongHeader).toBe('2');
  durablyNow(environment, () => {
    history.remove(stray);
    history.remove(historyKey('17850', '2010-12-01T08:26:00', '1'));
  });
  expect((await store.digest()).wrongHeader).toBe('1');
  await environment.close();
  await backend.dispose();
});

test('orders (lmdb): an opening that only looks up refuses to write', async () => {
  const backend = await makeLmdbOrders();
  const reader = openLmdbOrders({ directory: backend.directory, readOnly: true });
  await expect(reader.apply([orderLine(1)])).rejects.toMatchObject({ code: 'conflict' });
  await reader.close();
  await backend.dispose();
});

test('orders (lmdb): what cannot be read is away, not unusable: the consumer tries it again', async () => {
  const backend = await makeLmdbOrders();
  const store = await backend.open();
  await store.apply([orderLine(1)], { streamId: 'stream', sequence: '1' });
  await store.close(); // the nearest there is to an environment that has failed
  await expect(store.checkpoint()).rejects.toMatchObject({ code: 'unavailable' });
  await expect(store.apply([orderLine(1)])).rejects.toMatchObject({ code: 'unavailable' });
  await expect(store.invoice('536365')).rejects.toMatchObject({ code: 'unavailable' });
  await rm(backend.directory, { recursive: true });
});

test('orders (lmdb): of a value that was written before it was noted, the lines say whether they name several', async () => {
  const backend = await makeLmdbOrders();
  const store = await backend.open();
  await store.apply([orderLine(1, { customerId: '111' }), orderLine(2, { lineId: '000002', customerId: '222' })]);
  const environment = openEnvironment(backend.directory);
  const invoices = openDatabase(environment, 'invoices');
  const value = invoices.getBinary(Buffer.from('536365')) ?? Buffer.alloc(0);
  expect(value.readUInt16LE(HEAD.customers)).toBe(CUSTOMERS.several);
  value.writeUInt16LE(CUSTOMERS.notNoted, HEAD.customers);
  durablyNow(environment, () => invoices.put(Buffer.from('536365'), value));
  const own = async () => JSON.parse((await store.invoice('536365', 'own'))?.json.toString('utf8') ?? '');
  expect(await own()).toMatchObject({ lineCount: 1, lines: [{ customerId: '222' }] });
  await store.apply([orderLine(3, { lineId: '000003', customerId: null })]);
  expect(invoices.getBinary(Buffer.from('536365'))?.readUInt16LE(HEAD.customers)).toBe(CUSTOMERS.several);
  expect(await own()).toMatchObject({ lineCount: 2, lines: [{ customerId: '222' }, { customerId: null }] });
  await environment.close();
  await backend.dispose();
});

test('orders (lmdb): the digest finds an invoice that says of its lines that they name one customer, and they do not', async () => {
  const backend = await makeLmdbOrders();
  const store = await backend.open();
  await store.apply([orderLine(1, { customerId: '111' }), orderLine(2, { lineId: '000002', customerId: '222' })]);
  expect((await store.digest()).wrongHeader).toBeNull();
  const environment = openEnvironment(backend.directory);
  const invoices = openDatabase(environment, 'invoices');
  const value = invoices.getBinary(Buffer.from('536365')) ?? Buffer.alloc(0);
  value.writeUInt16LE(CUSTOMERS.oneAtMost, HEAD.customers);
  durablyNow(environment, () => invoices.put(Buffer.from('536365'), value));
  expect((await store.digest()).wrongHeader).toBe('536365');
  await environment.close();
  await backend.dispose();
});
