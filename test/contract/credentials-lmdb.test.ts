import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CredentialStore } from '../../src/stores/credentials/credential-store.ts';
import { openLmdbCredentials } from '../../src/stores/credentials/lmdb-credentials.ts';
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
