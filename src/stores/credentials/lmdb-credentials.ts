// Credentials in one LMDB environment, for a single machine. The files are as private as their directory (mode 0700).
import { type BinaryDatabase, openDatabase, openEnvironment, reading, transact } from '../lmdb-environment.ts';
import type { CredentialStore, Installation, Revocation, StoredKey } from './credential-store.ts';

const INSTALLATION_KEY = Buffer.from('installation');
/** Forgotten with one revocation. More wait for the next, so that the thread does not: 100,000 would hold it for 300 ms. */
const FORGOTTEN_AT_ONCE_MAX = 100;

/**
 * Opens the credentials in `directory`, making them if need be.
 * @throws directory_not_writable, unavailable
 */
export function openLmdbCredentials({ directory }: { readonly directory: string }): CredentialStore {
  const environment = openEnvironment(directory);
  const keys = openDatabase(environment, 'credential-keys');
  const revocations = openDatabase(environment, 'credential-revocations');
  const meta = openDatabase(environment, 'credential-meta');

  const all = <T>(database: BinaryDatabase): T[] =>
    [...database.getRange({})].map(({ value }) => JSON.parse(value.toString('utf8')));
  const readInstallation = (): Installation | null => {
    const stored = meta.getBinary(INSTALLATION_KEY);
    if (stored === undefined) return null;
    const { tokenSecret, scramSalt } = JSON.parse(stored.toString('utf8'));
    return { tokenSecret: Buffer.from(tokenSecret, 'base64'), scramSalt: Buffer.from(scramSalt, 'base64') };
  };
  const writeInstallation = ({ tokenSecret, scramSalt }: Installation): void => {
    const text = JSON.stringify({
      tokenSecret: tokenSecret.toString('base64'),
      scramSalt: scramSalt.toString('base64'),
    });
    meta.put(INSTALLATION_KEY, Buffer.from(text));
  };

  return {
    installation: (fresh) =>
      transact(environment, () => {
        const stored = readInstallation();
        if (stored !== null) return stored;
        writeInstallation(fresh);
        return fresh;
      }),

    replaceInstallation: (fresh) => transact(environment, () => writeInstallation(fresh)),

    async keys() {
      return reading(environment, () => all<StoredKey>(keys));
    },

    putKey: (key) =>
      transact(environment, () => {
        keys.put(Buffer.from(key.id), Buffer.from(JSON.stringify(key)));
      }),

    async revocations(nowMs) {
      return reading(environment, () => all<Revocation>(revocations)).filter(({ endsAtMs }) => endsAtMs > nowMs);
    },

    putRevocation: (revocation, nowMs) =>
      transact(environment, () => {
        // In order of their ends: beyond the first that has not ended, none has.
        for (const { key, value } of [...revocations.getRange({ limit: FORGOTTEN_AT_ONCE_MAX })]) {
          const { endsAtMs }: Revocation = JSON.parse(value.toString('utf8'));
          if (endsAtMs > nowMs) break;
          revocations.remove(key);
        }
        revocations.put(keyOf(revocation), Buffer.from(JSON.stringify(revocation)));
      }),

    async close() {
      await environment.close();
    },
  };
}

/** With the customer: whoever revokes a token under the wrong one must not take the right revocation away. */
function keyOf({ tokenId, customerId }: Revocation): Buffer {
  return Buffer.from(`${tokenId} ${customerId}`);
}
