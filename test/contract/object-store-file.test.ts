// The object store on files: the contract, and what is the file system's own.
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openFileStore } from '../../src/stores/lake/file-store.ts';
import { type ObjectStoreBackend, objectStoreContract } from './object-store.contract.ts';

async function makeBackend(): Promise<ObjectStoreBackend & { readonly directory: string }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'tillstream-lake-'));
  return {
    directory,
    open: async () => openFileStore(path.join(directory, 'lake')),
    dispose: () => rm(directory, { recursive: true, force: true }),
  };
}

objectStoreContract('file', makeBackend);

test('object store (file): what a killed process left unfinished is never listed, and goes on opening', async () => {
  const backend = await makeBackend();
  const unfinished = path.join(backend.directory, 'lake', '~unfinished');
  await mkdir(unfinished, { recursive: true });
  await writeFile(path.join(unfinished, 'leftover'), 'half');
  const anHourAgo = new Date(Date.now() - 3_600_000);
  await utimes(path.join(unfinished, 'leftover'), anHourAgo, anHourAgo);
  await writeFile(path.join(unfinished, 'in-flight'), 'half');
  const store = await backend.open();
  await store.put('a', Buffer.from('1'));
  const listed: string[] = [];
  for await (const { name } of store.list('')) listed.push(name);
  expect(listed).toEqual(['a']);
  // Another thread of this process may be writing the younger one.
  expect(await readdir(unfinished)).toEqual(['in-flight']);
  await backend.dispose();
});

test('object store (file): a directory that was deleted under it is unavailable, never silently new', async () => {
  const backend = await makeBackend();
  const store = await backend.open();
  await store.put('a/b', Buffer.from('1'));
  await rm(path.join(backend.directory, 'lake'), { recursive: true });
  await expect(store.put('a/c', Buffer.from('2'))).rejects.toMatchObject({ code: 'unavailable' });
  expect(await readdir(backend.directory)).toEqual([]);
  await backend.dispose();
});

test('object store (file): a file where the directory should be is said so', async () => {
  const backend = await makeBackend();
  await writeFile(path.join(backend.directory, 'lake'), '');
  expect(() => openFileStore(path.join(backend.directory, 'lake'))).toThrow(
    expect.objectContaining({ code: 'directory_not_writable' }),
  );
  await backend.dispose();
});
