// The disk runs full in the middle of an import: it says so, keeps what it has, and goes on by itself once there is room.
//
// On a small tmpfs, which has to be mounted; where this user may not, these tests count as skipped.
import { cp, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { endPlatforms, freshDirectory, type Platform, startPlatform } from '../support/platform.ts';
import { canMount, fillBut, mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';
import { beginFromInbox, importWhen, settled } from './watched.ts';

/** More than a small disk takes. */
const LINES = 150_000;
/** Where it waits before. */
const FEW_LINES = 20_000;
const RESERVE_BYTES = 32 * 2 ** 20;
let disk: SmallDisk | null = null;

afterEach(async () => {
  await endPlatforms();
  disk?.unmount();
  disk = null;
});

async function platformOn(directory: string, lines: number): Promise<Platform> {
  const platform = await startPlatform(join(directory, 'data'), {
    env: { TILLSTREAM_DISK_RESERVE_BYTES: String(RESERVE_BYTES) },
  });
  const file = join(directory, 'data', 'lake', 'inbox', 'sales.csv');
  const made = await runCli(['generate', '--lines', String(lines), '--out', file]);
  expect(made.code, made.stderr).toBe(0);
  return platform;
}

describe.runIf(canMount())('an import on a disk that is full', () => {
  it('waits with a clear message before it stages, and goes on by itself', async () => {
    disk = mountSmallDisk('size=320m');
    const platform = await platformOn(disk.directory, FEW_LINES);
    const filler = fillBut(disk.directory, RESERVE_BYTES + 20 * 2 ** 20);
    const id = await beginFromInbox(platform, 'sales.csv');
    const { error } = await importWhen(platform, id, (report) => report.error !== null);
    expect(error?.code).toBe('disk_full');
    expect(error?.message).toMatch(
      /^The disk of the platform has [\d.]+ MB: 33\.6 MB are to stay free, and the import needs [\d.]+ MB\.$/,
    );
    await rm(filler);
    expect(await settled(platform, id)).toMatchObject({ state: 'done', counts: { lines: FEW_LINES }, error: null });
    expect((await platform.verify()).agrees).toBe(true);
  });

  // A disk of the store alone, and too small for the lines, whenever they come: the import has been staged by then.
  it.each([
    ['orders', '64m', 'The order store cannot be written: the disk is full'],
    ['warehouse', '2m', 'The warehouse cannot take in a part of the import: the disk is full'],
  ])('stops when the disk of %s runs full, also through a restart, and goes on', async (store, size, message) => {
    disk = mountSmallDisk(`size=${size}`);
    const directory = await freshDirectory();
    const data = join(directory, 'data');
    await (await startPlatform(data)).stop();
    await cp(join(data, store), disk.directory, { recursive: true });
    await rm(join(data, store), { recursive: true });
    await symlink(disk.directory, join(data, store));
    const first = await platformOn(directory, LINES);
    const id = await beginFromInbox(first, 'sales.csv');
    const { error } = await importWhen(first, id, (report) => report.error !== null);
    expect(error).toMatchObject({ code: 'unavailable', message });
    await first.kill();
    disk.remount('size=1g');
    const second = await startPlatform(data);
    expect(await settled(second, id)).toMatchObject({ state: 'done', counts: { lines: LINES }, error: null });
    expect((await second.verify()).agrees).toBe(true);
  });
});
