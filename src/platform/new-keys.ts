// Makes the keys and tokens of a restored data directory void: some may have been revoked since the backup was taken, or others
// may have read it. A platform that starts on it makes an admin key of its own, as wherever there is none.
import { Keys } from '../access/keys.ts';
import { openLmdbCredentials } from '../stores/credentials/lmdb-credentials.ts';
import { makeLockFile, removeLockFile } from '../stores/lmdb-environment.ts';
import { freshInstallation } from './access.ts';

/** @param directory of the credentials; no platform has it. @throws unavailable, and what the file system says */
export async function makeKeysNew(directory: string): Promise<void> {
  await makeLockFile(directory);
  const store = openLmdbCredentials({ directory });
  try {
    const installation = freshInstallation();
    await store.replaceInstallation(installation);
    const keys = await Keys.open(store, installation, () => Date.now());
    for (const { id } of keys.list()) await keys.revoke(id);
  } finally {
    await store.close();
  }
  await removeLockFile(directory);
}
