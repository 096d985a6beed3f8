// A backup to read, whichever form it has: a directory, or a tar of the same files.
//
// A tar begins with its manifest and its list, and has its files in the order of the list, so both forms are read once, from
// front to end, and held against the list on the way. Nothing that is not listed is ever given out.
import { existsSync } from 'node:fs';
import { lstat, opendir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TillstreamError } from '../model/errors.ts';
import { type Chunks, passOn, readFileChunks } from './content.ts';
import { FILE_LIST, type ListedFile, readFileList } from './file-list.ts';
import { damaged, MANIFEST, type Manifest, readManifest } from './manifest.ts';
import { readTar, type TarEntry } from './tar-file.ts';
import { LEFT_IN_WHOLE } from './unfinished.ts';

/** A file as it is listed, and where to read it; whoever reads it compares. */
export interface FoundFile extends ListedFile {
  read(): Chunks;
}

export interface OpenedBackup {
  readonly manifest: Manifest;
  /** Every listed file, in order. @throws backup_damaged  one is missing or has another length, or there are others */
  files(): AsyncGenerator<FoundFile>;
}

/** @throws file_not_found, backup_damaged, backup_too_new */
export async function openBackup(path: string): Promise<OpenedBackup> {
  if (!existsSync(path)) throw new TillstreamError('file_not_found', `${path} is not there.`);
  return (await stat(path)).isDirectory() ? openDirectory(path) : openTar(path);
}

async function openDirectory(path: string): Promise<OpenedBackup> {
  const manifestFile = join(path, MANIFEST);
  const listFile = join(path, FILE_LIST);
  if (!existsSync(manifestFile)) throw damaged(path, `it has no ${MANIFEST}: it was not finished, or is no backup`);
  const manifest = readManifest(await readFile(manifestFile, 'utf8'), path);
  if (!existsSync(listFile)) throw damaged(path, `${FILE_LIST} is missing`);
  await assertList(path, manifest, readFileChunks(listFile));
  return {
    manifest,
    async *files() {
      await refuseSurplus(path, manifest, listFile);
      for await (const listed of readFileList(readFileChunks(listFile), path)) {
        const file = join(path, listed.path);
        const found = await lstat(file).catch(() => null);
        if (found === null) throw damaged(path, `${listed.path} is missing`);
        assertLength(path, listed, found.isFile() ? found.size : -1);
        yield { ...listed, read: () => readFileChunks(file) };
      }
    },
  };
}

/** Files that the list does not have. Its names are held in memory only where there are any. */
async function refuseSurplus(path: string, { files }: Manifest, listFile: string): Promise<void> {
  let found = 0;
  for await (const _ of filesBelow(path, '')) found += 1;
  if (found <= files + 2) return;
  const known = new Set([MANIFEST, FILE_LIST, LEFT_IN_WHOLE]);
  for await (const listed of readFileList(readFileChunks(listFile), path)) known.add(listed.path);
  for await (const name of filesBelow(path, '')) {
    if (!known.has(name)) throw damaged(path, `${name} does not belong to it`);
  }
}

/** Whatever is no directory, by its path below. */
async function* filesBelow(directory: string, parents: string): AsyncGenerator<string> {
  for await (const entry of await opendir(directory)) {
    const name = parents + entry.name;
    if (entry.isDirectory()) yield* filesBelow(join(directory, entry.name), `${name}/`);
    else yield name;
  }
}

/** Of a manifest; ours take 2 KB. */
const MANIFEST_BYTES_MAX = 1024 * 1024;

async function openTar(path: string): Promise<OpenedBackup> {
  const head = readTar(path);
  const manifestEntry = await nextEntry(head);
  const list = await nextEntry(head);
  await head.return(undefined);
  if (manifestEntry?.path !== MANIFEST || manifestEntry.bytes > MANIFEST_BYTES_MAX) {
    throw damaged(
      path,
      `it does not begin with ${MANIFEST}. If it was packed by hand, unpack it and restore that directory`,
    );
  }
  const manifest = readManifest(await textOf(manifestEntry), path);
  if (list?.path !== FILE_LIST) throw damaged(path, `${FILE_LIST} is missing`);
  await assertList(path, manifest, list.read());
  return {
    manifest,
    async *files() {
      const entries = readTar(path);
      try {
        await nextEntry(entries);
        await nextEntry(entries);
        for await (const listed of readFileList(list.read(), path)) {
          const entry = await nextEntry(entries);
          if (entry === null) throw damaged(path, `it is cut before ${listed.path}`);
          if (entry.path !== listed.path) throw damaged(path, `it has ${entry.path} where ${listed.path} should be`);
          assertLength(path, listed, entry.bytes);
          yield { ...listed, read: entry.read };
        }
        const surplus = await nextEntry(entries);
        if (surplus !== null) throw damaged(path, `${surplus.path} does not belong to it`);
      } finally {
        await entries.return(undefined);
      }
    },
  };
}

async function nextEntry(entries: AsyncGenerator<TarEntry>): Promise<TarEntry | null> {
  const { value, done } = await entries.next();
  return done === true ? null : value;
}

async function textOf(entry: TarEntry): Promise<string> {
  const parts: Buffer[] = [];
  for await (const chunk of entry.read()) parts.push(chunk);
  return Buffer.concat(parts).toString('utf8');
}

async function assertList(path: string, { listSha256 }: Manifest, chunks: Chunks): Promise<void> {
  const { sha256 } = await passOn(chunks, () => {});
  if (sha256 !== listSha256) throw damaged(path, `${FILE_LIST} is not as it was written`);
}

function assertLength(path: string, listed: ListedFile, bytes: number): void {
  if (bytes === -1) throw damaged(path, `${listed.path} is not a file`);
  if (bytes !== listed.bytes) throw damaged(path, `${listed.path} has ${bytes} bytes, not ${listed.bytes}`);
}
