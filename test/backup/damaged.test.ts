// Backups that are not whole: each is refused with the reason, and leaves nothing where it was to be restored.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, open, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Manifest, manifestText } from '../../src/backup/manifest.ts';
import { readTar, TarWriter } from '../../src/backup/tar-file.ts';
import { LEFT_IN_WHOLE } from '../../src/backup/unfinished.ts';
import { restore } from '../../src/platform/restore.ts';
import { accept, lines } from '../faults/lines.ts';
import { runCli } from '../support/cli.ts';
import { endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';

let directory: string;
let whole: string;
let wholeTar: string;
let paths: string[];

beforeAll(async () => {
  directory = await freshDirectory('damaged');
  whole = join(directory, 'whole');
  wholeTar = join(directory, 'whole.tar');
  const platform = await startPlatform(join(directory, 'data'));
  await accept(platform, lines('600001', 50));
  for (const path of [whole, wholeTar]) {
    expect((await platform.request('POST', '/v1/backups', JSON.stringify({ path }), 'application/json')).status).toBe(
      201,
    );
  }
  await platform.stop();
  paths = (await readdir(whole, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(whole.length + 1));
});
afterAll(endPlatforms);

/** How the restore of a backup ends; whatever it is, nothing may be left where it was to go. */
async function refusalOf(backup: string): Promise<string> {
  const dataDirectory = join(directory, 'restored');
  const refusal = await restore({ backup, dataDirectory, newKeys: false, onProgress: () => {} }).then(
    () => 'restored',
    ({ code, message }) => `${code}: ${String(message).replaceAll(directory, '…')}`,
  );
  expect(existsSync(dataDirectory)).toBe(refusal === 'restored');
  await rm(dataDirectory, { recursive: true, force: true });
  return refusal;
}

/** A copy of the whole one, changed. */
async function changed(change: (copy: string) => Promise<void>): Promise<string> {
  const copy = join(directory, 'copy');
  await rm(copy, { recursive: true, force: true });
  await cp(whole, copy, { recursive: true });
  await change(copy);
  return copy;
}

async function flipByte(file: string, at: number): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, at);
    await handle.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at);
  } finally {
    await handle.close();
  }
}

async function readWholeManifest(): Promise<Manifest> {
  const { sha256: _, ...manifest } = JSON.parse(await readFile(join(whole, 'manifest.json'), 'utf8'));
  return manifest;
}

describe('a damaged directory', () => {
  it('whole, it is restored', async () => {
    expect(paths).toEqual(expect.arrayContaining(['manifest.json', 'files.ndjson', 'version.json']));
    expect(paths.filter((path) => path.endsWith('.gz'))).not.toEqual([]);
    expect(await refusalOf(whole)).toBe('restored');
  });

  it.each(['a flipped byte', 'cut by a byte', 'missing'])(
    '%s, in any of its files: the file is named',
    async (damage) => {
      for (const path of paths) {
        const copy = await changed(async (root) => {
          const file = join(root, path);
          const { size } = await stat(file);
          if (damage === 'missing') await rm(file);
          // What JSON takes for the same is the same: no byte between its words.
          else if (damage === 'a flipped byte') await flipByte(file, path === 'manifest.json' ? 20 : size >> 1);
          else await truncate(file, path === 'manifest.json' ? size - 2 : size - 1);
        });
        const refusal = await refusalOf(copy);
        expect(refusal, path).toMatch(/^backup_(damaged|too_new): …\/copy /);
        expect(refusal).toContain(path === 'manifest.json' && damage === 'missing' ? 'was not finished' : path);
      }
    },
  );

  it('a file too many, or a link in the place of one', async () => {
    const more = await changed((root) => writeFile(join(root, 'lake', 'raw', 'more'), ''));
    expect(await refusalOf(more)).toBe(
      'backup_damaged: …/copy cannot be restored: lake/raw/more does not belong to it.',
    );
    // Our own mark, as a kill in the very last step leaves it, is none.
    const marked = await changed(async (root) => {
      await mkdir(join(root, 'unfinished'));
      await writeFile(join(root, LEFT_IN_WHOLE), '');
    });
    expect(await refusalOf(marked)).toBe('restored');
    const linked = await changed(async (root) => {
      await rm(join(root, 'version.json'));
      await symlink(join(whole, 'version.json'), join(root, 'version.json'));
    });
    expect(await refusalOf(linked)).toBe('backup_damaged: …/copy cannot be restored: version.json is not a file.');
  });

  it('a newer format, of the backup or of the data directory', async () => {
    const manifest = await readWholeManifest();
    for (const [newer, words] of [
      [{ ...manifest, format: 2, surprise: true }, '…/copy has format 2 of a backup; this version reads up to 1.'],
      [{ ...manifest, dataFormat: 9 }, '…/copy has format 9 of a data directory; this version reads up to 1.'],
    ] as const) {
      const copy = await changed((root) => writeFile(join(root, 'manifest.json'), manifestText(newer as Manifest)));
      expect(await refusalOf(copy)).toBe(`backup_too_new: ${words}`);
    }
  });

  it('a list whose paths lead out of it', async () => {
    const escaping = join(directory, 'escaped');
    for (const path of ['../escaped', '/etc/escaped', 'lake/../../escaped', 'lake//escaped', '']) {
      const copy = await changed(async (root) => {
        const list = `${await readFile(join(root, 'files.ndjson'), 'utf8')}${JSON.stringify({ path, bytes: 2, sha256: sha256('{}') })}\n`;
        const manifest = await readWholeManifest();
        await writeFile(join(root, 'files.ndjson'), list);
        await writeFile(
          join(root, 'manifest.json'),
          manifestText({ ...manifest, files: manifest.files + 1, listSha256: sha256(list) }),
        );
      });
      await writeFile(escaping, '{}');
      expect(await refusalOf(copy)).toContain(`its list names "${path}", which is not a path within a backup`);
    }
  });

  it('something else: no backup, and not there', async () => {
    await mkdir(join(directory, 'else'), { recursive: true });
    expect(await refusalOf(join(directory, 'else'))).toContain(
      'it has no manifest.json: it was not finished, or is no backup',
    );
    expect(await refusalOf(join(directory, 'nowhere'))).toBe('file_not_found: …/nowhere is not there.');
    expect(await refusalOf(join(directory, 'data'))).toContain('it has no manifest.json');
  });
});

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

describe('a damaged tar', () => {
  const changedTar = async (change: (copy: string, bytes: number) => Promise<void>): Promise<string> => {
    const copy = join(directory, 'copy.tar');
    await cp(wholeTar, copy);
    await change(copy, (await stat(copy)).size);
    return copy;
  };
  /** Written anew, entry by entry. */
  const repacked = async (entries: readonly (readonly [string, Buffer])[]): Promise<string> => {
    const file = join(directory, 'copy.tar');
    await rm(file, { force: true });
    const tar = await TarWriter.create(file, new Date());
    for (const [path, data] of entries) await tar.add(path, data.length, [data], () => {});
    await tar.end();
    await tar.close();
    return file;
  };
  const entriesOfWhole = async (): Promise<[string, Buffer][]> => {
    const entries: [string, Buffer][] = [];
    for await (const { path, read } of readTar(wholeTar)) {
      const parts: Buffer[] = [];
      for await (const chunk of read()) parts.push(chunk);
      entries.push([path, Buffer.concat(parts)]);
    }
    return entries;
  };

  it('whole, it is restored; so it is unpacked by another program', async () => {
    expect(await refusalOf(wholeTar)).toBe('restored');
    const unpacked = join(directory, 'unpacked');
    for (const [path, data] of await entriesOfWhole()) {
      await mkdir(dirname(join(unpacked, path)), { recursive: true });
      await writeFile(join(unpacked, path), data);
    }
    expect(await refusalOf(unpacked)).toBe('restored');
  });

  it('cut, wherever', async () => {
    const { size } = await stat(wholeTar);
    for (let share = 0; share < 1; share += 0.04) {
      const cut = await changedTar((copy) => truncate(copy, Math.floor(size * share)));
      expect(await refusalOf(cut), `cut at ${share}`).toMatch(/^backup_damaged: /);
    }
  });

  it('a flipped byte in any file, or in the header of any', async () => {
    let at = 0;
    for await (const { path, bytes } of readTar(wholeTar)) {
      const start = at + 512;
      for (const place of [at + 3, start + (path === 'manifest.json' ? 20 : bytes >> 1)]) {
        const flipped = await changedTar((copy) => flipByte(copy, place));
        expect(await refusalOf(flipped), `${path} at ${place}`).toMatch(/^backup_(damaged|too_new): /);
      }
      at = start + Math.ceil(bytes / 512) * 512;
    }
  });

  it('a path that leads out of it, a file too many, one missing, another order, nothing at all', async () => {
    const entries = await entriesOfWhole();
    const [manifest, list, ...files] = entries as [[string, Buffer], [string, Buffer], ...[string, Buffer][]];
    const evil = join(directory, 'evil');
    expect(await refusalOf(await repacked([manifest, list, ['../evil', Buffer.from('x')], ...files]))).toContain(
      'it has ../evil where stream/data.mdb should be',
    );
    expect(existsSync(evil)).toBe(false);
    expect(await refusalOf(await repacked([...entries, ['../evil', Buffer.from('x')]]))).toContain(
      '../evil does not belong to it',
    );
    expect(await refusalOf(await repacked(entries.slice(0, -1)))).toContain('it is cut before version.json');
    expect(await refusalOf(await repacked([...files, list, manifest]))).toContain(
      'it does not begin with manifest.json',
    );
    expect(await refusalOf(await repacked([manifest, list, ...files.reverse()]))).toContain(
      'where stream/data.mdb should be',
    );
    expect(await refusalOf(await repacked([]))).toContain('it does not begin with manifest.json');
    await writeFile(join(directory, 'text.tar'), 'this is no tar at all, '.repeat(100));
    expect(await refusalOf(join(directory, 'text.tar'))).toContain('byte 0 is not the start of a file in a tar');
  });
});

describe('where a backup is to be restored', () => {
  it('nothing is overwritten', async () => {
    const target = join(directory, 'target');
    await mkdir(target);
    await writeFile(join(target, 'mine'), 'mine');
    const run = await runCli(['restore', whole, '--data-dir', target]);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr.replaceAll(directory, '…')).toMatchInlineSnapshot(`
      "directory_not_empty: …/target is not an empty directory.
      Name a new or empty one with --data-dir; nothing in it was touched.
      "
    `);
    expect(await readdir(target)).toEqual(['mine']);
    // Names alone do not make it the rest of a restore.
    const named = join(directory, 'named');
    for (const path of ['unfinished/novel', 'lake/photo']) {
      await mkdir(dirname(join(named, path)), { recursive: true });
      await writeFile(join(named, path), 'precious');
    }
    await expect(
      restore({ backup: whole, dataDirectory: named, newKeys: false, onProgress: () => {} }),
    ).rejects.toMatchObject({ code: 'directory_not_empty' });
    expect((await readdir(named, { recursive: true })).sort()).toEqual([
      'lake',
      'lake/photo',
      'unfinished',
      'unfinished/novel',
    ]);
    expect((await runCli(['restore', whole, '--data-dir', join(target, 'mine')])).stderr).toContain(
      'directory_not_empty',
    );
    expect((await runCli(['restore', whole, '--data-dir', join(directory, 'no', 'parent')])).stderr).toContain(
      'file_not_found',
    );
  });

  it('what a killed restore has left is no data directory, and is cleared by the next one', async () => {
    const target = join(directory, 'cut-off');
    // As it is between two renames of the last step.
    await cp(whole, target, { recursive: true });
    for (const name of ['manifest.json', 'files.ndjson', 'version.json']) await rm(join(target, name));
    await mkdir(join(target, 'unfinished'));
    await writeFile(join(target, LEFT_IN_WHOLE), `${(await readdir(target)).join('\n')}\nversion.json\n`);
    await cp(join(whole, 'version.json'), join(target, 'unfinished', 'version.json'));
    await rm(join(target, 'lake', 'state', 'checkpoint.json'));
    await expect(startPlatform(target)).rejects.toThrow('holds a restore that was not finished');
    const run = await runCli(['restore', whole, '--data-dir', target, '--json']);
    expect(run).toMatchObject({ code: 0 });
    const platform = await startPlatform(target);
    expect(await platform.verify()).toMatchObject({
      agrees: true,
      stores: [{ lines: 50 }, { lines: 50 }, { lines: 50 }],
    });
    expect((await runCli(['restore', whole, '--data-dir', target])).stderr).toContain('directory_not_empty');
  });
});
