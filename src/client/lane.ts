// A lane: a bounded queue of rows and one connection that sends them in order. All lines of an invoice take the same lane.
import { Connection, type Target } from './connection.ts';
import type { CsvRow } from './csv-rows.ts';
import { type Delivery, deliver } from './deliver.ts';

export interface LaneOptions {
  readonly target: Target;
  /** Lines a request: 1 is one JSON object, more is NDJSON. */
  readonly batchLines: number;
  readonly queueRowsMax: number;
}

/** Rows taken are cut off the queue when they are this many, and half of it: constant work a row. */
const COMPACT_AFTER_ROWS = 256;

export class Lane {
  readonly #options: LaneOptions;
  readonly #delivery: Delivery;
  #queue: CsvRow[] = [];
  /** Rows before it in the queue have been taken. */
  #head = 0;
  /** First row of the request in flight; 0 without one. */
  #sendingRow = 0;
  #isFlushed = false;
  #isEnded = false;
  #wake: (() => void) | null = null;
  #room: (() => void) | null = null;

  constructor(options: LaneOptions, delivery: Omit<Delivery, 'connection' | 'isBatch'>) {
    this.#options = options;
    this.#delivery = {
      ...delivery,
      connection: new Connection(options.target),
      isBatch: options.batchLines > 1,
    };
  }

  get isFull(): boolean {
    return this.#waiting >= this.#options.queueRowsMax;
  }

  /** The first row that is neither stored nor refused; null when there is none. */
  get oldestRow(): number | null {
    return this.#sendingRow > 0 ? this.#sendingRow : (this.#queue[this.#head]?.row ?? null);
  }

  get #waiting(): number {
    return this.#queue.length - this.#head;
  }

  /** The caller sees to `isFull` first: a slow lane must not make memory grow. */
  push(row: CsvRow): void {
    this.#queue.push(row);
    if (this.#wake !== null && this.#waiting >= this.#options.batchLines) this.#wake();
  }

  /** Resolves when the queue has room again, or the lane has ended. */
  async room(): Promise<void> {
    if (!this.isFull || this.#isEnded) return;
    await new Promise<void>((resolve) => {
      this.#room = resolve;
    });
  }

  /** Lets go what waits for a batch to fill up. */
  flush(): void {
    if (this.#wake === null || this.#waiting === 0) return;
    this.#isFlushed = true;
    this.#wake();
  }

  /** No more rows will come. */
  end(): void {
    this.#isEnded = true;
    this.#wake?.();
    this.#room?.();
  }

  /** Ends the connection; the request in flight fails, and its lines may or may not be stored. */
  destroy(): Promise<void> {
    return this.#delivery.connection.destroy();
  }

  /** Sends until the queue has ended and is empty, or `stop`. @throws TillstreamError  when going on makes no sense */
  async run(onTaken: (rows: number) => void): Promise<void> {
    for (;;) {
      const rows = await this.#take();
      const first = rows[0];
      if (first === undefined) return;
      this.#sendingRow = first.row;
      onTaken(rows.length);
      if (!(await deliver(rows, this.#delivery))) return;
      this.#sendingRow = 0;
    }
  }

  /** The rows of the next request; none at the end. */
  async #take(): Promise<CsvRow[]> {
    const { batchLines } = this.#options;
    while (this.#waiting < batchLines && !this.#isEnded && !(this.#isFlushed && this.#waiting > 0)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    if (this.#delivery.stop.aborted) return [];
    this.#isFlushed = false;
    const rows = this.#queue.slice(this.#head, this.#head + batchLines);
    this.#head += rows.length;
    if (this.#head >= COMPACT_AFTER_ROWS && this.#head * 2 >= this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    if (this.#room !== null && !this.isFull) {
      this.#room();
      this.#room = null;
    }
    return rows;
  }
}

/** All lines of an invoice take the same lane. FNV-1a. */
export function laneIndex(invoiceNo: string, lanes: number): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < invoiceNo.length; index += 1) {
    value = Math.imul(value ^ invoiceNo.charCodeAt(index), 0x01000193);
  }
  return (value >>> 0) % lanes;
}
