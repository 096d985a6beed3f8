// The stream's newest durable record, shared by all threads of the process, so that consumers wake without polling.

/** Backed by 16 bytes of shared memory: hand `buffer` to a worker and make a Head of it there. */
export class Head {
  readonly buffer: SharedArrayBuffer;
  readonly #newest: BigInt64Array;
  readonly #changes: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(16)) {
    this.buffer = buffer;
    this.#newest = new BigInt64Array(buffer, 0, 1);
    this.#changes = new Int32Array(buffer, 8, 1);
  }

  /** Number of the newest record on disk; 0 before the first. */
  get newest(): number {
    return Number(Atomics.load(this.#newest, 0));
  }

  advanceTo(newest: number): void {
    Atomics.store(this.#newest, 0, BigInt(newest));
    this.wake();
  }

  /** Wakes every waiter without a new record: something else changed. */
  wake(): void {
    Atomics.add(this.#changes, 0, 1);
    Atomics.notify(this.#changes, 0);
  }

  /** Resolves when there is a record after `sequence`, on wake(), or after `timeoutMs`. */
  async waitBeyond(sequence: number, timeoutMs: number): Promise<void> {
    const seen = Atomics.load(this.#changes, 0);
    if (this.newest > sequence) return;
    await Atomics.waitAsync(this.#changes, 0, seen, timeoutMs).value;
  }
}
