// A rebuilt store comes into its place whole or not at all, whichever step a kill has cut off.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { beginRebuild, finishSwaps, removeRests, swapStore } from '../../src/platform/store-swap.ts';

let root: string;
const at = (path: string): string => join(root, path);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tillstream-swap-'));
  await put('orders', 'old');
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function put(directory: string, text: string): Promise<void> {
  await mkdir(at(directory), { recursive: true });
  await writeFile(at(`${directory}/data.mdb`), text);
}

const standing = (): Promise<string> => readFile(at('orders/data.mdb'), 'utf8');

test('the new one is in place of the old one, which is there until it is removed', async () => {
  beginRebuild(root, 'orders');
  await put('rebuild/orders', 'new');
  swapStore(root, 'orders');
  expect(await standing()).toBe('new');
  expect(await readFile(at('rebuild/orders.old/data.mdb'), 'utf8')).toBe('old');
  removeRests(root);
  expect(await readdir(root)).toEqual(['orders']);
});

test('a store that was deleted: the new one is in its place', async () => {
  await rm(at('orders'), { recursive: true });
  beginRebuild(root, 'orders');
  await put('rebuild/orders', 'new');
  swapStore(root, 'orders');
  expect(await standing()).toBe('new');
});

test.each([
  ['while it is built', 'old', () => put('rebuild/orders', 'half')],
  ['when it is whole', 'new', () => put('rebuild/orders.whole', 'new')],
  [
    'between the two renames',
    'new',
    async () => {
      await put('rebuild/orders.whole', 'new');
      await rename(at('orders'), at('rebuild/orders.old'));
    },
  ],
  [
    'when it is in its place',
    'new',
    async () => {
      await mkdir(at('rebuild'));
      await rename(at('orders'), at('rebuild/orders.old'));
      await put('orders', 'new');
    },
  ],
])('a kill %s: the next start finds the %s one', async (_, stands, kill) => {
  await kill();
  finishSwaps(root);
  expect(await standing()).toBe(stands);
  expect(await readdir(root)).toEqual(['orders']);
});

test('what is whole and not in its place is neither removed nor built over: the next start finishes it', async () => {
  await put('rebuild/orders.whole', 'new');
  removeRests(root);
  expect(() => beginRebuild(root, 'warehouse')).toThrow(expect.objectContaining({ code: 'conflict' }));
  expect(existsSync(at('rebuild/orders.whole'))).toBe(true);
  finishSwaps(root);
  expect(await standing()).toBe('new');
});

test('a store that is a link is refused: what it leads to would stay where it is', async () => {
  await rename(at('orders'), at('elsewhere'));
  await symlink(at('elsewhere'), at('orders'));
  expect(() => beginRebuild(root, 'orders')).toThrow(expect.objectContaining({ code: 'conflict' }));
  expect(await standing()).toBe('old');
  expect((await readdir(root)).sort()).toEqual(['elsewhere', 'orders']);
});
