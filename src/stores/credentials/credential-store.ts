// The port of the credential store: what API keys and customers' tokens are checked against. A key itself is not in it.

/** What an API key is good for. `admin` is good for everything. */
export const SCOPES = ['ingest', 'read', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Made with the platform, and kept. Whoever has it can make tokens. */
export interface Installation {
  /** 32 bytes; signs the tokens of customers. */
  readonly tokenSecret: Buffer;
  /** 16 bytes; of the SCRAM verifiers of all keys: a server names its salt before it knows whose key it is to be. */
  readonly scramSalt: Buffer;
}

export interface StoredKey {
  /** Public: part of the key, and what it is revoked by. */
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Of the whole key, hex. 32 bytes of it are random, so a slow hash would add nothing. */
  readonly sha256: string;
  readonly scram: ScramVerifier;
  readonly createdAtMs: number;
  /** null: without an end. */
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
  /** To the minute; null: never used. */
  readonly lastUsedAtMs: number | null;
}

/** SCRAM-SHA-256 (RFC 5802, RFC 7677) with the key as the password and the installation's salt. base64. */
export interface ScramVerifier {
  readonly iterations: number;
  readonly storedKey: string;
  readonly serverKey: string;
}

/** Tokens of a customer that are void before their end. */
export interface Revocation {
  readonly customerId: string;
  readonly tokenId: string;
  /** Whether all older tokens of the customer are meant, too; ids rise. */
  readonly andOlder: boolean;
  /** From then on no such token would be valid anyway, and this may be forgotten. It rises with `tokenId`. */
  readonly endsAtMs: number;
}

/** Small: all of it is read at the start, and not again; every change is on disk when its promise resolves. */
export interface CredentialStore {
  /** The one that is there, else `fresh`, kept. @throws unavailable */
  installation(fresh: Installation): Promise<Installation>;
  /** In place of the one that is there: no token that was made is good any more. @throws unavailable */
  replaceInstallation(fresh: Installation): Promise<void>;
  keys(): Promise<readonly StoredKey[]>;
  /** New, or changed. @throws unavailable */
  putKey(key: StoredKey): Promise<void>;
  /** Those that have not ended. */
  revocations(nowMs: number): Promise<readonly Revocation[]>;
  /** Also forgets some of those that have ended. @throws unavailable */
  putRevocation(revocation: Revocation, nowMs: number): Promise<void>;
  close(): Promise<void>;
}
