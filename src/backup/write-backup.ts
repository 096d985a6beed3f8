// Makes a backup whole: from copies of the stores and the objects of the lake, the list of all files, the manifest, and the tar.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { ObjectInfo } from '../stores/lake/object-store.ts';
import { COPIED_STORES, LAKE, SAMPLE_FILE, VERSION_FILE } from '../stores/layout.ts';
import { type Content, type OnBytes, passOn, readFileChunks, settle, writeNew } from './content.ts';
import { FILE_LIST, FileListWriter, type ListedFile, readFileList } from './file-list.ts';
import { MANIFEST, type Manifest, manifestText } from './manifest.ts';
import { TarWriter } from './tar-file.ts';

export interface BackupParts {
  /** Holds copies of the stores, and of what changes in the lake, in the layout of a data directory. */
  readonly staging: string;
  /** A tar to make of it all; null: the staging directory is to hold everything. */
  readonly archive: string | null;
  /** Has what does not change and need not be copied before. */
  readonly dataDirectory: string;
  /** Those of the lake that belong to the backup. */
  readonly objects: AsyncIterable<ObjectInfo>;
  readonly about: Omit<Manifest, 'dataFormat' | 'files' | 'bytes' | 'listSha256'>;
  readonly onBytes: OnBytes;
  /** From now on bytes are those that go into the tar. */
  readonly onPacking: (bytesTotal: number) => void;
}

export async function writeBackup(parts: BackupParts): Promise<Manifest> {
  const { staging, archive, dataDirectory, about } = parts;
  const list = await FileListWriter.create(join(staging, FILE_LIST));
  let listed: Awaited<ReturnType<FileListWriter['end']>>;
  try {
    for await (const file of listFiles(parts)) await list.add(file);
    listed = await list.end();
  } finally {
    await list.close();
  }
  const { format: dataFormat } = JSON.parse(await readFile(join(dataDirectory, VERSION_FILE), 'utf8'));
  const manifest = { ...about, dataFormat, ...listed };
  await writeNew(join(staging, MANIFEST), [Buffer.from(manifestText(manifest))], () => {});
  if (archive !== null) await pack(parts, archive, manifest);
  return manifest;
}

/** Every file of the backup, once it is on disk where it belongs. */
async function* listFiles({
  staging,
  archive,
  dataDirectory,
  objects,
  onBytes,
}: BackupParts): AsyncGenerator<ListedFile> {
  for (const directory of [...COPIED_STORES, LAKE]) {
    for (const path of await copiesIn(staging, directory)) {
      yield { path, ...(await settle(join(staging, path), onBytes)) };
    }
  }
  const take = (path: string): Promise<Content> => {
    const chunks = readFileChunks(join(dataDirectory, path));
    return archive === null ? writeNew(join(staging, path), chunks, onBytes) : passOn(chunks, onBytes);
  };
  for await (const { name } of objects) yield { path: `${LAKE}/${name}`, ...(await take(`${LAKE}/${name}`)) };
  if (existsSync(join(dataDirectory, SAMPLE_FILE))) yield { path: SAMPLE_FILE, ...(await take(SAMPLE_FILE)) };
  // Last: without it nothing is a data directory.
  yield { path: VERSION_FILE, ...(await take(VERSION_FILE)) };
}

/** What has been copied already, in order: of the lake, what changes. */
async function copiesIn(staging: string, directory: string): Promise<string[]> {
  if (!existsSync(join(staging, directory))) return [];
  const entries = await readdir(join(staging, directory), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(staging, join(entry.parentPath, entry.name)))
    .sort();
}

async function pack(
  { staging, dataDirectory, about, onBytes, onPacking }: BackupParts,
  archive: string,
  manifest: Manifest,
) {
  onPacking(manifest.bytes);
  const tar = await TarWriter.create(archive, new Date(about.createdAt));
  try {
    for (const name of [MANIFEST, FILE_LIST]) {
      const file = join(staging, name);
      const { bytes } = await passOn(readFileChunks(file), () => {});
      await tar.add(name, bytes, readFileChunks(file), () => {});
    }
    for await (const { path, bytes, sha256 } of readFileList(readFileChunks(join(staging, FILE_LIST)), archive)) {
      const staged = join(staging, path);
      const file = existsSync(staged) ? staged : join(dataDirectory, path);
      const packed = await tar.add(path, bytes, readFileChunks(file), onBytes);
      if (packed.sha256 !== sha256) throw new Error(`${path} has changed while the backup was made`);
    }
    await tar.end();
  } finally {
    await tar.close();
  }
}
