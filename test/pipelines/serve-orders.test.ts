import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Line } from '../../src/model/line.ts';
import { recordLine } from '../../src/model/record.ts';
import { createServeOrders } from '../../src/pipelines/serve-orders.ts';
import { openLmdbOrders } from '../../src/stores/orders/lmdb-orders.ts';
import type { OrderStore } from '../../src/stores/orders/order-store.ts';
import type { StreamRecord } from '../../src/stream/event-stream.ts';

const CHECKPOINT = { streamId: 's', sequence: '0000000000000009' };

const LINE: Line = {
  invoiceNo: '536365',
  lineId: '000001',
  stockCode: '85123A',
  description: null,
  quantity: 6,
  invoiceDate: '2010-12-01T08:26:00',
  unitPrice: 2.55,
  customerId: '17850',
  country: 'United Kingdom',
};

function record(number: number, text: string): StreamRecord {
  return { sequence: String(number).padStart(16, '0'), arrivedAtMs: 0, data: Buffer.from(text) };
}

const text = (invoiceNo: string, lineId = '000001', receivedAt = 1) =>
  recordLine({ ...LINE, invoiceNo, lineId }, receivedAt, 0, 'api', undefined);

describe('serve-orders', () => {
  let directory: string;
  let orders: OrderStore;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'tillstream-serve-'));
    orders = openLmdbOrders({ directory });
  });

  afterEach(async () => {
    await orders.close();
    await rm(directory, { recursive: true, force: true });
  });

  test('lines and checkpoint of a batch are there together', async () => {
    const pipeline = createServeOrders(orders);
    const batch = [record(1, text('1') + text('1', '000002')), record(2, text('2'))];
    expect(await pipeline.process(batch, CHECKPOINT)).toEqual([]);
    expect(await pipeline.checkpoint()).toEqual(CHECKPOINT);
    expect((await orders.digest()).days).toMatchObject([{ lines: 3 }]);
  });

  test('records that cannot be read are failures; the others are served, the checkpoint waits', async () => {
    const pipeline = createServeOrders(orders);
    const batch = [record(1, text('1')), record(2, '{"half":'), record(3, '{}\n'), record(4, text('4'))];
    const failures = await pipeline.process(batch, CHECKPOINT);
    expect(failures.map(({ sequence }) => Number(sequence))).toEqual([2, 3]);
    for (const { error } of failures) expect(error).toMatchObject({ code: 'unusable_record' });
    expect(await orders.invoice('4')).not.toBeNull();
    expect(await pipeline.checkpoint()).toBeNull();
    expect(await pipeline.process([], CHECKPOINT)).toEqual([]);
    expect(await pipeline.checkpoint()).toEqual(CHECKPOINT);
  });

  test('a record that the store refuses throws, so that it is found by bisecting', async () => {
    const pipeline = createServeOrders(orders);
    const lines = Array.from({ length: 10_001 }, (_, index) => text('1', String(index).padStart(6, '0')));
    await expect(pipeline.process([record(1, lines.join(''))], CHECKPOINT)).rejects.toMatchObject({
      code: 'invoice_too_large',
    });
    expect(await pipeline.checkpoint()).toBeNull();
  });
});
