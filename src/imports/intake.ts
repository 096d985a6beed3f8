// What comes in: uploads, and files of the inbox, each noted as an import before it counts as taken.
import { createHash } from 'node:crypto';
import { createWriteStream, existsSync, lstatSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isTillstreamError, TillstreamError } from '../model/errors.ts';
import type { ImportHistory } from './history.ts';
import { ENDED, type ImportedFile, type ImportOptions, type ImportReport } from './import.ts';
import type { Intake } from './imports.ts';
import { takeFromInbox } from './inbox-files.ts';
import { type ImportManifest, syncPath } from './manifest.ts';
import { sourceName } from './parts.ts';

export interface IntakeParts {
  readonly history: ImportHistory;
  readonly inbox: string;
  /** @throws disk_full  nothing more may come in */
  readonly assertRoom: () => void;
  /** It is there, and waits for its turn. */
  readonly accepted: (id: string) => ImportReport;
}

const FILES_MAX = 10_000;

export class Intakes {
  readonly #parts: IntakeParts;
  /** Files of the inbox that are on their way out of it. */
  readonly #taken = new Set<string>();

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    mkdirSync(parts.inbox, { recursive: true });
  }

  async begin(options: ImportOptions): Promise<Intake> {
    const { history, assertRoom } = this.#parts;
    assertRoom();
    const id = await history.newId();
    const files: ImportedFile[] = [];
    return {
      add: async (name, bytes) => {
        if (files.length === FILES_MAX) {
          throw new TillstreamError('invalid_parameter', `An import takes ${FILES_MAX} files at most.`);
        }
        const own = distinct(name, files);
        files.push(await this.#takeIn(history.directoryOf(id), files.length + 1, own, bytes));
      },
      finish: async () => {
        if (files.length === 0) throw new TillstreamError('empty_request', 'No file was sent.');
        return this.#accept({ id, origin: 'upload', files, options });
      },
      abandon: () => history.forget(id),
    };
  }

  async fromInbox(name: string, options: ImportOptions): Promise<ImportReport> {
    const file = path.join(this.#parts.inbox, name);
    // Of a link, the lake would keep where it leads to.
    const isThere =
      path.basename(name) === name &&
      !name.startsWith('.') &&
      lstatSync(file, { throwIfNoEntry: false })?.isFile() === true;
    if (!isThere || this.#taken.has(name) || this.#isOfAnother(name)) {
      throw new TillstreamError('file_not_found', `The inbox has no file ${name.slice(0, 200)}.`, {
        field: 'file',
        value: name.slice(0, 200),
      });
    }
    this.#taken.add(name);
    try {
      const id = await this.#parts.history.newId();
      const files = [{ name, object: sourceName(1), bytes: statSync(file).size, sha256: '' }];
      // First the manifest: a kill between the two leaves the file where it is, or where the manifest says.
      return await this.#accept({ id, origin: 'inbox', files, options });
    } finally {
      this.#taken.delete(name);
    }
  }

  /** A kill may have come between the noting of an import and the moving of its file. */
  #isOfAnother(name: string): boolean {
    const { history } = this.#parts;
    return history.all.some(
      ({ id, origin, state, files }) =>
        origin === 'inbox' &&
        !ENDED.has(state) &&
        files.some((file) => file.name === name && !existsSync(path.join(history.directoryOf(id), file.object))),
    );
  }

  async #accept(wish: Pick<ImportManifest, 'id' | 'origin' | 'files' | 'options'>): Promise<ImportReport> {
    const { history, inbox, accepted } = this.#parts;
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
    try {
      await history.add(manifest);
      await takeFromInbox(inbox, history.directoryOf(manifest.id), manifest);
    } catch (cause) {
      await history.forget(manifest.id);
      if (isTillstreamError(cause)) throw cause;
      throw new TillstreamError('unavailable', 'The file cannot be moved out of the inbox.', { cause });
    }
    return accepted(manifest.id);
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
          this.#parts.assertRoom();
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
}

/** Files are told apart by their names, in questions and in what is said of a row. */
function distinct(name: string, files: readonly ImportedFile[]): string {
  const names = new Set(files.map((file) => file.name));
  let own = name;
  for (let number = 2; names.has(own); number += 1) own = `${name} (${number})`;
  return own;
}
