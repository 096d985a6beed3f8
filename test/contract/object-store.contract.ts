// What every object store must do: run against each adapter.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ObjectInfo, ObjectStore } from '../../src/stores/lake/object-store.ts';

/** Where an object store lies: opened any number of times. */
export interface ObjectStoreBackend {
  open(): Promise<ObjectStore>;
  /** Removes everything. */
  dispose(): Promise<void>;
}

async function all(objects: AsyncIterable<ObjectInfo>): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = [];
  for await (const object of objects) found.push(object);
  return found;
}

async function names(store: ObjectStore, prefix = ''): Promise<string[]> {
  return (await all(store.list(prefix))).map(({ name }) => name);
}

const NO_NAMES = [
  '',
  '/',
  'a/',
  '/a',
  'a//b',
  '.',
  '..',
  'a/../b',
  '../a',
  'a/.',
  'a b',
  'a~',
  'ä',
  'a\\b',
  'a\u0000b',
];

export function objectStoreContract(name: string, makeBackend: () => Promise<ObjectStoreBackend>): void {
  describe(`object store (${name})`, () => {
    let backend: ObjectStoreBackend;
    let store: ObjectStore;

    beforeEach(async () => {
      backend = await makeBackend();
      store = await backend.open();
    });

    afterEach(() => backend.dispose());

    test('an object is given back byte for byte, by every opening', async () => {
      const data = Buffer.from(Uint8Array.from({ length: 70_000 }, (_, index) => index % 251));
      await store.put('raw/dt=2010-12-01/hh=08/local-1-2.ndjson.gz', data);
      await store.put('empty', Buffer.alloc(0));
      const other = await backend.open();
      for (const each of [store, other]) {
        expect(await each.get('raw/dt=2010-12-01/hh=08/local-1-2.ndjson.gz')).toEqual(data);
        expect(await each.get('empty')).toEqual(Buffer.alloc(0));
      }
    });

    test('what is not there is null: no object, a part of a name, a name below an object', async () => {
      await store.put('a/b', Buffer.from('1'));
      for (const absent of ['c', 'a', 'a/c', 'a/b/c', 'c/d/e']) expect(await store.get(absent)).toBeNull();
    });

    test('a put replaces; one that is repeated changes nothing', async () => {
      await store.put('state/checkpoint.json', Buffer.from('a longer one'));
      for (let time = 0; time < 2; time++) await store.put('state/checkpoint.json', Buffer.from('new'));
      expect(await store.get('state/checkpoint.json')).toEqual(Buffer.from('new'));
      expect(await all(store.list(''))).toEqual([{ name: 'state/checkpoint.json', bytes: 3 }]);
    });

    test('a reader sees one whole object or the other, never a part', async () => {
      const forms = [Buffer.alloc(300_000, 'a'), Buffer.alloc(200_000, 'b')];
      await store.put('x', forms[0] ?? Buffer.alloc(0));
      const writing = (async () => {
        for (let time = 0; time < 30; time++) await store.put('x', forms[time % 2] ?? Buffer.alloc(0));
      })();
      let done = false;
      writing.finally(() => {
        done = true;
      });
      while (!done) {
        const found = await store.get('x');
        expect(forms.some((form) => found?.equals(form))).toBe(true);
      }
      await writing;
    });

    test('puts at once, into the same and into new places, are all there', async () => {
      const wanted = Array.from({ length: 60 }, (_, index) => `p${index % 7}/q${index % 3}/${index}`);
      await Promise.all(wanted.map((each) => store.put(each, Buffer.from(each))));
      expect(await names(store)).toEqual(wanted.sort());
    });

    test('a list is in order of the whole name, with sizes, and by any prefix', async () => {
      for (const each of ['a/b', 'a-b', 'a.b', 'ab', 'a=b/c', 'a/b.c', 'a/b-/c', 'A', 'a/B', 'a0/x']) {
        await store.put(each, Buffer.from(each));
      }
      expect(await names(store)).toEqual(
        ['A', 'a-b', 'a.b', 'a/B', 'a/b', 'a/b-/c', 'a/b.c', 'a0/x', 'a=b/c', 'ab'].sort(),
      );
      expect(await names(store, 'a/')).toEqual(['a/B', 'a/b', 'a/b-/c', 'a/b.c']);
      expect(await names(store, 'a/b')).toEqual(['a/b', 'a/b-/c', 'a/b.c']);
      expect(await names(store, 'a')).toHaveLength(9);
      expect(await all(store.list('a=b/'))).toEqual([{ name: 'a=b/c', bytes: 5 }]);
      for (const none of ['b', 'a/b/', 'x/y/z', '../', '/', 'a//']) expect(await names(store, none)).toEqual([]);
    });

    test('any names, put in any order, are listed in order', async () => {
      const part = fc.stringMatching(/^[A-Za-z0-9._=-]{1,4}$/).filter((text) => !['.', '..'].includes(text));
      const anyName = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(anyName, { maxLength: 12 }), async (all) => {
          const wanted = all.filter((each) => !all.some((other) => other.startsWith(`${each}/`)));
          const fresh = await makeBackend();
          try {
            const other = await fresh.open();
            for (const each of wanted) await other.put(each, Buffer.from(each));
            expect(await names(other)).toEqual([...wanted].sort());
          } finally {
            await fresh.dispose();
          }
        }),
        { numRuns: 25 },
      );
    });

    test('a deleted object is gone, and deleting what is not there is no error', async () => {
      await store.put('a/b', Buffer.from('1'));
      await store.put('a/c', Buffer.from('2'));
      for (const each of ['a/b', 'a/b', 'x/y', 'a/c/d']) await store.delete(each);
      expect(await names(store)).toEqual(['a/c']);
      expect(await store.get('a/b')).toBeNull();
    });

    test('a name that leads elsewhere, or is none, is refused', async () => {
      for (const bad of [...NO_NAMES, 'x'.repeat(201), 'x/'.repeat(300)]) {
        await expect(store.put(bad, Buffer.from('1'))).rejects.toMatchObject({ code: 'invalid_parameter' });
        await expect(store.get(bad)).rejects.toMatchObject({ code: 'invalid_parameter' });
        await expect(store.delete(bad)).rejects.toMatchObject({ code: 'invalid_parameter' });
      }
      expect(await names(store)).toEqual([]);
    });
  });
}
