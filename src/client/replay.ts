// The simulated shop: every row of the CSV files becomes JSON and is POSTed, as a shop's tills would.
//
// Every row ends up stored, or refused with its reason; the platform may be away for as long as it likes. An invoice's
// lines stay in order: they take the same lane. Memory is bounded by the lanes' queues and a count for every invoice.
// Safe to run again: rows are numbered by order of occurrence, so the same files give the same identities.
import { setMaxListeners } from 'node:events';
import { basename } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Refusal } from '../model/errors.ts';
import { askStream, replacedByNow } from './ask-stream.ts';
import { type CsvRow, type CsvSource, csvRows, openCsv } from './csv-rows.ts';
import type { DeliveryReport } from './deliver.ts';
import { Lane, laneIndex } from './lane.ts';
import { Pacer } from './pacer.ts';
import { openRejects, type RejectsFile } from './rejects-file.ts';
import { checkOptions, type ReplayOptions, type ReplayProgress, type ReplaySummary } from './replay-options.ts';
import { RESUME_SUFFIX, ResumeFile, type ResumePoint } from './resume-file.ts';
import { Tally } from './tally.ts';

const CONCURRENCY = 64;
/** Batches are heavy enough that a few keep every part of the platform busy. */
const CONCURRENCY_OF_BATCHES = 8;
/** Rows read ahead, over all lanes: enough that an invoice of 1,000 lines does not idle the other lanes; about 30 MB. */
const QUEUED_ROWS_MAX = 65_536;
/** A line of a slow feed (--rate, --speed) waits this long for its batch to fill up. */
const BATCH_WAIT_MS = 200;
const PROGRESS_EVERY_MS = 500;
const SAVE_EVERY_MS = 1_000;
/** Ctrl-C ends within about this. */
const DRAIN_MS_MAX = 5_000;

/**
 * @throws wrong_usage, file_not_found, not_a_csv, columns_missing, duplicate_field, conflict  before anything is sent
 * @throws TillstreamError  when the platform refuses the client, or a file fails half way: what is done stays done, and can
 *   be resumed
 */
export async function replay(options: ReplayOptions): Promise<ReplaySummary> {
  checkOptions(options);
  const sources: CsvSource[] = [];
  for (const file of options.files) sources.push(await openCsv(file));
  const statePath = options.resumeFile ?? `${basename(options.files[0] ?? '')}${RESUME_SUFFIX}`;
  const state = new ResumeFile(statePath, options.url, sources);
  const from = options.resume === true ? await state.load() : null;
  const rejects =
    options.rejectsFile === undefined ? null : await openRejects(options.rejectsFile, sources, from !== null);
  const run = new Replay(options, state, from, rejects);
  try {
    return await run.run(sources);
  } finally {
    rejects?.close();
  }
}

/** One run: a reader, the lanes it feeds, and what is known of them. */
class Replay implements DeliveryReport {
  readonly #options: ReplayOptions;
  readonly #state: ResumeFile;
  readonly #rejects: RejectsFile | null;
  readonly #tally = new Tally();
  readonly #stop = new AbortController();
  readonly #lanes: Lane[];
  readonly #skipRows: number;
  /** Rows that this or an earlier run has written to the rejects file, beyond what the state covers. */
  readonly #refusedRows: Set<number>;
  readonly #startedMs = performance.now();
  /** Last row that was handed to a lane, skipped or refused. */
  #row: number;
  #share = 0;
  #isComplete = false;
  /** Of the platform, before anything was sent; null until it has answered. */
  #replacedBefore: number | null = null;
  #failure: unknown = null;
  #saving: Promise<void> = Promise.resolve();
  #reported = { lines: 0, atMs: 0 };

  constructor(options: ReplayOptions, state: ResumeFile, from: ResumePoint | null, rejects: RejectsFile | null) {
    this.#options = options;
    this.#state = state;
    this.#rejects = rejects;
    this.#skipRows = from?.row ?? 0;
    this.#row = this.#skipRows;
    this.#refusedRows = new Set(from?.refusedRows);
    setMaxListeners(0, this.#stop.signal);
    const batchLines = options.batch ?? 1;
    const concurrency = options.concurrency ?? (batchLines > 1 ? CONCURRENCY_OF_BATCHES : CONCURRENCY);
    const queueRowsMax = Math.max(Math.floor(QUEUED_ROWS_MAX / concurrency), 2 * batchLines);
    const delivery = { report: this, stop: this.#stop.signal, random: options.random ?? Math.random };
    this.#lanes = Array.from(
      { length: concurrency },
      () => new Lane({ target: options, batchLines, queueRowsMax }, delivery),
    );
  }

  async run(sources: readonly CsvSource[]): Promise<ReplaySummary> {
    // Before anything is sent: a state that cannot be written is known now.
    await this.#save();
    const onAbort = () => this.#end();
    this.#options.signal?.addEventListener('abort', onAbort);
    if (this.#options.signal?.aborted === true) this.#end();
    const timers = [
      setInterval(() => this.#reportProgress(), PROGRESS_EVERY_MS),
      setInterval(() => this.#attempt(this.#save()), SAVE_EVERY_MS),
      setInterval(() => this.#flush(), BATCH_WAIT_MS),
    ];
    const sending = this.#lanes.map((lane) => this.#attempt(lane.run((rows) => (this.#tally.sent += rows))));
    try {
      await this.#attempt(this.#play(sources));
      for (const lane of this.#lanes) lane.end();
      await Promise.all(sending);
    } finally {
      for (const timer of timers) clearInterval(timer);
      this.#options.signal?.removeEventListener('abort', onAbort);
      await Promise.all(this.#lanes.map((lane) => lane.destroy()));
    }
    return await this.#finish();
  }

  answered(latencyUs: number): void {
    this.#tally.answered(latencyUs);
  }

  stored(lines: number): void {
    this.#tally.stored(lines);
  }

  refused(row: CsvRow, refusal: Refusal): void {
    this.#tally.refused(row, refusal);
    if (this.#rejects === null || this.#refusedRows.has(row.row)) return;
    this.#refusedRows.add(row.row);
    this.#rejects.append(row, refusal);
  }

  retried(reason: string): void {
    this.#tally.retried(reason, performance.now());
  }

  async #play(sources: readonly CsvSource[]): Promise<void> {
    const stream = await askStream(this.#options, {
      stop: this.#stop.signal,
      random: this.#options.random ?? Math.random,
      onUnanswered: (reason) => this.#tally.unanswered(reason, performance.now()),
    });
    if (stream === null) return;
    this.#state.goesTo(stream.id);
    this.#replacedBefore = stream.replaced;
    await this.#read(sources);
  }

  async #read(sources: readonly CsvSource[]): Promise<void> {
    const { limit = Number.POSITIVE_INFINITY, rate, speed } = this.#options;
    const pacer = rate === undefined && speed === undefined ? null : new Pacer({ rate, speed }, performance.now());
    let lane: Lane | undefined;
    let laneOf = '';
    for await (const { rows, share } of csvRows(sources)) {
      for (const row of rows) {
        if (row.row > limit) return;
        if (row.row <= this.#skipRows) continue;
        if (pacer !== null)
          await pacer.keep(row.values[row.source.fields.indexOf('invoiceDate')] ?? '', this.#stop.signal);
        if (lane === undefined || row.invoiceNo !== laneOf) {
          laneOf = row.invoiceNo;
          lane = this.#lanes[laneIndex(laneOf, this.#lanes.length)];
        }
        if (lane?.isFull === true) await lane.room();
        if (this.#stop.signal.aborted) return;
        if (row.refusal !== null) this.refused(row, row.refusal);
        else lane?.push(row);
        this.#row = row.row;
      }
      this.#share = share;
    }
    this.#isComplete = true;
  }

  /** Stops sending; what is in flight gets its time, and no more. */
  #end(): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    for (const lane of this.#lanes) lane.end();
    setTimeout(() => this.#lanes.forEach((lane) => void lane.destroy()), DRAIN_MS_MAX).unref();
  }

  /** The first failure ends the run. */
  async #attempt(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#failure ??= error;
      this.#end();
    }
  }

  #flush(): void {
    for (const lane of this.#lanes) lane.flush();
  }

  /** Everything up to this row is stored or refused. */
  #lastRow(): number {
    let row = this.#row;
    for (const { oldestRow } of this.#lanes) if (oldestRow !== null) row = Math.min(row, oldestRow - 1);
    return row;
  }

  /** One at a time, in order: an old state must not come after a newer one, or after its removal. */
  #save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#saveNow());
    return this.#saving;
  }

  /** The rejects first: a row that the state covers is never looked at again. */
  async #saveNow(): Promise<void> {
    const row = this.#lastRow();
    for (const refused of this.#refusedRows) if (refused <= row) this.#refusedRows.delete(refused);
    const refusedRows = [...this.#refusedRows];
    this.#rejects?.flush();
    await this.#state.save({ row, refusedRows });
  }

  #reportProgress(): void {
    const nowMs = performance.now();
    const { accepted, rejected, retries } = this.#tally;
    const lines = accepted + rejected;
    const linesPerSecond = ((lines - this.#reported.lines) / (nowMs - (this.#reported.atMs || this.#startedMs))) * 1000;
    this.#reported = { lines, atMs: nowMs };
    const progress: ReplayProgress = {
      accepted,
      rejected,
      retries,
      row: this.#row,
      finished: this.#skipRows + lines,
      share: this.#share,
      linesPerSecond,
      waiting: this.#tally.waiting(nowMs),
    };
    this.#options.onProgress?.(progress);
  }

  async #finish(): Promise<ReplaySummary> {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const { sent, accepted, rejected, retries, firstRejects } = this.#tally;
    const lastRow = this.#lastRow();
    const isDone = this.#isComplete && lastRow === this.#row && this.#failure === null;
    await this.#save().catch((error) => (this.#failure ??= error));
    if (isDone) await this.#state.remove();
    if (this.#failure !== null) throw this.#failure;
    return {
      sent,
      accepted,
      rejected,
      retries,
      seconds,
      linesPerSecond: seconds > 0 ? (accepted + rejected) / seconds : 0,
      latencyMs: this.#tally.latencyMs(),
      interrupted: this.#stop.signal.aborted && !isDone,
      resumedAfterRow: this.#skipRows,
      lastRow,
      resumeFile: isDone ? null : this.#state.path,
      rejectsFile: this.#options.rejectsFile ?? null,
      firstRejects,
      replacedMeanwhile: await this.#replacedMeanwhile(),
    };
  }

  async #replacedMeanwhile(): Promise<number | null> {
    const before = this.#replacedBefore;
    if (before === null || this.#stop.signal.aborted) return null;
    const now = await replacedByNow(this.#options);
    return now === null ? null : now - before;
  }
}
