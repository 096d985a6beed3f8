// The imports of a lake, as their manifests have them: all of them, for good, in memory as on disk.
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { TillstreamError } from '../model/errors.ts';
import type { WriteLog } from '../model/log.ts';
import type { ImportOptions } from './import.ts';
import { type ImportManifest, readManifest, syncPath, writeManifest } from './manifest.ts';
import { MANIFEST } from './parts.ts';

/** Without those that are read for others. */
const LETTERS = 'abcdefghjkmnpqrstvwxyz23456789';

export class ImportHistory {
  readonly #directory: string;
  readonly #log: WriteLog;
  /** By id, oldest first. */
  readonly #manifests = new Map<string, ImportManifest>();

  /** Reads the manifests; what is left of uploads that never ended goes. */
  constructor(lake: string, log: WriteLog) {
    this.#directory = path.join(lake, 'imports');
    this.#log = log;
    mkdirSync(this.#directory, { recursive: true });
    const found: ImportManifest[] = [];
    for (const id of readdirSync(this.#directory)) {
      const directory = this.directoryOf(id);
      const manifest = existsSync(path.join(directory, MANIFEST)) ? this.#known(directory) : undefined;
      if (manifest === undefined && isOfUpload(directory)) rmSync(directory, { recursive: true, force: true });
      else if (manifest === undefined) log('error', 'An import is left alone: it has no manifest', { directory });
      else if (manifest !== null) found.push(manifest);
    }
    found.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
    for (const manifest of found) this.#manifests.set(manifest.id, manifest);
  }

  /** null: nobody here knows what to make of it, and nothing is made of it. */
  #known(directory: string): ImportManifest | null {
    try {
      const manifest = readManifest(directory);
      if (manifest.format === 1) return manifest;
      this.#log('error', 'An import is left alone: its manifest is of another version', { directory });
    } catch (err) {
      this.#log('error', 'An import is left alone: its manifest cannot be read', { directory, err });
    }
    return null;
  }

  /** Oldest first. */
  get all(): ImportManifest[] {
    return [...this.#manifests.values()];
  }

  has(id: string): boolean {
    return this.#manifests.has(id);
  }

  /** @throws not_found */
  find(id: string): ImportManifest {
    const manifest = this.#manifests.get(id);
    if (manifest === undefined) throw new TillstreamError('not_found', `There is no import ${id.slice(0, 200)}.`);
    return manifest;
  }

  /** Files and parts of an import. */
  directoryOf(id: string): string {
    return path.join(this.#directory, id);
  }

  /** With a directory, for what comes in. `20261123-k7mq`: the day, and what tells it from others of the day. */
  async newId(): Promise<string> {
    for (;;) {
      const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
      const rest = Array.from({ length: 4 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
      const id = `${day}-${rest}`;
      if (existsSync(this.directoryOf(id))) continue;
      await mkdir(this.directoryOf(id));
      return id;
    }
  }

  /** On disk when it resolves. @throws unavailable  there is none */
  async add(manifest: ImportManifest): Promise<void> {
    await writeManifest(this.directoryOf(manifest.id), manifest);
    await syncPath(this.#directory);
    this.#manifests.set(manifest.id, manifest);
  }

  /** One that has not begun, with what has come in of it. */
  async forget(id: string): Promise<void> {
    this.#manifests.delete(id);
    await rm(this.directoryOf(id), { recursive: true, force: true });
  }

  /** Seen at once; on disk when it resolves. @throws unavailable  that of it is as it was */
  async update(id: string, change: Partial<ImportManifest>): Promise<void> {
    const before = this.find(id);
    const changed = { ...before, ...change };
    this.#manifests.set(id, changed);
    try {
      await writeManifest(this.directoryOf(id), changed);
    } catch (error) {
      const keys = Object.keys(change) as (keyof ImportManifest)[];
      this.note(id, Object.fromEntries(keys.map((key) => [key, before[key]])));
      throw error;
    }
  }

  /** Of the moment: it need not be on disk. */
  note(id: string, change: Partial<ImportManifest>): void {
    this.#manifests.set(id, { ...this.find(id), ...change });
  }

  /** Another import of the same bytes, read in the same way, that has done its work. */
  sameAs(manifest: ImportManifest): ImportManifest | null {
    const bytesOf = ({ files }: ImportManifest): string => files.map(({ sha256 }) => sha256).join();
    const found = this.all.find(
      (other) =>
        other.id !== manifest.id &&
        other.state === 'done' &&
        other.sameAs === null &&
        bytesOf(other) === bytesOf(manifest) &&
        readsAlike(manifest.options, other.options),
    );
    return found ?? null;
  }
}

/** That never ended: of anything else, parts may be what a store is rebuilt from. */
function isOfUpload(directory: string): boolean {
  return !readdirSync(directory).some((name) => name.startsWith('part-'));
}

/** What the second says of how the files are to be read, the first has said, or leaves as it was found. */
function readsAlike(second: ImportOptions, first: ImportOptions): boolean {
  const keys = ['format', 'encoding', 'dateOrder', 'map'] as const;
  return keys.every((key) => second[key] === undefined || JSON.stringify(second[key]) === JSON.stringify(first[key]));
}
