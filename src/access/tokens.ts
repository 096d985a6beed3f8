// Tokens of customers: signed, with an end, good for one customer's profile, purchase history and invoices alone.
//
// A token is a JWT that the platform signs and checks itself; nothing is kept of it unless it is revoked. Its id is a ULID:
// ids rise, so that all tokens of a customer up to one moment are revoked by one entry.
import { createSecretKey, type KeyObject } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { decodeTime } from 'ulid';
import { TillstreamError } from '../model/errors.ts';
import type { CredentialStore, Installation, Revocation } from '../stores/credentials/credential-store.ts';
import type { Caller } from './caller.ts';

const ALGORITHM = 'HS256';
const ISSUER = 'tillstream';
const AUDIENCE = 'customer';

/** A session of a shop's customer, and the longest that a token may be good for. */
export const TOKEN_SECONDS = 24 * 3600;
export const TOKEN_SECONDS_MAX = 366 * 24 * 3600;

/** A ULID: ten characters of time, of which the first holds three bits, and sixteen that are random. */
const TOKEN_ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

export interface MadeToken {
  readonly token: string;
  readonly tokenId: string;
  readonly customerId: string;
  readonly expiresAtMs: number;
}

export interface TokenOptions {
  readonly store: CredentialStore;
  readonly installation: Installation;
  readonly nowMs: () => number;
  /** ULIDs that rise. */
  readonly newId: () => string;
}

export class Tokens {
  readonly #store: CredentialStore;
  readonly #secret: KeyObject;
  readonly #nowMs: () => number;
  readonly #newId: () => string;
  readonly #revoked = new Set<string>();
  /** By customer: the newest token that is void with all older ones. */
  readonly #revokedUpTo = new Map<string, string>();

  private constructor({ store, installation, nowMs, newId }: TokenOptions) {
    this.#store = store;
    this.#secret = createSecretKey(installation.tokenSecret);
    this.#nowMs = nowMs;
    this.#newId = newId;
  }

  static async open(options: TokenOptions): Promise<Tokens> {
    const tokens = new Tokens(options);
    for (const revocation of await options.store.revocations(options.nowMs())) tokens.#note(revocation);
    return tokens;
  }

  /** @param seconds until its end; 1 to TOKEN_SECONDS_MAX */
  async create(customerId: string, seconds: number): Promise<MadeToken> {
    const tokenId = this.#newId();
    const issuedAt = Math.floor(this.#nowMs() / 1000);
    const token = await new SignJWT()
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(customerId)
      .setJti(tokenId)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + seconds)
      .sign(this.#secret);
    return { token, tokenId, customerId, expiresAtMs: (issuedAt + seconds) * 1000 };
  }

  /** @throws not_found  what is no id of a token; unavailable */
  async revoke(customerId: string, givenId: string): Promise<void> {
    const tokenId = givenId.trim().toUpperCase();
    if (!TOKEN_ID.test(tokenId)) {
      throw new TillstreamError('not_found', `There is no token ${givenId.slice(0, 200)}.`, {
        hint: 'Give the tokenId that was answered when it was made.',
      });
    }
    const madeAtMs = decodeTime(tokenId);
    await this.#revoke({ customerId, tokenId, andOlder: false, endsAtMs: madeAtMs + TOKEN_SECONDS_MAX * 1000 });
  }

  /** All tokens that the customer has now. @throws unavailable */
  async revokeAll(customerId: string): Promise<void> {
    const endsAtMs = this.#nowMs() + TOKEN_SECONDS_MAX * 1000;
    await this.#revoke({ customerId, tokenId: this.#newId(), andOlder: true, endsAtMs });
  }

  /** @throws unauthorized */
  async callerOf(token: string): Promise<Caller> {
    const { payload } = await jwtVerify(token, this.#secret, {
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      audience: AUDIENCE,
      requiredClaims: ['exp', 'sub', 'jti'],
      currentDate: new Date(this.#nowMs()),
    }).catch((error: unknown) => {
      throw refusalOf(error);
    });
    const { sub: customerId = '', jti: tokenId = '' } = payload;
    if (this.#revoked.has(`${customerId} ${tokenId}`) || tokenId <= (this.#revokedUpTo.get(customerId) ?? '')) {
      throw new TillstreamError('unauthorized', 'The token was revoked.', { hint: 'The shop can make a new one.' });
    }
    return { kind: 'customer', customerId };
  }

  async #revoke(revocation: Revocation): Promise<void> {
    this.#note(revocation);
    await this.#store.putRevocation(revocation, this.#nowMs());
  }

  #note({ customerId, tokenId, andOlder }: Revocation): void {
    if (!andOlder) this.#revoked.add(`${customerId} ${tokenId}`);
    else if (tokenId > (this.#revokedUpTo.get(customerId) ?? '')) this.#revokedUpTo.set(customerId, tokenId);
  }
}

function refusalOf(error: unknown): TillstreamError {
  if (error instanceof errors.JWTExpired) {
    return new TillstreamError('unauthorized', 'The token has ended.', { hint: 'The shop can make a new one.' });
  }
  return new TillstreamError('unauthorized', 'The token is not one of this platform.', {
    hint: 'Check that all of it was copied.',
  });
}
