// Files on their way out of the inbox and back, also where the inbox is on a disk of its own: in memory here.
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ImportState } from '../../src/imports/import.ts';
import { doneImport } from '../../src/imports/imports-examples.ts';
import { putBack, takeFromInbox } from '../../src/imports/inbox-files.ts';
import type { ImportManifest } from '../../src/imports/manifest.ts';

const OTHER_DISK = '/dev/shm';

/** What these functions read of a manifest. */
function manifest(state: ImportState): ImportManifest {
  const files = [{ name: 'may.csv', object: 'source-001', bytes: 3, sha256: '' }];
  return { ...doneImport, id: '20261123-k7mq', origin: 'inbox', state, files } as unknown as ImportManifest;
}

describe.each([
  ['of the same disk', tmpdir()],
  ...(process.platform === 'linux' ? [['of another disk', OTHER_DISK]] : []),
])('an inbox %s', (_, disk = '') => {
  let inbox: string;
  let directory: string;
  beforeEach(async () => {
    inbox = await mkdtemp(path.join(disk, 'tillstream-inbox-'));
    directory = await mkdtemp(path.join(tmpdir(), 'tillstream-import-'));
    await writeFile(path.join(inbox, 'may.csv'), 'may');
  });
  afterEach(async () => {
    for (const each of [inbox, directory]) await rm(each, { recursive: true });
  });

  it('is on the disk that it says', async () => {
    const isSame = (await stat(inbox)).dev === (await stat(directory)).dev;
    expect(isSame).toBe(disk !== OTHER_DISK);
  });

  it('gives the file to the import, once', async () => {
    await takeFromInbox(inbox, directory, manifest('waiting'));
    expect(await readdir(inbox)).toEqual([]);
    expect(await readdir(directory)).toEqual(['source-001']);
    expect(await readFile(path.join(directory, 'source-001'), 'utf8')).toBe('may');
    // One of the same name that comes later is of another import.
    await writeFile(path.join(inbox, 'may.csv'), 'june');
    await takeFromInbox(inbox, directory, manifest('waiting'));
    expect(await readFile(path.join(inbox, 'may.csv'), 'utf8')).toBe('june');
    expect(await readFile(path.join(directory, 'source-001'), 'utf8')).toBe('may');
  });

  it('gets it back after a look, and to the side where it failed', async () => {
    await takeFromInbox(inbox, directory, manifest('waiting'));
    await putBack(inbox, directory, manifest('checked'));
    expect(await readFile(path.join(inbox, 'may.csv'), 'utf8')).toBe('may');
    await takeFromInbox(inbox, directory, manifest('waiting'));
    await putBack(inbox, directory, manifest('failed'));
    expect(await readdir(path.join(inbox, 'set-aside'))).toEqual(['20261123-k7mq-may.csv']);
    expect(await readdir(directory)).toEqual([]);
  });

  it('keeps it where it cannot be taken', async () => {
    await rm(directory, { recursive: true });
    await expect(takeFromInbox(inbox, directory, manifest('waiting'))).rejects.toThrow();
    expect(await readFile(path.join(inbox, 'may.csv'), 'utf8')).toBe('may');
    await mkdir(directory);
  });
});
