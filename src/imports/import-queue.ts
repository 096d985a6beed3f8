// The imports of a platform: taken in, run one after another, kept for good. One that waits for its owner lets the next go on.
//
// What is known of them is in memory; the manifests hold it. After a restart those that had not ended go on.
import { createHash, randomInt } from 'node:crypto';
import { createWriteStream, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { isTillstreamError, TillstreamError } from '../model/errors.ts';
import type { WriteLog } from '../model/log.ts';
import { Signal } from '../stream/signal.ts';
import { ENDED, type ImportedFile, type ImportOptions, type ImportProgress, type ImportReport } from './import.ts';
import type { Answer, Imports, Intake } from './imports.ts';
import { type ImportManifest, readManifest, removeFiles, syncPath, writeManifest } from './manifest.ts';
import { MANIFEST, sourceName } from './parts.ts';
import { progressOf, type Watched } from './progress.ts';
import { rejectsCsv } from './rejects.ts';
import { ImportRun, type RunDependencies } from './run-import.ts';
import type { ImportWorker } from './worker.ts';

export interface QueueOptions
  extends Omit<RunDependencies, 'worker' | 'partBegins' | 'partLoaded' | 'sameAs' | 'directoryOf'> {
  /** Of the lake. */
  readonly lake: string;
  /** A thread for one import; whoever starts it ends it. */
  readonly startWorker: () => ImportWorker;
  /** @throws disk_low  nothing more may come in */
  readonly assertRoom: () => void;
  readonly log: WriteLog;
}

const IMPORTS = 'imports';
export const INBOX = 'inbox';
/** Of the inbox: files whose import was cancelled or failed. */
const SET_ASIDE = 'set-aside';
const FILES_MAX = 10_000;
const WATCH_MS = 200;
/** Whoever waits for a change is told of it; this is for the one that nobody tells. */
const LOOK_AGAIN_MS = 1000;
const RETRY_MS = 5_000;
const RETRY_MS_MAX = 60_000;

export class ImportQueue implements Imports {
  readonly #options: QueueOptions;
  /** By id, oldest first. */
  readonly #manifests = new Map<string, ImportManifest>();
  readonly #waiting: string[] = [];
  /** Files of the inbox that are on their way out of it. */
  readonly #taken = new Set<string>();
  #run: ImportRun | null = null;
  #worker: ImportWorker | null = null;
  #watched: Watched | null = null;
  #working: Promise<void> = Promise.resolve();
  #isWorking = false;
  #held = 0;
  /** The import of which a part may be in one store and not in the other: of a part that is loaded, or was cut off. */
  #halfway: string | null = null;
  readonly #change = new Signal();
  readonly #ending = new AbortController();

  /** Reads the manifests; what is left of uploads that never ended goes. Nothing runs before start(). */
  constructor(options: QueueOptions) {
    this.#options = options;
    for (const name of [IMPORTS, INBOX]) mkdirSync(path.join(options.lake, name), { recursive: true });
    const found: ImportManifest[] = [];
    for (const id of readdirSync(path.join(options.lake, IMPORTS))) {
      const directory = this.#directoryOf(id);
      const manifest = existsSync(path.join(directory, MANIFEST)) ? this.#known(directory) : undefined;
      if (manifest === undefined) rmSync(directory, { recursive: true, force: true });
      else if (manifest !== null) found.push(manifest);
    }
    found.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
    for (const manifest of found) this.#manifests.set(manifest.id, manifest);
    this.#halfway = found.find(({ state }) => state === 'loading')?.id ?? null;
  }

  /** null: nobody here knows what to make of it, and nothing is made of it. */
  #known(directory: string): ImportManifest | null {
    try {
      const manifest = readManifest(directory);
      if (manifest.format === 1) return manifest;
      this.#options.log('error', 'An import is left alone: its manifest is of another version', { directory });
    } catch (err) {
      this.#options.log('error', 'An import is left alone: its manifest cannot be read', { directory, err });
    }
    return null;
  }

  start(): void {
    for (const manifest of this.#manifests.values()) {
      const { id, state } = manifest;
      if (ENDED.has(state))
        void this.#tidy(manifest); // a kill may have come before
      else if (state !== 'needs_answer') this.#enqueue(id);
    }
  }

  async begin(options: ImportOptions): Promise<Intake> {
    this.#options.assertRoom();
    const id = this.#newId();
    const directory = this.#directoryOf(id);
    await mkdir(directory);
    const files: ImportedFile[] = [];
    return {
      add: async (name, bytes) => {
        if (files.length === FILES_MAX) {
          throw new TillstreamError('invalid_parameter', `An import takes ${FILES_MAX} files at most.`);
        }
        files.push(await this.#takeIn(directory, files.length + 1, name, bytes));
      },
      finish: async () => {
        if (files.length === 0) throw new TillstreamError('empty_request', 'No file was sent.');
        return this.#accept({ id, origin: 'upload', files, options });
      },
      abandon: () => rm(directory, { recursive: true, force: true }),
    };
  }

  async fromInbox(name: string, options: ImportOptions): Promise<ImportReport> {
    const file = path.join(this.#options.lake, INBOX, name);
    const isThere =
      path.basename(name) === name && !name.startsWith('.') && existsSync(file) && statSync(file).isFile();
    if (!isThere || this.#taken.has(name)) {
      throw new TillstreamError('file_not_found', `The inbox has no file ${name.slice(0, 200)}.`, {
        field: 'file',
        value: name.slice(0, 200),
      });
    }
    this.#taken.add(name);
    try {
      const id = this.#newId();
      await mkdir(this.#directoryOf(id));
      const object = sourceName(1);
      const files = [{ name, object, bytes: statSync(file).size, sha256: '' }];
      // First the manifest: a kill between the two leaves the file where it is, or where the manifest says.
      return await this.#accept({ id, origin: 'inbox', files, options });
    } finally {
      this.#taken.delete(name);
    }
  }

  list({ limit, before, state }: Parameters<Imports['list']>[0]): ImportReport[] {
    const all = [...this.#manifests.keys()].reverse();
    const from = before === null ? 0 : all.indexOf(before) + 1;
    const found: ImportReport[] = [];
    for (const id of all.slice(from)) {
      if (found.length === limit) break;
      if (state === undefined || this.#find(id).state === state) found.push(this.#report(id));
    }
    return found;
  }

  get(id: string): ImportReport | null {
    return this.#manifests.has(id) ? this.#report(id) : null;
  }

  async answer(id: string, answer: Answer): Promise<ImportReport> {
    await this.#atRest(id);
    const manifest = this.#find(id);
    const { question } = manifest;
    if (manifest.state !== 'needs_answer' || question === null) {
      throw new TillstreamError('conflict', `Import ${id} asks nothing: it is ${manifest.state}.`);
    }
    checkAnswer(manifest, answer);
    await this.#update(manifest, { options: { ...manifest.options, ...answer }, question: null, state: 'waiting' });
    this.#enqueue(id);
    return this.#report(id);
  }

  async cancel(id: string): Promise<ImportReport> {
    await this.#atRest(id);
    const manifest = this.#find(id);
    if (ENDED.has(manifest.state)) {
      throw new TillstreamError('conflict', `Import ${id} has ended: it is ${manifest.state}.`);
    }
    if (this.#run?.manifest.id === id) {
      await this.#run.update({ cancelling: true });
      await this.#worker?.cancel();
    } else if (manifest.partsCommitted > 0 || manifest.state === 'loading') {
      await this.#update(manifest, { cancelling: true });
    } else {
      await this.#update(manifest, { cancelling: true });
      await this.#endNow(id);
    }
    return this.#report(id);
  }

  /** A run that asks, or has ended, is seen to before its last word is on disk. */
  async #atRest(id: string): Promise<void> {
    for (;;) {
      const run = this.#run;
      const isEnding =
        run?.manifest.id === id && (ENDED.has(run.manifest.state) || run.manifest.state === 'needs_answer');
      if (!isEnding) return;
      await this.#change.wait(LOOK_AGAIN_MS);
    }
  }

  async *rejects(id: string): AsyncGenerator<Buffer> {
    const manifest = this.#find(id);
    yield* rejectsCsv(this.#directoryOf(id), manifest);
  }

  /** Imports that have not ended, for who counts them. */
  get open(): ImportReport[] {
    return [...this.#manifests.values()].filter(({ state }) => !ENDED.has(state)).map(({ id }) => this.#report(id));
  }

  /**
   * Resolves when all stores have the same parts; none is loaded then, until release().
   * @throws unavailable  a part is cut off in the middle, and cannot be finished now; release() all the same
   */
  async hold(): Promise<void> {
    this.#held += 1;
    while (this.#halfway !== null && !this.#isEnding) {
      const { id, error } = this.#find(this.#halfway);
      if (error !== null) {
        throw new TillstreamError('unavailable', `Import ${id} is cut off in the middle of a part: ${error.message}`, {
          hint: 'It is tried again and again; once it goes on, this can be done.',
        });
      }
      await this.#change.wait(LOOK_AGAIN_MS);
    }
  }

  release(): void {
    this.#held = Math.max(0, this.#held - 1);
    this.#change.fire();
  }

  /** Ends what runs, at its next step; it goes on after the next start. */
  async close(): Promise<void> {
    this.#ending.abort();
    this.#change.fire();
    await this.#worker?.cancel().catch(() => {});
    await this.#working;
  }

  /** What was cut off is finished first, whoever holds. */
  async #partBegins(id: string): Promise<void> {
    while (this.#held > 0 && this.#halfway !== id && !this.#isEnding) await this.#change.wait(LOOK_AGAIN_MS);
    this.#ending.signal.throwIfAborted();
    this.#halfway = id;
  }

  #partLoaded(): void {
    this.#halfway = null;
    this.#change.fire();
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
      const manifest = this.#manifests.get(id);
      if (manifest === undefined || ENDED.has(manifest.state)) return;
      const worker = this.#options.startWorker();
      this.#worker = worker;
      const run = new ImportRun(manifest, this.#dependencies(id, worker));
      this.#run = run;
      const stopWatching = this.#watch(run, worker);
      try {
        await this.#takeFromInbox(manifest);
        await run.run();
        this.#options.log('info', `An import is ${run.manifest.state}`, { id, ...run.manifest.counts });
        return;
      } catch (error) {
        if (this.#isEnding) return;
        // What has begun to load is never given up: a part would be in one store and not in the other.
        if (!passes(error) && this.#halfway !== id && (await this.#fail(id, run, error))) return;
        run.manifest = { ...run.manifest, error: errorOf(error) }; // of the moment: it need not be kept
        this.#options.log('warn', 'An import waits to be tried again', { id, err: error });
      } finally {
        stopWatching();
        this.#manifests.set(id, run.manifest);
        this.#run = null;
        this.#worker = null;
        this.#change.fire();
        await worker.end();
        await this.#tidy(run.manifest);
      }
      await pause(waitMs, undefined, { ref: false, signal: this.#ending.signal }).catch(() => {});
    }
  }

  /** What the worker is at, looked at a few times a second. */
  #watch(run: ImportRun, worker: ImportWorker): () => void {
    const watched: Watched = { state: run.manifest.state, sinceMs: performance.now(), partsBefore: 0, staging: null };
    this.#watched = watched;
    const timer = setInterval(async () => {
      const { state, partsCommitted } = run.manifest;
      if (state !== watched.state)
        Object.assign(watched, { state, sinceMs: performance.now(), partsBefore: partsCommitted });
      if (state === 'staging') watched.staging = await worker.progress().catch(() => null);
    }, WATCH_MS);
    timer.unref();
    return () => clearInterval(timer);
  }

  /** @returns whether that is noted; otherwise it is tried again */
  async #fail(id: string, run: ImportRun, error: unknown): Promise<boolean> {
    const endedAt = new Date().toISOString();
    try {
      if (run.manifest.cancelling) await run.update({ state: 'cancelled', endedAt, question: null });
      else await run.update({ state: 'failed', error: errorOf(error), endedAt });
    } catch (err) {
      this.#options.log('error', 'The end of an import cannot be noted', { id, err });
      return false;
    }
    if (run.manifest.state === 'failed') this.#options.log('error', 'An import has failed', { id, err: error });
    return true;
  }

  /** One that is neither running nor half loaded. */
  async #endNow(id: string): Promise<void> {
    const at = this.#waiting.indexOf(id);
    if (at >= 0) this.#waiting.splice(at, 1);
    const endedAt = new Date().toISOString();
    await this.#update(this.#find(id), { state: 'cancelled', question: null, counts: null, endedAt });
    await this.#tidy(this.#find(id));
  }

  /** What an import leaves that has ended, and is noted as such, but for its manifest and what counts. Never rejects. */
  async #tidy(manifest: ImportManifest): Promise<void> {
    const { id, origin, state, partsCommitted } = manifest;
    if (!ENDED.has(state) || state === 'done') return;
    try {
      // The lake has what was imported already; of an upload its sender has it.
      if (origin === 'inbox' && state !== 'already_imported') await this.#putBack(manifest);
      if (partsCommitted === 0) await removeFiles(this.#directoryOf(id));
    } catch (err) {
      this.#options.log('error', 'What is left of an import cannot be put away', { id, err });
    }
  }

  /** A file that was looked at goes back to where it was; one that was cancelled or failed would come again: to the side. */
  async #putBack({ id, state, files }: ImportManifest): Promise<void> {
    const inbox = path.join(this.#options.lake, INBOX);
    for (const { name, object } of files) {
      const source = path.join(this.#directoryOf(id), object);
      if (!existsSync(source)) continue;
      const before = path.join(inbox, name);
      const isToStay = state === 'checked' && !existsSync(before);
      await mkdir(path.join(inbox, SET_ASIDE), { recursive: true });
      await rename(source, isToStay ? before : path.join(inbox, SET_ASIDE, asideName(id, name)));
    }
  }

  async #takeFromInbox({ id, origin, files }: ImportManifest): Promise<void> {
    if (origin !== 'inbox') return;
    for (const { name, object } of files) {
      const source = path.join(this.#directoryOf(id), object);
      const file = path.join(this.#options.lake, INBOX, name);
      if (!existsSync(source) && existsSync(file)) await rename(file, source);
    }
    // The manifest says where the file is to be: whether this is on disk yet does not matter.
    await syncPath(this.#directoryOf(id)).catch(() => {});
  }

  #dependencies(id: string, worker: ImportWorker): RunDependencies {
    return {
      ...this.#options,
      worker,
      partBegins: () => this.#partBegins(id),
      partLoaded: () => this.#partLoaded(),
      sameAs: (manifest) => this.#sameAs(manifest),
      directoryOf: (id) => this.#directoryOf(id),
    };
  }

  #sameAs(manifest: ImportManifest): ImportManifest | null {
    const of = ({ files }: ImportManifest): string => files.map(({ sha256 }) => sha256).join();
    for (const other of this.#manifests.values()) {
      const isSame = other.id !== manifest.id && other.state === 'done' && other.sameAs === null;
      if (isSame && of(other) === of(manifest) && readsAlike(manifest.options, other.options)) return other;
    }
    return null;
  }

  async #accept(wish: Pick<ImportManifest, 'id' | 'origin' | 'files' | 'options'>): Promise<ImportReport> {
    const manifest: ImportManifest = {
      format: 1,
      ...wish,
      state: 'waiting',
      readings: [],
      question: null,
      error: null,
      createdAt: new Date().toISOString(),
      startedAt: null,
      endedAt: null,
      counts: null,
      firstRejects: [],
      sameAs: null,
      receivedAt: null,
      staged: null,
      partsCommitted: 0,
      continued: 0,
      rejectsKept: false,
      cancelling: false,
      replaced: 0,
    };
    const directory = this.#directoryOf(manifest.id);
    await writeManifest(directory, manifest);
    await syncPath(path.dirname(directory));
    try {
      await this.#takeFromInbox(manifest);
    } catch (cause) {
      await rm(directory, { recursive: true, force: true });
      throw new TillstreamError('unavailable', 'The file cannot be moved out of the inbox.', { cause });
    }
    this.#manifests.set(manifest.id, manifest);
    this.#enqueue(manifest.id);
    return this.#report(manifest.id);
  }

  async #takeIn(directory: string, number: number, name: string, bytes: Readable): Promise<ImportedFile> {
    const object = sourceName(number);
    const file = path.join(directory, object);
    const hash = createHash('sha256');
    let size = 0;
    const counted = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        size += chunk.length;
        hash.update(chunk);
        try {
          this.#options.assertRoom();
          done(null, chunk);
        } catch (error) {
          done(error as Error);
        }
      },
    });
    await pipeline(bytes, counted, createWriteStream(file, { highWaterMark: 2 ** 20 }));
    await syncPath(file);
    return { name, object, bytes: size, sha256: hash.digest('hex') };
  }

  /** Seen at once; on disk when it resolves. @throws unavailable  it is as it was */
  async #update(manifest: ImportManifest, change: Partial<ImportManifest>): Promise<void> {
    const changed = { ...manifest, ...change };
    this.#manifests.set(manifest.id, changed);
    try {
      await writeManifest(this.#directoryOf(manifest.id), changed);
    } catch (error) {
      if (this.#manifests.get(manifest.id) === changed) this.#manifests.set(manifest.id, manifest);
      throw error;
    }
  }

  #find(id: string): ImportManifest {
    const manifest = this.#run?.manifest.id === id ? this.#run.manifest : this.#manifests.get(id);
    if (manifest === undefined) throw new TillstreamError('not_found', `There is no import ${id.slice(0, 200)}.`);
    return manifest;
  }

  #report(id: string): ImportReport {
    const manifest = this.#find(id);
    const isRunning = this.#run?.manifest.id === id;
    return reportOf(manifest, isRunning ? this.#progress() : null);
  }

  #progress(): ImportProgress | null {
    const run = this.#run;
    return run === null || this.#watched === null ? null : progressOf(run.manifest, this.#watched);
  }

  #directoryOf(id: string): string {
    return path.join(this.#options.lake, IMPORTS, id);
  }

  /** `20261123-k7mq`: the day, and what tells it from others of the day. */
  #newId(): string {
    for (;;) {
      const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
      const rest = Array.from({ length: 4 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
      const id = `${day}-${rest}`;
      if (!existsSync(this.#directoryOf(id))) return id;
    }
  }
}

/** Without those that are read for others. */
const LETTERS = 'abcdefghjkmnpqrstvwxyz23456789';

const NAME_BYTES_MAX = 255;

/** With as much of the end of its name as a file system takes. */
function asideName(id: string, name: string): string {
  const characters = [...name];
  while (Buffer.byteLength(`${id}-${characters.join('')}`) > NAME_BYTES_MAX) characters.shift();
  return `${id}-${characters.join('')}`;
}

const PASSING: ReadonlySet<string> = new Set(['unavailable', 'disk_full', 'disk_low', 'overloaded']);

function passes(error: unknown): boolean {
  return isTillstreamError(error) && PASSING.has(error.code);
}

function errorOf(error: unknown): ImportReport['error'] {
  // What others throw tells of this machine.
  if (!isTillstreamError(error))
    return { code: 'internal', message: 'Something went wrong inside. The log has the reason.' };
  const { code, message, hint } = error;
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}

/** What the second says of how the files are to be read, the first has said, or leaves as it was found. */
function readsAlike(second: ImportOptions, first: ImportOptions): boolean {
  const keys = ['format', 'encoding', 'dateOrder', 'map'] as const;
  return keys.every((key) => second[key] === undefined || JSON.stringify(second[key]) === JSON.stringify(first[key]));
}

/** @throws invalid_parameter  it does not answer what was asked */
function checkAnswer({ question, readings }: ImportManifest, answer: Answer): void {
  const wanted = {
    date_order: 'dateOrder',
    columns: 'map',
    conflicts: 'conflicts',
    too_many_rejects: 'maxRejects',
  } as const;
  const key = question === null ? null : wanted[question.kind];
  if (key === null || answer[key] === undefined) {
    throw new TillstreamError('invalid_parameter', `The import asks for ${key}; that is not answered.`, {
      field: key,
      value: null,
    });
  }
  const isNumbered = readings.some(({ columns }) => columns.some(({ field }) => field === 'lineId'));
  if (answer.conflicts === 'continue-numbering' && isNumbered) {
    throw new TillstreamError('invalid_parameter', 'The file numbers its lines itself: they cannot be numbered on.', {
      field: 'conflicts',
      value: 'continue-numbering',
      hint: 'Replace the lines, or cancel the import.',
    });
  }
}

function reportOf(manifest: ImportManifest, progress: ImportProgress | null): ImportReport {
  const { id, state, origin, files, options, readings, question, error, counts, firstRejects, sameAs } = manifest;
  const { createdAt, startedAt, endedAt } = manifest;
  const seconds = startedAt === null || endedAt === null ? null : (Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
  return {
    ...{ id, state, origin, files, options, readings, question, error },
    ...{ createdAt, startedAt, endedAt, seconds, progress, counts, firstRejects, sameAs },
  };
}
