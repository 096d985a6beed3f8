// Delivers the stream to one pipeline, on one machine: order, batches, retries, quarantine, checkpoint.
//
// At least once: the checkpoint moves with the store's own commit. A store that is away is tried for ever, nothing is
// dropped; a record that cannot be used is found by bisecting, put in quarantine, and the rest goes on. A store whose
// checkpoint does not fit the stream stops it with stream_gap: it never skips. On AWS, Lambda does this.
import type { Checkpoint } from '../model/checkpoint.ts';
import { type ErrorCode, isTillstreamError, messageOf, TillstreamError } from '../model/errors.ts';
import { Histogram, type HistogramCounts } from '../model/histogram.ts';
import type { WriteLog } from '../model/log.ts';
import type { Failure, Pipeline } from '../pipelines/pipeline.ts';
import { everyEntry, type Quarantine, type QuarantineState } from '../stores/quarantine/quarantine.ts';
import type { StreamReader, StreamRecord } from './event-stream.ts';
import type { Head } from './head.ts';
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
  /** First and largest wait between tries of a store that is away. */
  readonly backoff?: { readonly firstMs: number; readonly maxMs: number };
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
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string | null } | null;
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
  #state: ConsumerStatus['state'] = 'running';
  #error: ConsumerStatus['error'] = null;
  #oldestWaitingMs: number | null = null;
  #freshnessMs: number | null = null;
  /** Since when the store is away; until it is back, nobody knows what it holds. */
  #awaySinceMs: number | null = null;
  readonly #freshness = new Histogram(FRESHNESS_BOUNDS);
  #restUntilMs = 0;
  /** Sequence and id of records that wait in quarantine although the checkpoint is before them. */
  readonly #comingAgain = new Map<string, string>();
  /** Held: nothing beyond this sequence is delivered, and nothing lingers up to it. */
  #limit: string | null = null;
  /** Something that a waiting delivery should look at: a hold, a release, a stop. */
  readonly #nudge = new Signal();
  /** A batch is done, or the state has changed. */
  readonly #progress = new Signal();

  constructor(options: ConsumerOptions) {
    this.#options = options;
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
    while (this.#state !== 'held' || (this.#checkpoint?.sequence ?? '') < upTo) {
      if (this.#stop.signal.aborted) throw new TillstreamError('shutting_down', 'The platform is shutting down.');
      const away = this.#state === 'waiting' && performance.now() > patientUntilMs;
      if (this.#state === 'stopped' || away) {
        const { code, message, hint } = this.#error ?? troubleOf(new Error('The consumer has stopped.'));
        throw new TillstreamError(code, message, hint === null ? {} : { hint });
      }
      await this.#progress.wait(this.#state === 'waiting' ? HOLD_PATIENCE_MS : IDLE_WAIT_MS);
    }
  }

  release(): void {
    this.#limit = null;
    this.#nudge.fire();
  }

  status(): ConsumerStatus {
    return {
      store: this.#options.pipeline.store,
      state: this.#state,
      checkpoint: this.#checkpoint?.sequence ?? null,
      oldestWaitingMs: this.#oldestWaitingMs ?? this.#awaySinceMs,
      freshnessMs: this.#freshnessMs,
      freshness: this.#freshness.read(),
      error: this.#error,
    };
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
        const wanted = await this.#lessWhatWasDiscarded(batch);
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
        this.#error = troubleOf(error);
        const { log, pipeline } = this.#options;
        log('error', `The ${pipeline.store} consumer has stopped`, { store: pipeline.store, err: error });
      }
    }
    this.#state = 'stopped';
    this.#progress.fire();
  }

  async #load(): Promise<void> {
    const { stream, pipeline, quarantine } = this.#options;
    this.#checkpoint = await this.#patiently(() => pipeline.checkpoint());
    const bounds = await this.#patiently(() => stream.bounds());
    const gap = streamGap(pipeline.store, this.#checkpoint, { id: stream.id, ...bounds });
    if (gap !== null) {
      this.#checkpoint = null; // of this stream it has passed nothing: retention must not go by it
      throw gap;
    }
    const passed = this.#checkpoint?.sequence ?? '';
    await this.#patiently(async () => {
      for await (const { id, sequence } of everyEntry(quarantine, { state: 'waiting', store: pipeline.store })) {
        if (sequence > passed) this.#comingAgain.set(sequence, id);
      }
    });
  }

  /**
   * What was put in quarantine just before the process was killed, with the checkpoint still before it, is delivered again:
   * it lands, or is put there again. The ledger must not say that it waits when it has landed; nor may it land once
   * somebody has discarded it.
   */
  async #lessWhatWasDiscarded(batch: readonly StreamRecord[]): Promise<readonly StreamRecord[]> {
    const discarded = new Set<string>();
    for (const { sequence } of this.#comingAgain.size === 0 ? [] : batch) {
      const id = this.#comingAgain.get(sequence);
      if (id === undefined) continue;
      if ((await this.#patiently(() => this.#settled(id))) === 'discarded') discarded.add(sequence);
      this.#comingAgain.delete(sequence);
    }
    return discarded.size === 0 ? batch : batch.filter(({ sequence }) => !discarded.has(sequence));
  }

  /** As what the entry is settled: by us, unless somebody was first. */
  async #settled(id: string): Promise<QuarantineState> {
    const { quarantine } = this.#options;
    try {
      await quarantine.settle(id, 'redriven');
      return 'redriven';
    } catch (error) {
      const entry = isTillstreamError(error, 'conflict') ? await quarantine.get(id) : null;
      if (entry === null) throw error;
      return entry.state;
    }
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
      const records = await this.#patiently(() => stream.read(after, room));
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
          await this.#backOff(attempt);
          continue;
        }
        if (batch.length > 1) {
          const middle = batch.length >> 1;
          await this.#deliver(batch.slice(0, middle), 0);
          await this.#deliver(batch.slice(middle), 0);
          return;
        }
        await this.#quarantine(last, error, attempt + 1);
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
    const failures = await this.#patiently(() => pipeline.process(records, checkpoint));
    if (failures.length > 0) {
      const bySequence = new Map(records.map((record) => [record.sequence, record]));
      for (const failure of failures) await this.#quarantineFailure(bySequence.get(failure.sequence), failure);
      await this.#patiently(() => pipeline.process([], checkpoint));
    }
    this.#checkpoint = checkpoint;
  }

  async #quarantineFailure(record: StreamRecord | undefined, failure: Failure): Promise<void> {
    if (record !== undefined) await this.#quarantine(record, failure.error, 1);
  }

  async #quarantine(record: StreamRecord, error: unknown, attempts: number): Promise<void> {
    const { quarantine, pipeline, log } = this.#options;
    const entry = quarantineEntry(pipeline.store, record, error, attempts);
    await this.#patiently(() => quarantine.put(entry));
    const { id, store, code } = entry;
    log('warn', `Record ${record.sequence} is in quarantine for ${store}`, { id, store, code, attempts, err: error });
  }

  /** Tries for ever while the answer is `unavailable`; the state shows it. */
  async #patiently<T>(action: () => Promise<T>): Promise<T> {
    const { log, pipeline } = this.#options;
    const { store } = pipeline;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const result = await action();
        if (this.#state === 'waiting') {
          this.#state = 'running';
          this.#error = null;
          this.#awaySinceMs = null;
          log('info', `The ${store} store is available again`, { store, tries: attempt + 1 });
        }
        return result;
      } catch (error) {
        if (!isTillstreamError(error, 'unavailable') || this.#stop.signal.aborted) throw error;
        this.#state = 'waiting';
        this.#awaySinceMs ??= Date.now();
        this.#error = troubleOf(error);
        this.#progress.fire();
        if (attempt === 0) log('warn', `The ${store} store is not available`, { store, err: error });
        await this.#backOff(attempt);
      }
    }
  }

  /** Waits between half of and the whole capped, doubling time; a hold, a release or a stop ends it at once. */
  async #backOff(attempt: number): Promise<void> {
    const { firstMs, maxMs } = this.#options.backoff ?? { firstMs: 100, maxMs: 5000 };
    const fullMs = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 20));
    const waitMs = fullMs * (0.5 + (this.#options.random ?? Math.random)() / 2);
    if (!this.#stop.signal.aborted) await this.#nudge.wait(waitMs);
  }

  async #pauseWhileHeld(): Promise<void> {
    while (this.#limit !== null && (this.#checkpoint?.sequence ?? '') >= this.#limit && !this.#stop.signal.aborted) {
      this.#state = 'held';
      this.#progress.fire();
      await this.#nudge.wait(IDLE_WAIT_MS);
      this.#state = 'running';
    }
  }

  /** A delivery that waits for records waits on the head, one that lingers or is held on the nudge. */
  #wake(): void {
    this.#nudge.fire();
    this.#options.head.wake();
  }
}

/** The entry for a record that a store could not use. */
export function quarantineEntry(store: string, record: StreamRecord, error: unknown, attempts: number) {
  return {
    id: `${store}-${record.sequence}`,
    store,
    sequence: record.sequence,
    arrivedAtMs: record.arrivedAtMs,
    code: isTillstreamError(error) ? error.code : 'pipeline_failed',
    message: messageOf(error),
    attempts,
    data: record.data,
  };
}

function troubleOf(error: unknown): NonNullable<ConsumerStatus['error']> {
  if (!isTillstreamError(error)) return { code: 'internal', message: messageOf(error), hint: null };
  return { code: error.code, message: error.message, hint: error.hint ?? null };
}
