// What an API key looks like, and what is kept of it.
//
// `tsk_<id>_<secret>`: the id is public and names the key in lists; the secret is 32 random bytes. A key leaves us once, when
// it is made.
import { createHmac, hash, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { ScramVerifier } from '../stores/credentials/credential-store.ts';

const FORM = /^tsk_([a-z0-9]{10})_[A-Za-z0-9_-]{43}$/;
/** 50 bits, so that ids of a shop's keys never meet. */
const ID_CHARACTERS = 10;
const ID_ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';
const SECRET_BYTES = 32;

export function newKey(): { readonly id: string; readonly key: string } {
  // 32 letters: each byte gives one without a preference.
  const id = [...randomBytes(ID_CHARACTERS)].map((byte) => ID_ALPHABET[byte % ID_ALPHABET.length]).join('');
  return { id, key: `tsk_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}` };
}

/** The public part of a key; null for what is no key. */
export function idOfKey(key: string): string | null {
  return FORM.exec(key)?.[1] ?? null;
}

/** Hex. */
export function sha256(text: string): string {
  return hash('sha256', text);
}

/** Takes as long for a hash that is wrong in its first byte as for one that is wrong in its last. */
export function sameHash(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

/** As PostgreSQL has it. A key is no password that could be guessed, so more would only slow its making. */
const SCRAM_ITERATIONS = 4096;
const derive = promisify(pbkdf2);

/** RFC 5802, section 3; a key is ASCII, so that SASLprep leaves it as it is. */
export async function scramVerifier(key: string, salt: Buffer): Promise<ScramVerifier> {
  const salted = await derive(key, salt, SCRAM_ITERATIONS, SECRET_BYTES, 'sha256');
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  return {
    iterations: SCRAM_ITERATIONS,
    storedKey: hash('sha256', hmac('Client Key'), 'base64'),
    serverKey: hmac('Server Key').toString('base64'),
  };
}
