// A start that fails half-way, in a process that lives on: nothing of it stays.
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readConfig } from '../../src/platform/config.ts';
import { endPlatforms, freshDirectory } from '../support/platform.ts';

// Its threads run compiled code only.
const built = new URL('../../dist/platform/local.js', import.meta.url).href;
const { startPlatform }: typeof import('../../src/platform/local.ts') = await import(built);

afterAll(endPlatforms);

/** What keeps this process awake for them. */
function threads(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'MessagePort' || resource === 'Worker')
    .length;
}

it.each(['orders', 'state', 'stream'])(
  'a store that cannot be opened (%s) ends the threads and gives the lock up',
  async (store) => {
    const dataDirectory = join(await freshDirectory('failed'), 'data');
    const config = readConfig({}, { dataDirectory, port: '0', auth: 'false' });
    const fatal: Error[] = [];
    const start = () => startPlatform({ config, sample: null, onFatal: (error) => fatal.push(error) });
    await (await start()).close();
    const file = join(dataDirectory, store, 'data.mdb');
    await rename(file, `${file}.kept`);
    await mkdir(file);

    const before = threads();
    await expect(start()).rejects.toThrow();
    expect(threads()).toBe(before);
    await rm(file, { recursive: true });
    await rename(`${file}.kept`, file);
    const platform = await start();
    expect(threads()).toBeGreaterThan(before);
    expect((await platform.verify()).agrees).toBe(true);
    await platform.close();
    expect(fatal).toEqual([]);
  },
);
