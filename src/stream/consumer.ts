// Delivers the stream to one pipeline, on one machine: order, batches, retries, quarantine, checkpoint.
//
// At least once: the checkpoint moves with the store's own commit. A store that is away is tried for ever, nothing is
// dropped; a record that cannot be used is found by bisecting, put in quarantine, and the rest goes on. A store whose
// checkpoint does not fit the stream stops it with stream_gap: it never skips. On AWS, Lambda does this.
import type { Checkpoint } from '../model/checkpoint.ts';
import { type ErrorCode, isTillstreamError, TillstreamError } from '../model/errors.ts';
import { Histogram, type HistogramCounts } from '../model/histogram.ts';
import type { WriteLog } from '../model/log.ts';
import type { Pipeline } from '../pipelines/pipeline.ts';
import type { Quarantine } from '../stores/quarantine/quarantine.ts';
import type { StreamReader, StreamRecord } from './event-stream.ts';
import type { Head } from './head.ts';
import { type Backoff, Patience, type Trouble, troubleOf } from './patience.ts';
import { SetAside } from './set-aside.ts';
import { Signal } from './signal.ts';
import { streamGap } from './stream-gap.ts';

export interface BatchLimits {
  readonly recordsMax: number;
  readonly bytesMax: number;
  /** How long the first record of a batch waits for others. */
  readonly lingerMs: number;
  /** Least time between two batches: a record that comes alone does not wait, under load they share batches. */
  readonly restMs: number;
}

export interface ConsumerOptions {
  readonly stream: StreamReader;
  readonly head: Head;
  readonly pipeline: Pipeline;
  readonly quarantine: Quarantine;
  readonly batch: BatchLimits;
  readonly log: WriteLog;
  /** 0 to 1, for the jitter of backoffs. */
  readonly random?: () => number;
  readonly backoff?: Backoff;
}

export interface ConsumerStatus {
  readonly store: string;
  /**
   * `waiting`: the store is away and tried again; `stopped`: needs a person; `silent`: its thread does not answer, and the
   * rest is what it said last.
   */
  readonly state: 'running' | 'waiting' | 'held' | 'stopped' | 'silent';
  readonly checkpoint: string | null;
  /** When the oldest record that is not in the store arrived, ms since 1970; null when it is caught up. */
  readonly oldestWaitingMs: number | null;
  /** How long the newest record took from the stream into the store; null before the first. */
  readonly freshnessMs: number | null;
  /** The same of every record since the start, in seconds. */
  readonly freshness: HistogramCounts;
  readonly error: Trouble | null;
}

/** How often a failure that is not `unavailable` is tried again before it counts as the record's own. */
const RETRIES_BEFORE_BISECTING = 2;
const IDLE_WAIT_MS = 10_000;
/** How long a hold waits for a store that is away: for a few tries, not for somebody to mend it. */
const HOLD_PATIENCE_MS = 2000;
/** While a batch lingers, how often it is looked whether it is full: not at every record, that would cost more than it saves. */
const LINGER_STEP_MS = 100;

/** From an order's 20 ms by way of the lake's 5 s to a store that was away for an hour; in seconds. */
const FRESHNESS_BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600];

/** Errors that say themselves that trying again is no use. */
const FINAL_CODES: ReadonlySet<ErrorCode> = new Set(['unusable_record', 'invoice_too_large']);

export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> | null = null;
  #checkpoint: Checkpoint | null = null;
  #phase: 'running' | 'held' | 'stopped' = 'running';
  /** Why it has stopped by itself. */
  #trouble: Trouble | null = null;
  #oldestWaitingMs: number | null = null;
  #freshnessMs: number | null = null;
  readonly #freshness = new Histogram(FRESHNESS_BOUNDS);
  #restUntilMs = 0;
  /** Held: nothing beyond this sequence is delivered, and nothing lingers up to it. */
  #limit: string | null = null;
  /** Something that a waiting delivery should look at: a hold, a release, a stop. */
  readonly #nudge = new Signal();
  /** A batch is done, or the state has changed. */
  readonly #progress = new Signal();
  readonly #patience: Patience;
  readonly #setAside: SetAside;

  constructor(options: ConsumerOptions) {
    const { pipeline, quarantine, log, random, backoff } = options;
    const { store } = pipeline;
    this.#options = options;
    this.#patience = new Patience({
      store,
      log,
      stop: this.#stop.signal,
      nudge: this.#nudge,
      onAway: () => this.#progress.fire(),
      random,
      backoff,
    });
    this.#setAside = new SetAside({ store, quarantine, log, patience: this.#patience });
  }

  /** Starts delivery; it ends with stop(), or by itself with state `stopped`. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends after the batch under way; what was not delivered is delivered after the next start. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#running;
  }

  /**
   * Delivers up to `upTo` (default: not beyond the batch under way) without lingering, then no further until release().
   * Resolves when the store stands still there. Call again to let it go on to a later record.
   * @throws unavailable  the store is away, and a try at once did not help: the other stores should not stand still for it
   * @throws stream_gap and the like  the consumer has stopped; shutting_down
   */
  async hold(upTo = ''): Promise<void> {
    const patientUntilMs = performance.now() + HOLD_PATIENCE_MS;
    this.#limit = upTo;
    this.#wake();
    while (this.#state() !== 'held' || (this.#checkpoint?.sequence ?? '') < upTo) {
      if (this.#stop.signal.aborted) throw new TillstreamError('shutting_down', 'The platform is shutting down.');
      const state = this.#state();
      if (state === 'stopped' || (state === 'waiting' && performance.now() > patientUntilMs)) {
        const { code, message, hint } = this.#error() ?? troubleOf(new Error('The consumer has stopped.'));
        throw new TillstreamError(code, message, hint === null ? {} : { hint });
      }
      await this.#progress.wait(state === 'waiting' ? HOLD_PATIENCE_MS : IDLE_WAIT_MS);
    }
  }

  release(): void {
    this.#limit = null;
    this.#nudge.fire();
  }

  status(): ConsumerStatus {
    return {
      store: this.#options.pipeline.store,
      state: this.#state(),
      checkpoint: this.#checkpoint?.sequence ?? null,
      oldestWaitingMs: this.#oldestWaitingMs ?? this.#patience.awaySinceMs,
      freshnessMs: this.#freshnessMs,
      freshness: this.#freshness.read(),
      error: this.#error(),
    };
  }

  #state(): ConsumerStatus['state'] {
    return this.#phase !== 'stopped' && this.#patience.awaySinceMs !== null ? 'waiting' : this.#phase;
  }

  #error(): Trouble | null {
    return this.#trouble ?? this.#patience.trouble;
  }

  async #run(): Promise<void> {
    try {
      await this.#load();
      while (!this.#stop.signal.aborted) {
        await this.#pauseWhileHeld();
        const batch = await this.#gather();
        const last = batch.at(-1);
        if (last === undefined) continue;
        this.#restUntilMs = performance.now() + this.#options.batch.restMs;
        const wanted = await this.#setAside.lessWhatWasDiscarded(batch);
        await this.#deliver(wanted, RETRIES_BEFORE_BISECTING);
        if (wanted.at(-1) !== last) await this.#process([], this.#checkpointAt(last));
        const nowMs = Date.now();
        this.#freshnessMs = nowMs - last.arrivedAtMs;
        // The clock of the machine may have been set back since.
        for (const { arrivedAtMs } of batch) this.#freshness.observe(Math.max(0, nowMs - arrivedAtMs) / 1000);
        this.#oldestWaitingMs = null;
        this.#progress.fire();
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) {
        this.#trouble = troubleOf(error);
        const { log, pipeline } = this.#options;
        log('error', `The ${pipeline.store} consumer has stopped`, { store: pipeline.store, err: error });
      }
    }
    this.#phase = 'stopped';
    this.#progress.fire();
  }

  async #load(): Promise<void> {
    const { stream, pipeline } = this.#options;
    this.#checkpoint = await this.#patience.until(() => pipeline.checkpoint());
    const bounds = await this.#patience.until(() => stream.bounds());
    const gap = streamGap(pipeline.store, this.#checkpoint, { id: stream.id, ...bounds });
    if (gap !== null) {
      this.#checkpoint = null; // of this stream it has passed nothing: retention must not go by it
      throw gap;
    }
    await this.#setAside.load(this.#checkpoint?.sequence ?? '');
  }

  /** The next batch: what is there, and what comes within the linger time. Empty: nothing came, or somebody holds. */
  async #gather(): Promise<StreamRecord[]> {
    const { stream, head, batch: limits } = this.#options;
    const batch: StreamRecord[] = [];
    let bytes = 0;
    let deadlineMs = 0;
    for (;;) {
      const after = batch.at(-1)?.sequence ?? this.#checkpoint?.sequence ?? null;
      const seen = head.newest;
      const room = { recordsMax: limits.recordsMax - batch.length, bytesMax: limits.bytesMax - bytes };
      const records = await this.#patience.until(() => stream.read(after, room));
      for (const record of records) {
        if (this.#limit !== null && record.sequence > this.#limit) break;
        batch.push(record);
        bytes += record.data.length;
      }
      if (this.#stop.signal.aborted) return [];
      const first = batch[0];
      if (first === undefined) {
        if (this.#limit === null) {
          await head.waitBeyond(seen, IDLE_WAIT_MS);
          continue;
        }
        // Held at a record that is not there yet: looking again at once would keep the whole thread from its other work.
        if ((after ?? '') < this.#limit) await this.#nudge.wait(LINGER_STEP_MS);
        return [];
      }
      this.#oldestWaitingMs ??= first.arrivedAtMs;
      if (deadlineMs === 0) deadlineMs = Math.max(performance.now() + limits.lingerMs, this.#restUntilMs);
      const full = batch.length >= limits.recordsMax || bytes >= limits.bytesMax;
      const waitMs = deadlineMs - performance.now();
      if (full || waitMs <= 0 || this.#limit !== null) return batch;
      await this.#nudge.wait(Math.min(waitMs, LINGER_STEP_MS));
    }
  }

  /** Brings a batch into the store, or what cannot be used of it into quarantine. Resolves with the checkpoint moved. */
  async #deliver(batch: readonly StreamRecord[], retries: number): Promise<void> {
    const last = batch.at(-1);
    if (last === undefined) return;
    const checkpoint = this.#checkpointAt(last);
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#process(batch, checkpoint);
        return;
      } catch (error) {
        if (this.#stop.signal.aborted) throw error;
        const final = isTillstreamError(error) && FINAL_CODES.has(error.code);
        if (!final && attempt < retries) {
          await this.#patience.backOff(attempt);
          continue;
        }
        if (batch.length > 1) {
          const middle = batch.length >> 1;
          await this.#deliver(batch.slice(0, middle), 0);
          await this.#deliver(batch.slice(middle), 0);
          return;
        }
        await this.#setAside.put(last, error, attempt + 1);
        await this.#process([], checkpoint);
        return;
      }
    }
  }

  #checkpointAt({ sequence }: StreamRecord): Checkpoint {
    return { streamId: this.#options.stream.id, sequence };
  }

  async #process(records: readonly StreamRecord[], checkpoint: Checkpoint): Promise<void> {
    const { pipeline } = this.#options;
    const failures = await this.#patience.until(() => pipeline.process(records, checkpoint));
    if (failures.length > 0) {
      const bySequence = new Map(records.map((record) => [record.sequence, record]));
      for (const { sequence, error } of failures) {
        const record = bySequence.get(sequence);
        if (record !== undefined) await this.#setAside.put(record, error, 1);
      }
      await this.#patience.until(() => pipeline.process([], checkpoint));
    }
    this.#checkpoint = checkpoint;
  }

  async #pauseWhileHeld(): Promise<void> {
    while (this.#limit !== null && (this.#checkpoint?.sequence ?? '') >= this.#limit && !this.#stop.signal.aborted) {
      this.#phase = 'held';
      this.#progress.fire();
      await this.#nudge.wait(IDLE_WAIT_MS);
      this.#phase = 'running';
    }
  }

  /** A delivery that waits for records waits on the head, one that lingers or is held on the nudge. */
  #wake(): void {
    this.#nudge.fire();
    this.#options.head.wake();
  }
}
