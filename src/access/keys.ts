// The API keys of a platform: made, listed, revoked, recognised.
import { TillstreamError } from '../model/errors.ts';
import type { CredentialStore, Installation, Scope, StoredKey } from '../stores/credentials/credential-store.ts';
import { idOfKey, newKey, sameHash, scramVerifier, sha256 } from './api-key.ts';
import type { Caller } from './caller.ts';

export interface NewKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** null: without an end. */
  readonly expiresAtMs: number | null;
}

/** A key as it is made: the only moment at which it is known. */
export interface MadeKey {
  readonly key: string;
  readonly stored: StoredKey;
}

/** A shop has a handful; beyond this somebody makes one for every request. */
const KEYS_MAX = 10_000;
/** When a key was last used is kept to this. */
const LAST_USE_EVERY_MS = 60_000;

export class Keys {
  readonly #store: CredentialStore;
  readonly #installation: Installation;
  readonly #nowMs: () => number;
  readonly #byId = new Map<string, StoredKey>();
  readonly #callers = new Map<string, Caller>();

  private constructor(store: CredentialStore, installation: Installation, nowMs: () => number) {
    this.#store = store;
    this.#installation = installation;
    this.#nowMs = nowMs;
  }

  static async open(store: CredentialStore, installation: Installation, nowMs: () => number): Promise<Keys> {
    const keys = new Keys(store, installation, nowMs);
    for (const key of await store.keys()) keys.#keep(key);
    return keys;
  }

  /** @throws conflict, unavailable */
  async create({ name, scopes, expiresAtMs }: NewKey): Promise<MadeKey> {
    if (this.#byId.size >= KEYS_MAX) {
      throw new TillstreamError('conflict', `There are ${KEYS_MAX} keys, ended and revoked ones included: no more.`);
    }
    const { id, key } = newKey();
    const stored: StoredKey = {
      id,
      name,
      scopes,
      sha256: sha256(key),
      scram: await scramVerifier(key, this.#installation.scramSalt),
      createdAtMs: this.#nowMs(),
      expiresAtMs,
      revokedAtMs: null,
      lastUsedAtMs: null,
    };
    await this.#store.putKey(stored);
    this.#keep(stored);
    return { key, stored };
  }

  /** Oldest first. */
  list(): readonly StoredKey[] {
    return [...this.#byId.values()].sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  }

  /** The key opens nothing from now on; when this resolves, also after a restart. @throws not_found, unavailable */
  async revoke(id: string): Promise<StoredKey> {
    const key = this.#byId.get(id);
    if (key === undefined) throw new TillstreamError('not_found', `There is no key ${id.slice(0, 200)}.`);
    const revoked = { ...key, revokedAtMs: key.revokedAtMs ?? this.#nowMs() };
    // First in memory: a use of the key that is noted meanwhile must not put the old one back.
    this.#keep(revoked);
    await this.#store.putKey(revoked);
    return revoked;
  }

  /**
   * Who has this key.
   * @throws unauthorized  nobody; says why, to who has the whole key
   */
  callerOf(text: string): Caller {
    const id = idOfKey(text);
    const key = id === null ? undefined : this.#byId.get(id);
    const caller = id === null ? undefined : this.#callers.get(id);
    if (key === undefined || caller === undefined || !sameHash(sha256(text), key.sha256)) throw unknownKey();
    if (key.revokedAtMs !== null) throw ended(`Key ${key.id} was revoked on ${isoOf(key.revokedAtMs)}.`);
    const nowMs = this.#nowMs();
    if (key.expiresAtMs !== null && key.expiresAtMs <= nowMs) {
      throw ended(`Key ${key.id} ended on ${isoOf(key.expiresAtMs)}.`);
    }
    if (key.lastUsedAtMs === null || nowMs - key.lastUsedAtMs >= LAST_USE_EVERY_MS) this.#noteUse(key, nowMs);
    return caller;
  }

  /** Whether a key opens anything now. */
  isUsable({ revokedAtMs, expiresAtMs }: StoredKey): boolean {
    return revokedAtMs === null && (expiresAtMs === null || expiresAtMs > this.#nowMs());
  }

  #keep(key: StoredKey): void {
    this.#byId.set(key.id, key);
    this.#callers.set(key.id, { kind: 'key', id: key.id, scopes: key.scopes });
  }

  /** It is of no harm when that is not kept: the store may be away, the sale goes on. */
  #noteUse(key: StoredKey, nowMs: number): void {
    const used = { ...key, lastUsedAtMs: nowMs };
    this.#keep(used);
    this.#store.putKey(used).catch(() => {});
  }
}

function unknownKey(): TillstreamError {
  return new TillstreamError('unauthorized', 'The key is not one of this platform.', {
    hint: 'Check that all of it was copied: tsk_, ten characters, _, forty-three characters.',
  });
}

function ended(message: string): TillstreamError {
  return new TillstreamError('unauthorized', message, { hint: 'Ask who runs the platform for a new one.' });
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
