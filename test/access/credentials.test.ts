// Keys and tokens: recognised, ended, revoked, remembered.
import { createHash, createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeProtectedHeader, SignJWT } from 'jose';
import { monotonicFactory } from 'ulid';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { idOfKey, newKey, scramVerifier } from '../../src/access/api-key.ts';
import { Keys } from '../../src/access/keys.ts';
import { TOKEN_SECONDS_MAX, Tokens } from '../../src/access/tokens.ts';
import type { CredentialStore, Installation } from '../../src/stores/credentials/credential-store.ts';
import { openLmdbCredentials } from '../../src/stores/credentials/lmdb-credentials.ts';

const installation: Installation = { tokenSecret: Buffer.alloc(32, 1), scramSalt: Buffer.alloc(16, 2) };
const START_MS = Date.parse('2026-01-01T00:00:00Z');
const DAY_MS = 24 * 3_600_000;

let directory: string;
let store: CredentialStore;
let nowMs: number;

const openKeys = (): Promise<Keys> => Keys.open(store, installation, () => nowMs);
const openTokens = (made: Installation = installation): Promise<Tokens> =>
  Tokens.open({
    store,
    installation: made,
    nowMs: () => nowMs,
    newId: (
      (next) => () =>
        next(nowMs)
    )(monotonicFactory()),
  });

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'tillstream-credentials-'));
  store = openLmdbCredentials({ directory });
  nowMs = START_MS;
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

describe('the SCRAM verifier of a key', () => {
  it('is that of RFC 7677, section 3', async () => {
    const verifier = await scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
    const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
    const message = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=${nonce}`;
    const signed = (key: string): Buffer => createHmac('sha256', Buffer.from(key, 'base64')).update(message).digest();
    expect(signed(verifier.serverKey).toString('base64')).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
    // What the client proves is a key whose hash is stored.
    const proof = Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64');
    const clientKey = signed(verifier.storedKey).map((byte, index) => byte ^ (proof[index] ?? 0));
    expect(createHash('sha256').update(clientKey).digest('base64')).toBe(verifier.storedKey);
    expect(verifier.iterations).toBe(4096);
  });
});

describe('keys', () => {
  it('names its id, and no two are alike', () => {
    const made = Array.from({ length: 1000 }, newKey);
    for (const { id, key } of made) expect(idOfKey(key)).toBe(id);
    expect(new Set(made.map(({ id }) => id)).size).toBe(1000);
    expect(new Set(made.map(({ key }) => key)).size).toBe(1000);
  });

  it('opens what it is for, also after a restart; of the key itself nothing is kept', async () => {
    const keys = await openKeys();
    const { key, stored } = await keys.create({ name: 'checkout', scopes: ['ingest'], expiresAtMs: null });
    const caller = { kind: 'key', id: stored.id, scopes: ['ingest'] };
    expect(keys.callerOf(key)).toEqual(caller);
    expect((await openKeys()).callerOf(key)).toEqual(caller);
    expect(JSON.stringify(await store.keys())).not.toContain(key.slice(-43));
  });

  it('ends at its end, to the millisecond', async () => {
    const keys = await openKeys();
    const { key, stored } = await keys.create({ name: 'trial', scopes: ['read'], expiresAtMs: nowMs + DAY_MS });
    nowMs += DAY_MS - 1;
    expect(keys.callerOf(key)).toMatchObject({ id: stored.id });
    expect(keys.isUsable(stored)).toBe(true);
    nowMs += 1;
    expect(() => keys.callerOf(key)).toThrow(`Key ${stored.id} ended on 2026-01-02T00:00:00.000Z.`);
    expect(keys.isUsable(stored)).toBe(false);
  });

  it('is revoked at once and for good, however often it is used meanwhile', async () => {
    const keys = await openKeys();
    const { key, stored } = await keys.create({ name: 'lost', scopes: ['admin'], expiresAtMs: null });
    nowMs += DAY_MS;
    keys.callerOf(key); // notes its use, without waiting
    const revoking = keys.revoke(stored.id);
    expect(() => keys.callerOf(key)).toThrow('was revoked on 2026-01-02');
    await revoking;
    const again = await openKeys();
    expect(() => again.callerOf(key)).toThrow('was revoked');
    expect(again.list()).toMatchObject([{ revokedAtMs: nowMs, lastUsedAtMs: nowMs }]);
    nowMs += DAY_MS;
    expect(await again.revoke(stored.id)).toMatchObject({ revokedAtMs: nowMs - DAY_MS });
  });

  it('when it was used last is kept to the minute', async () => {
    const keys = await openKeys();
    const { key } = await keys.create({ name: 'till', scopes: ['ingest'], expiresAtMs: null });
    const lastUse = () => keys.list()[0]?.lastUsedAtMs;
    expect(lastUse()).toBeNull();
    keys.callerOf(key);
    nowMs += 59_999;
    keys.callerOf(key);
    expect(lastUse()).toBe(START_MS);
    nowMs += 1;
    keys.callerOf(key);
    expect(lastUse()).toBe(START_MS + 60_000);
  });

  test.each([
    ['nothing', ''],
    ['a word', 'hunter2'],
    ['a key of nobody', newKey().key],
    ['a key with a space', `${newKey().key} `],
    ['a prototype', '__proto__'],
  ])('is none: %s', async (_what, text) => {
    const keys = await openKeys();
    expect(() => keys.callerOf(text)).toThrow('The key is not one of this platform.');
  });

  it('is none where one character is another', async () => {
    const keys = await openKeys();
    const { key } = await keys.create({ name: 'till', scopes: ['ingest'], expiresAtMs: null });
    for (let index = 0; index < key.length; index += 1) {
      const other = key[index] === 'x' ? 'y' : 'x';
      expect(() => keys.callerOf(key.slice(0, index) + other + key.slice(index + 1))).toThrow(
        'not one of this platform',
      );
    }
  });
});

describe('tokens of customers', () => {
  it('open for their customer until their end', async () => {
    const tokens = await openTokens();
    const { token, expiresAtMs } = await tokens.create('17850', 60);
    expect(expiresAtMs).toBe(START_MS + 60_000);
    expect(await tokens.callerOf(token)).toEqual({ kind: 'customer', customerId: '17850' });
    nowMs += 59_000;
    expect(await (await openTokens()).callerOf(token)).toEqual({ kind: 'customer', customerId: '17850' });
    nowMs += 1000;
    await expect(tokens.callerOf(token)).rejects.toMatchObject({
      code: 'unauthorized',
      message: 'The token has ended.',
    });
  });

  it('is revoked alone, or with all that the customer has; others and later ones stay good', async () => {
    const tokens = await openTokens();
    const [one, two, others] = [
      await tokens.create('1', 60),
      await tokens.create('1', 60),
      await tokens.create('2', 60),
    ];
    await tokens.revoke('1', one.tokenId);
    for (const opened of [tokens, await openTokens()]) {
      await expect(opened.callerOf(one.token)).rejects.toThrow('The token was revoked.');
      expect(await opened.callerOf(two.token)).toMatchObject({ customerId: '1' });
    }
    await tokens.revokeAll('1');
    const later = await tokens.create('1', 60);
    for (const opened of [tokens, await openTokens()]) {
      await expect(opened.callerOf(two.token)).rejects.toThrow('The token was revoked.');
      expect(await opened.callerOf(later.token)).toMatchObject({ customerId: '1' });
      expect(await opened.callerOf(others.token)).toMatchObject({ customerId: '2' });
    }
  });

  it("is not revoked by another customer's revocation", async () => {
    const tokens = await openTokens();
    const { token, tokenId } = await tokens.create('1', 60);
    await tokens.revoke('2', tokenId);
    await tokens.revokeAll('2');
    expect(await tokens.callerOf(token)).toMatchObject({ customerId: '1' });
  });

  it('a revocation outlasts every token that it is for', async () => {
    const tokens = await openTokens();
    const { token } = await tokens.create('1', TOKEN_SECONDS_MAX);
    await tokens.revokeAll('1');
    nowMs += TOKEN_SECONDS_MAX * 1000 - 1000;
    await expect((await openTokens()).callerOf(token)).rejects.toThrow('The token was revoked.');
  });

  it('is none that somebody else signed, that is for something else, or that has no end', async () => {
    const tokens = await openTokens();
    const secret = installation.tokenSecret;
    const jwt = () =>
      new SignJWT()
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject('17850')
        .setJti('01A')
        .setIssuedAt(nowMs / 1000);
    const whole = () => jwt().setIssuer('tillstream').setAudience('customer');
    const end = nowMs / 1000 + 60;
    const right = await whole().setExpirationTime(end).sign(secret);
    expect(await tokens.callerOf(right)).toMatchObject({ customerId: '17850' });
    const [, payload = '', signature = ''] = right.split('.');
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}`;
    for (const token of [
      await whole().setExpirationTime(end).sign(Buffer.alloc(32, 9)),
      await jwt().setIssuer('tillstream').setAudience('admin').setExpirationTime(end).sign(secret),
      await jwt().setIssuer('shop').setAudience('customer').setExpirationTime(end).sign(secret),
      await whole().sign(secret),
      `${none}.`,
      `${none}.${signature}`,
      'a.b.c',
      '..',
    ]) {
      await expect(tokens.callerOf(token), token).rejects.toMatchObject({
        code: 'unauthorized',
        message: 'The token is not one of this platform.',
      });
    }
    expect(decodeProtectedHeader((await tokens.create('1', 1)).token)).toEqual({ alg: 'HS256', typ: 'JWT' });
  });

  it('of another installation opens nothing', async () => {
    const other = await openTokens({ ...installation, tokenSecret: Buffer.alloc(32, 3) });
    const { token } = await other.create('1', 60);
    await expect((await openTokens()).callerOf(token)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('what is no id of a token cannot be revoked', async () => {
    await expect((await openTokens()).revoke('1', 'no id')).rejects.toMatchObject({ code: 'not_found' });
  });
});
