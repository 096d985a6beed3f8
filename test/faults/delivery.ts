// A stream, an order store and a quarantine, all real, in a fresh directory; and consumers between them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { createClock } from '../../src/model/clock.ts';
import { recordLine } from '../../src/model/record.ts';
import type { Pipeline } from '../../src/pipelines/pipeline.ts';
import { createServeOrders } from '../../src/pipelines/serve-orders.ts';
import { openLmdbOrders } from '../../src/stores/orders/lmdb-orders.ts';
import type { OrderStore } from '../../src/stores/orders/order-store.ts';
import { openLmdbQuarantine } from '../../src/stores/quarantine/lmdb-quarantine.ts';
import type { Quarantine, QuarantinedRecord } from '../../src/stores/quarantine/quarantine.ts';
import { type BatchLimits, Consumer, type ConsumerOptions } from '../../src/stream/consumer.ts';
import { Head } from '../../src/stream/head.ts';
import { type LmdbStream, openLmdbStream } from '../../src/stream/lmdb-stream.ts';
import { eventually } from '../support/eventually.ts';

const BATCH: BatchLimits = { recordsMax: 100, bytesMax: 2 ** 20, lingerMs: 0, restMs: 0 };

export class Delivery {
  readonly head = new Head();
  readonly clock = createClock();
  /** What was logged. */
  readonly log: string[] = [];
  readonly directory: string;
  readonly orders: OrderStore;
  readonly quarantine: Quarantine;
  readonly pipeline: Pipeline;
  #stream: LmdbStream | null = null;
  readonly #consumers: Consumer[] = [];

  private constructor(directory: string) {
    this.directory = directory;
    this.orders = openLmdbOrders({ directory: path.join(directory, 'orders') });
    this.quarantine = openLmdbQuarantine({ directory: path.join(directory, 'state') });
    this.pipeline = createServeOrders(this.orders);
  }

  static async open(): Promise<Delivery> {
    const delivery = new Delivery(await mkdtemp(path.join(tmpdir(), 'tillstream-delivery-')));
    await delivery.openStream('stream');
    return delivery;
  }

  get stream(): LmdbStream {
    if (this.#stream === null) throw new Error('No stream is open');
    return this.#stream;
  }

  /** Opens, or makes, the stream of this name in place of the one before. */
  async openStream(name: string): Promise<void> {
    await this.#stream?.close();
    this.#stream = null;
    const directory = path.join(this.directory, name);
    const options = { head: this.head, clock: this.clock, newId: () => `id of ${name}`, bytesMax: 2 ** 30 };
    this.#stream = await openLmdbStream({ directory, ...options });
  }

  /** Not started yet; close() stops it. */
  consumer(pipeline: Pipeline, changed: Partial<BatchLimits> = {}, options: Partial<ConsumerOptions> = {}): Consumer {
    const consumer = this.unstopped(pipeline, changed, options);
    this.#consumers.push(consumer);
    return consumer;
  }

  /** A consumer that nobody stops: it dies with its pipeline. */
  unstopped(pipeline: Pipeline, changed: Partial<BatchLimits> = {}, options: Partial<ConsumerOptions> = {}): Consumer {
    return new Consumer({
      stream: this.stream,
      head: this.head,
      pipeline,
      quarantine: this.quarantine,
      batch: { ...BATCH, ...changed },
      log: (_level, message) => this.log.push(message),
      backoff: { firstMs: 5, maxMs: 40 },
      ...options,
    });
  }

  /** One record with one line of each invoice. Answers its sequence. */
  async append(...invoices: string[]): Promise<string> {
    const text = invoices.map((invoiceNo, position) =>
      recordLine(lineOf(invoiceNo), this.clock.nowMicros(), position, 'api', undefined),
    );
    return this.appendText(text.join(''));
  }

  async appendText(text: string): Promise<string> {
    const [result] = await this.stream.append([{ key: '', data: Buffer.from(text) }]);
    if (result === undefined || 'error' in result) throw new Error('It was not appended');
    return result.sequence;
  }

  /** Many records at once, one an invoice. */
  async appendAll(invoices: readonly string[]): Promise<string[]> {
    return Promise.all(invoices.map((invoiceNo) => this.append(invoiceNo)));
  }

  /** Waits until a consumer's checkpoint is there. */
  async reached(consumer: Consumer, sequence: string): Promise<void> {
    await eventually(() => expect(consumer.status().checkpoint).toBe(sequence), 5);
  }

  /** Which of these invoices the order store has. */
  async stored(invoices: readonly string[]): Promise<string[]> {
    const found: string[] = [];
    for (const invoiceNo of invoices) if ((await this.orders.invoice(invoiceNo)) !== null) found.push(invoiceNo);
    return found;
  }

  async waiting(): Promise<QuarantinedRecord[]> {
    const entries = await this.quarantine.list({ state: 'waiting', limit: 1000 });
    const records = await Promise.all(entries.map(({ id }) => this.quarantine.get(id)));
    return records.filter((record) => record !== null);
  }

  async close(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.stop()));
    await this.orders.close();
    await this.quarantine.close();
    await this.#stream?.close();
    await rm(this.directory, { recursive: true });
  }
}

function lineOf(invoiceNo: string) {
  return {
    invoiceNo,
    lineId: '000001',
    stockCode: '85123A',
    description: null,
    quantity: 6,
    invoiceDate: '2010-12-01T08:26:00',
    unitPrice: 2.55,
    customerId: '17850',
    country: 'United Kingdom',
  };
}

export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(536_365 + index));
}
