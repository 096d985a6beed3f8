// Who may what on this platform: its credentials, the key that the commands on this machine use, and the guard at the door.
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { monotonicFactory } from 'ulid';
import { type Guard, keyGuard, loopbackGuard } from '../access/guard.ts';
import { Keys } from '../access/keys.ts';
import { Tokens } from '../access/tokens.ts';
import { isTillstreamError } from '../model/errors.ts';
import type { Installation } from '../stores/credentials/credential-store.ts';
import { openLmdbCredentials } from '../stores/credentials/lmdb-credentials.ts';
import { type DataDirectory, writePrivately } from './data-directory.ts';

/** Of the commands on this machine. */
export interface AdminKey {
  readonly key: string;
  readonly file: string;
  /** It is shown once: when it was made just now. */
  readonly isNew: boolean;
}

export interface AccessControl {
  readonly guard: Guard;
  readonly keys: Keys;
  readonly tokens: Tokens;
  readonly adminKey: AdminKey;
  close(): Promise<void>;
}

/**
 * @param isAsked false: nobody needs a key
 * @throws directory_not_writable, unavailable
 */
export async function openAccess(
  directory: Pick<DataDirectory, 'state' | 'adminKey'>,
  isAsked: boolean,
): Promise<AccessControl> {
  const nowMs = (): number => Date.now();
  const store = openLmdbCredentials({ directory: directory.state });
  try {
    const installation = await store.installation(freshInstallation());
    const keys = await Keys.open(store, installation, nowMs);
    const tokens = await Tokens.open({ store, installation, nowMs, newId: monotonicFactory() });
    return {
      guard: isAsked ? keyGuard({ keys, tokens }) : loopbackGuard(),
      keys,
      tokens,
      adminKey: await keepAdminKey(keys, directory.adminKey),
      close: () => store.close(),
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

export function freshInstallation(): Installation {
  return { tokenSecret: randomBytes(32), scramSalt: randomBytes(16) };
}

/**
 * Sees to it that the file holds an admin key that opens: of a new platform, and again once it was revoked, has ended or the
 * file is gone. Who may write here may do everything here anyway.
 */
async function keepAdminKey(keys: Keys, file: string): Promise<AdminKey> {
  if (existsSync(file)) {
    chmodSync(file, 0o600);
    const kept = readFileSync(file, 'utf8').trim();
    if (isAdmin(keys, kept)) return { key: kept, file, isNew: false };
  }
  const { key } = await keys.create({ name: 'commands on this machine', scopes: ['admin'], expiresAtMs: null });
  writePrivately(file, `${key}\n`);
  return { key, file, isNew: true };
}

function isAdmin(keys: Keys, key: string): boolean {
  try {
    const caller = keys.callerOf(key);
    return caller.kind === 'key' && caller.scopes.includes('admin');
  } catch (error) {
    if (isTillstreamError(error, 'unauthorized')) return false;
    throw error;
  }
}
