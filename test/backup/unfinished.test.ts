// What a backup or a restore removes: the rest of a run of its own that was killed, and nothing else, whatever its name.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDestination } from '../../src/backup/destination.ts';
import { writingFailure } from '../../src/backup/failure.ts';
import { LEFT_IN_WHOLE, UnfinishedDirectory } from '../../src/backup/unfinished.ts';
import { TillstreamError } from '../../src/model/errors.ts';
import { readDocument } from '../docs/markdown.ts';

let directory: string;
const at = (path: string): string => join(directory, path);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tillstream-unfinished-'));
  await mkdir(at('data'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function put(path: string, text = 'precious'): Promise<void> {
  await mkdir(dirname(at(path)), { recursive: true });
  await writeFile(at(path), text);
}

const refused = expect.objectContaining({ code: 'directory_not_empty' });
const claim = (name = 'place') =>
  UnfinishedDirectory.claim(at(name), 'last.json', () => new TillstreamError('directory_not_empty', 'It is taken.'));

/** Begun and written, in the order in which it is put in place: a, b/, last.json. */
async function written(): Promise<UnfinishedDirectory> {
  const unfinished = await claim();
  await unfinished.begin();
  await mkdir(join(unfinished.path, 'b'));
  for (const name of ['last.json', 'a', 'b/c']) await writeFile(join(unfinished.path, name), name);
  return unfinished;
}

describe('what is not ours', () => {
  it.each([
    ['mine', 'mine/unfinished/novel/1.txt'],
    ['mine', 'mine/unfinished'],
    ['mine', 'mine/lake/photo'],
    ['b.tar', 'b.tar.unfinished/x'],
    ['b.tar', 'b.tar.unfinished'],
  ])('a backup to %s leaves %s as it is', async (place, file) => {
    await put(file);
    if (place === 'mine') await mkdir(at('mine/unfinished'), { recursive: true }).catch(() => {});
    await expect(openDestination(at(place), at('data'))).rejects.toMatchObject({ code: 'backup_exists' });
    expect(await readFile(at(file), 'utf8')).toBe('precious');
  });

  it('a link to elsewhere, even to what is ours', async () => {
    await written();
    await mkdir(at('mine'));
    await symlink(at('place/unfinished'), at('mine/unfinished'));
    await expect(claim('mine')).rejects.toEqual(refused);
    expect((await readdir(at('place/unfinished'))).sort()).toEqual(['a', 'b', 'last.json', 'of-tillstream']);
  });

  it('what somebody has put beside a rest, by whichever name: refused, and all of it stays', async () => {
    await written();
    await put('place/lake/photo');
    await expect(claim()).rejects.toEqual(refused);
    expect((await readdir(at('place'))).sort()).toEqual(['lake', 'unfinished']);
  });

  it('what came between claim and begin', async () => {
    const unfinished = await claim();
    await put('place/unfinished/novel');
    await expect(unfinished.begin()).rejects.toEqual(refused);
    await unfinished.discard();
    expect(existsSync(at('place/unfinished/novel'))).toBe(true);
  });

  it('what came meanwhile under a name of ours: nothing is written over, and discard() leaves it', async () => {
    const unfinished = await written();
    await put('place/b');
    await expect(unfinished.finish()).rejects.toEqual(refused);
    expect((await readdir(at('place'))).sort()).toEqual(['a', 'b', 'unfinished']);
    await expect(claim()).rejects.toEqual(refused);
    await unfinished.discard();
    expect(await readdir(at('place'))).toEqual(['b']);
    expect(await readFile(at('place/b'), 'utf8')).toBe('precious');
  });
});

describe('the rest of a run that was killed', () => {
  it.each([
    ['before it was marked', () => mkdir(at('place/unfinished'), { recursive: true })],
    ['while it was written', written],
    // The rename that is refused is where the kill came; what was in its way is gone.
    ['before the first step', () => cutOffAt('a')],
    ['between two steps', () => cutOffAt('b')],
    ['before the last step', () => cutOffAt('last.json')],
  ])('%s: the next one removes it, and is whole', async (_, kill) => {
    await kill();
    const next = await written();
    expect(await readdir(at('place'))).toEqual(['unfinished']);
    await next.finish();
    expect((await readdir(at('place'))).sort()).toEqual(['a', 'b', 'last.json']);
    await expect(claim()).rejects.toEqual(refused);
  });

  it('in the very last step: it is whole, and never taken for a rest', async () => {
    await (await written()).finish();
    await put(`place/${LEFT_IN_WHOLE}`, 'a\nb\nlast.json\n');
    await expect(claim()).rejects.toEqual(refused);
    expect((await readdir(at('place'))).sort()).toEqual(['a', 'b', 'last.json', 'unfinished']);
  });

  it('of a tar: the next one begins anew', async () => {
    const { staging } = await openDestination(at('b.tar'), at('data'));
    await writeFile(join(staging, 'archive.tar'), 'half');
    const next = await openDestination(at('b.tar'), at('data'));
    expect(existsSync(join(staging, 'archive.tar'))).toBe(false);
    await next.discard();
    expect(await readdir(directory)).toEqual(['data']);
  });
});

async function cutOffAt(name: string): Promise<void> {
  const unfinished = await written();
  await put(`place/${name}`);
  await expect(unfinished.finish()).rejects.toEqual(refused);
  await rm(at(`place/${name}`));
}

describe('a place that cannot be written', () => {
  it('read-only, as all but a few places are for a service: the line of the unit is named', () => {
    const failure = writingFailure(new Error("EROFS: read-only file system, mkdir '/mnt/backup'"), '/mnt/backup');
    expect(failure).toMatchObject({
      code: 'directory_not_writable',
      hint: expect.stringContaining('ReadWritePaths= of its unit'),
    });
    expect(readDocument('examples/tillstream.service')).toMatch(/^# ?ReadWritePaths=-\/mnt\/backup$/m);
  });

  it('of another user: the right to write there', () => {
    expect(writingFailure(new Error('EACCES: permission denied'), '/mnt/backup')).toMatchObject({
      hint: expect.stringContaining('Give this user the right'),
    });
  });
});
