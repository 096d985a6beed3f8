// What every credential store must do: run against each adapter.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CredentialStore, StoredKey } from '../../src/stores/credentials/credential-store.ts';

/** Where credentials lie: opened any number of times, each opening seeing what the others have put. */
export interface CredentialBackend {
  open(): Promise<CredentialStore>;
  /** Closes what open() gave, and removes everything. */
  dispose(): Promise<void>;
}

const key = (id: string, fields: Partial<StoredKey> = {}): StoredKey => ({
  id,
  name: `key ${id}`,
  scopes: ['ingest', 'read'],
  sha256: 'ab'.repeat(32),
  scram: { iterations: 4096, storedKey: 'c3RvcmVk', serverKey: 'c2VydmVy' },
  createdAtMs: 1_700_000_000_000,
  expiresAtMs: null,
  revokedAtMs: null,
  lastUsedAtMs: null,
  ...fields,
});

const installation = (byte: number) => ({ tokenSecret: Buffer.alloc(32, byte), scramSalt: Buffer.alloc(16, byte) });

export function credentialsContract(name: string, makeBackend: () => Promise<CredentialBackend>): void {
  describe(`credentials (${name})`, () => {
    let backend: CredentialBackend;
    let store: CredentialStore;

    beforeEach(async () => {
      backend = await makeBackend();
      store = await backend.open();
    });
    afterEach(() => backend.dispose());

    test('the installation is made once: whoever comes later gets the first, also after a restart', async () => {
      expect(await store.installation(installation(1))).toEqual(installation(1));
      expect(await store.installation(installation(2))).toEqual(installation(1));
      expect(await (await backend.open()).installation(installation(3))).toEqual(installation(1));
    });

    test('the installation is replaced where that is asked for, also after a restart', async () => {
      await store.installation(installation(1));
      await store.replaceInstallation(installation(2));
      expect(await (await backend.open()).installation(installation(3))).toEqual(installation(2));
    });

    test('two that make it at once agree', async () => {
      const other = await backend.open();
      const [one, two] = await Promise.all([store.installation(installation(1)), other.installation(installation(2))]);
      expect(one).toEqual(two);
    });

    test('keys are there after a restart, as they were put last', async () => {
      await store.putKey(key('a'));
      await store.putKey(key('b', { expiresAtMs: 5 }));
      await store.putKey(key('a', { revokedAtMs: 7, lastUsedAtMs: 6 }));
      const keys = await (await backend.open()).keys();
      expect([...keys].sort((one, other) => (one.id < other.id ? -1 : 1))).toEqual([
        key('a', { revokedAtMs: 7, lastUsedAtMs: 6 }),
        key('b', { expiresAtMs: 5 }),
      ]);
    });

    test("a token that is revoked under another customer's name, too, stays revoked under its own", async () => {
      const right = { customerId: '17850', tokenId: '01A', andOlder: false, endsAtMs: 1000 };
      const wrong = { ...right, customerId: '13047' };
      await store.putRevocation(right, 0);
      await store.putRevocation(wrong, 0);
      expect(await (await backend.open()).revocations(0)).toEqual(expect.arrayContaining([right, wrong]));
    });

    test('revocations are there after a restart until they end, and are forgotten then', async () => {
      const one = { customerId: '17850', tokenId: '01A', andOlder: false, endsAtMs: 1000 };
      const all = { customerId: '17850', tokenId: '01B', andOlder: true, endsAtMs: 2000 };
      await store.putRevocation(one, 0);
      await store.putRevocation(all, 0);
      const later = await backend.open();
      expect(await later.revocations(999)).toEqual([one, all]);
      expect(await later.revocations(1000)).toEqual([all]);
      const third = { ...all, tokenId: '01C', endsAtMs: 3000 };
      await later.putRevocation(third, 1500);
      expect(await later.revocations(0)).toEqual([all, third]);
    });
  });
}
