// The imports of a platform: taken in, run one after another, kept for good. One that waits for its owner lets the next go on.
//
// After a restart those that had not ended go on.
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isTillstreamError, messageOf, TillstreamError } from '../model/errors.ts';
import type { WriteLog } from '../model/log.ts';
import { Signal } from '../stream/signal.ts';
import { checkAnswer } from './answer.ts';
import { ImportHistory } from './history.ts';
import { ENDED, type ImportOptions, type ImportReport } from './import.ts';
import type { Answer, Imports, Intake } from './imports.ts';
import { putBack, takeFromInbox } from './inbox-files.ts';
import { Intakes } from './intake.ts';
import { removeFiles, reportOf } from './manifest.ts';
import { REJECTS } from './parts.ts';
import { progressOf, type Watched } from './progress.ts';
import { rejectsCsv } from './rejects.ts';
import { ImportRun, type RunDependencies } from './run-import.ts';
import { LOOK_AGAIN_MS, Standstill, type StandstillParts } from './standstill.ts';
import type { ImportWorker } from './worker.ts';

export interface QueueOptions extends Omit<RunDependencies, 'worker' | 'history' | 'partBegins' | 'partLoaded'> {
  /** Of the lake. */
  readonly lake: string;
  /** A thread for one import; whoever starts it ends it. */
  readonly startWorker: () => ImportWorker;
  /** @throws disk_full  nothing more may come in */
  readonly assertRoom: () => void;
  readonly assertNotLost: StandstillParts['assertNotLost'];
  readonly log: WriteLog;
}

export const INBOX = 'inbox';
const WATCH_MS = 200;
const RETRY_MS = 5_000;
const RETRY_MS_MAX = 60_000;

/** An import under way. */
interface Running {
  readonly id: string;
  readonly worker: ImportWorker;
  readonly watched: Watched;
}

export class ImportQueue implements Imports {
  readonly #options: QueueOptions;
  readonly #history: ImportHistory;
  readonly #inbox: string;
  readonly #intakes: Intakes;
  readonly #standstill: Standstill;
  readonly #waiting: string[] = [];
  #running: Running | null = null;
  #working: Promise<void> = Promise.resolve();
  #isWorking = false;
  /** Files of imports that have ended stay, for who copies them. */
  #kept = 0;
  readonly #change = new Signal();
  readonly #ending = new AbortController();

  /** Nothing runs before start(). */
  constructor(options: QueueOptions) {
    const { lake, assertRoom, assertNotLost, log } = options;
    this.#options = options;
    this.#history = new ImportHistory(lake, log);
    this.#inbox = path.join(lake, INBOX);
    this.#intakes = new Intakes({
      history: this.#history,
      inbox: this.#inbox,
      assertRoom,
      accepted: (id) => {
        this.#enqueue(id);
        return this.#report(id);
      },
    });
    this.#standstill = new Standstill({
      history: this.#history,
      change: this.#change,
      ending: this.#ending.signal,
      assertNotLost,
    });
  }

  start(): void {
    // First what is in one store and not in the other, if anything is.
    const { halfway } = this.#standstill;
    if (halfway !== null) this.#enqueue(halfway);
    for (const { id, state } of this.#history.all) {
      if (ENDED.has(state))
        void this.#tidy(id); // a kill may have come before
      else if (state !== 'needs_answer') this.#enqueue(id);
    }
  }

  begin(options: ImportOptions): Promise<Intake> {
    return this.#intakes.begin(options);
  }

  fromInbox(name: string, options: ImportOptions): Promise<ImportReport> {
    return this.#intakes.fromInbox(name, options);
  }

  list({ limit, before, state }: Parameters<Imports['list']>[0]): ImportReport[] {
    const all = this.#history.all.reverse();
    const from = before === null ? 0 : all.findIndex(({ id }) => id === before) + 1;
    if (before !== null && from === 0) {
      const message = `There is no import ${before.slice(0, 200)}, so none before it.`;
      throw new TillstreamError('invalid_parameter', message, { field: 'before', value: before.slice(0, 200) });
    }
    return all
      .slice(from)
      .filter((manifest) => state === undefined || manifest.state === state)
      .slice(0, limit)
      .map(({ id }) => this.#report(id));
  }

  get(id: string): ImportReport | null {
    return this.#history.has(id) ? this.#report(id) : null;
  }

  async answer(id: string, answer: Answer): Promise<ImportReport> {
    await this.#atRest(id);
    const manifest = this.#history.find(id);
    if (manifest.state !== 'needs_answer') {
      throw new TillstreamError('conflict', `Import ${id} asks nothing: it is ${manifest.state}.`);
    }
    checkAnswer(manifest, answer);
    const { map } = manifest.options;
    const options = {
      ...manifest.options,
      ...answer,
      ...(answer.map === undefined ? {} : { map: { ...map, ...answer.map } }),
    };
    // What it took until it was answered is not its time.
    await this.#history.update(id, { options, question: null, state: 'waiting', startedAt: null });
    this.#enqueue(id);
    return this.#report(id);
  }

  async cancel(id: string): Promise<ImportReport> {
    await this.#atRest(id);
    const before = this.#history.find(id).state;
    if (ENDED.has(before)) {
      throw new TillstreamError('conflict', `Import ${id} has ended: it is ${before}.`);
    }
    await this.#history.update(id, { cancelling: true });
    // It may have come to its end, or asked, meanwhile.
    await this.#atRest(id);
    const { state, partsCommitted } = this.#history.find(id);
    if (this.#running?.id === id) await this.#running.worker.cancel();
    else if (!ENDED.has(state) && partsCommitted === 0 && state !== 'loading') await this.#endNow(id);
    return this.#report(id);
  }

  /** A run that asks, or has ended, is seen to before its last word is on disk. */
  async #atRest(id: string): Promise<void> {
    while (this.#running?.id === id) {
      const { state } = this.#history.find(id);
      if (!ENDED.has(state) && state !== 'needs_answer') return;
      await this.#change.wait(LOOK_AGAIN_MS);
    }
  }

  async *rejects(id: string): AsyncGenerator<Buffer> {
    const manifest = this.#history.find(id);
    yield* rejectsCsv(this.#history.directoryOf(id), manifest);
  }

  /** Imports that have not ended, for who counts them. */
  get open(): ImportReport[] {
    return this.#history.all.filter(({ state }) => !ENDED.has(state)).map(({ id }) => this.#report(id));
  }

  /** As Standstill has it: all stores have the same parts, until release(). */
  hold(): Promise<void> {
    return this.#standstill.hold();
  }

  release(): void {
    this.#standstill.release();
  }

  /** Until letFilesGo(), of imports that end nothing is put away: a backup copies what was there when it began. */
  keepFiles(): void {
    this.#kept += 1;
  }

  async letFilesGo(): Promise<void> {
    this.#kept -= 1;
    for (const { id } of this.#history.all) if (this.#history.has(id)) await this.#tidy(id);
  }

  /** Ends what runs, at its next step; it goes on after the next start. */
  async close(): Promise<void> {
    this.#ending.abort();
    this.#change.fire();
    await this.#running?.worker.cancel().catch(() => {});
    await this.#working;
  }

  #enqueue(id: string): void {
    if (!this.#waiting.includes(id)) this.#waiting.push(id);
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#working = this.#work().finally(() => {
      this.#isWorking = false;
    });
  }

  async #work(): Promise<void> {
    for (let id = this.#waiting.shift(); id !== undefined && !this.#isEnding; id = this.#waiting.shift()) {
      await this.#runOne(id);
    }
  }

  get #isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  /** Tries until it ends or asks; what passes is waited for. */
  async #runOne(id: string): Promise<void> {
    for (let waitMs = RETRY_MS; !this.#isEnding; waitMs = Math.min(RETRY_MS_MAX, waitMs * 2)) {
      if (!this.#history.has(id) || ENDED.has(this.#history.find(id).state)) return;
      const worker = this.#options.startWorker();
      const run = new ImportRun(id, this.#dependencies(id, worker));
      const stopWatching = this.#watch(id, worker);
      try {
        await this.#takeFromInbox(id);
        await run.run();
        const { state, counts } = this.#history.find(id);
        this.#options.log('info', `An import is ${state}`, { id, ...counts });
        return;
      } catch (error) {
        if (this.#isEnding) return;
        const { cancelling } = this.#history.find(id);
        // What has begun to load is given up by its owner alone: a part would be in one store and not in the other.
        const mayFail = cancelling || (this.#standstill.halfway !== id && !passes(error));
        if (mayFail && (await this.#fail(id, error, run))) return;
        this.#history.note(id, { error: this.#errorOf(error) });
        this.#options.log('warn', 'An import waits to be tried again', { id, err: error });
      } finally {
        stopWatching();
        this.#running = null;
        this.#change.fire();
        await worker.end();
        await this.#tidy(id);
      }
      await pause(waitMs, undefined, { ref: false, signal: this.#ending.signal }).catch(() => {});
    }
  }

  /** What the worker is at, looked at a few times a second. */
  #watch(id: string, worker: ImportWorker): () => void {
    const now = (): Pick<Watched, 'state' | 'sinceMs' | 'partsBefore'> => {
      const { state, partsCommitted } = this.#history.find(id);
      return { state, sinceMs: performance.now(), partsBefore: partsCommitted };
    };
    const watched: Watched = { ...now(), staging: null };
    this.#running = { id, worker, watched };
    const timer = setInterval(async () => {
      const seen = now();
      if (seen.state !== watched.state) Object.assign(watched, seen);
      if (seen.state === 'staging') watched.staging = await worker.progress().catch(() => null);
    }, WATCH_MS);
    timer.unref();
    return () => clearInterval(timer);
  }

  /** @returns whether that is noted; otherwise it is tried again */
  async #fail(id: string, error: unknown, run: ImportRun): Promise<boolean> {
    const { cancelling } = this.#history.find(id);
    const isHalfway = this.#standstill.halfway === id;
    const isCancelled = cancelling && !isHalfway;
    const failure = this.#errorOf(error);
    try {
      await this.#history.update(id, {
        endedAt: new Date().toISOString(),
        question: null,
        counts: await run.loadedCounts().catch(() => null),
        ...(isCancelled
          ? { state: 'cancelled' }
          : { state: 'failed', error: isHalfway ? { ...failure, hint: HALFWAY_HINT } : failure }),
      });
    } catch (err) {
      this.#options.log('error', 'The end of an import cannot be noted', { id, err });
      return false;
    }
    if (isHalfway) this.#standstill.partLoaded();
    if (!isCancelled) this.#options.log('error', 'An import has failed', { id, err: error });
    return true;
  }

  /** One that is neither running nor half loaded. */
  async #endNow(id: string): Promise<void> {
    const at = this.#waiting.indexOf(id);
    if (at >= 0) this.#waiting.splice(at, 1);
    const endedAt = new Date().toISOString();
    await this.#history.update(id, { state: 'cancelled', question: null, counts: null, endedAt });
    // One that loads once more what is in both stores leaves nothing half done.
    if (this.#standstill.halfway === id) this.#standstill.partLoaded();
    await this.#tidy(id);
  }

  /** What an import leaves that has ended, and is noted as such, but for its manifest and what counts. Never rejects. */
  async #tidy(id: string): Promise<void> {
    const manifest = this.#history.find(id);
    const { origin, state, partsCommitted, options, sameAs } = manifest;
    if (this.#kept > 0 || !ENDED.has(state) || (state === 'done' && sameAs === null)) return;
    const directory = this.#history.directoryOf(id);
    // The lake has what was imported already; of an upload its sender has it.
    const isKnown = sameAs !== null && (state === 'done' || state === 'already_imported') && options.dryRun !== true;
    try {
      if (origin === 'inbox' && !isKnown) await putBack(this.#inbox, directory, manifest);
      // Of a dry run, its rejects are what it was for.
      if (partsCommitted === 0) await removeFiles(directory, (name) => state !== 'checked' || name !== REJECTS);
    } catch (err) {
      this.#options.log('error', 'What is left of an import cannot be put away', { id, err });
    }
  }

  async #takeFromInbox(id: string): Promise<void> {
    try {
      await takeFromInbox(this.#inbox, this.#history.directoryOf(id), this.#history.find(id));
    } catch (cause) {
      const message = `The file cannot be moved out of the inbox: ${messageOf(cause)}.`;
      throw new TillstreamError('unavailable', message, { cause });
    }
  }

  #dependencies(id: string, worker: ImportWorker): RunDependencies {
    return {
      ...this.#options,
      worker,
      history: this.#history,
      partBegins: () => this.#standstill.partBegins(id),
      partLoaded: () => this.#standstill.partLoaded(),
    };
  }

  #errorOf(error: unknown): NonNullable<ImportReport['error']> {
    // What others throw tells of this machine.
    if (!isTillstreamError(error))
      return { code: 'internal', message: 'Something went wrong inside. The log has the reason.' };
    const { code, message, hint } = error;
    const { lake } = this.#options;
    return { code, message: message.replaceAll(lake, 'The lake'), ...(hint === undefined ? {} : { hint }) };
  }

  #report(id: string): ImportReport {
    const manifest = this.#history.find(id);
    const running = this.#running;
    return reportOf(manifest, running?.id === id ? progressOf(manifest, running.watched) : null);
  }
}

const HALFWAY_HINT =
  'One part of it may be in one store and not in the other. Bring them together: tillstream rebuild warehouse, then ' +
  'tillstream rebuild orders.';

/** A stream_gap ends with a rebuild. */
const PASSING: ReadonlySet<string> = new Set(['unavailable', 'disk_full', 'disk_low', 'overloaded', 'stream_gap']);

function passes(error: unknown): boolean {
  return isTillstreamError(error) && PASSING.has(error.code);
}
