import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import type { CredentialStore, Revocation } from '../../src/stores/credentials/credential-store.ts';
import { openLmdbCredentials } from '../../src/stores/credentials/lmdb-credentials.ts';
import { durablyNow, openDatabase, openEnvironment } from '../../src/stores/lmdb-environment.ts';
import { credentialsContract } from './credentials.contract.ts';

credentialsContract('lmdb', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'tillstream-credentials-'));
  const opened: CredentialStore[] = [];
  return {
    async open() {
      const store = openLmdbCredentials({ directory });
      opened.push(store);
      return store;
    },
    async dispose() {
      for (const store of opened) await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});

test('credentials (lmdb): a revocation reads none of those that have not ended, and few at once of those that have', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'tillstream-credentials-'));
  const revocation = (index: number): Revocation => ({
    ...{ customerId: '1', tokenId: `01${String(index).padStart(24, '0')}`, andOlder: false, endsAtMs: index },
  });
  const environment = openEnvironment(directory);
  const stored = openDatabase(environment, 'credential-revocations');
  durablyNow(environment, () => {
    for (let index = 1; index <= 1000; index += 1) {
      const each = revocation(index);
      // Under the id alone: as they were stored before a customer was part of the key.
      stored.put(Buffer.from(each.tokenId), Buffer.from(JSON.stringify(each)));
    }
  });
  const store = openLmdbCredentials({ directory });
  const parse = vi.spyOn(JSON, 'parse');
  const parsedBy = async (index: number, nowMs: number): Promise<number> => {
    parse.mockClear();
    await store.putRevocation(revocation(index), nowMs);
    return parse.mock.calls.length;
  };
  expect(await parsedBy(2000, 0)).toBeLessThan(5);
  for (let round = 0; round < 10; round += 1) expect(await parsedBy(3000 + round, 900)).toBeLessThanOrEqual(100);
  parse.mockRestore();
  expect(await store.revocations(0)).toHaveLength(100 + 1 + 10);
  await store.close();
  await environment.close();
  await rm(directory, { recursive: true });
});
