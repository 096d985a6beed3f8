// What the routes of keys and tokens take and answer.
import Type, { type Static } from 'typebox';
import { json, nothing } from '../docs/operation.ts';
import { SCOPES } from '../stores/credentials/credential-store.ts';
import { TOKEN_SECONDS, TOKEN_SECONDS_MAX } from './tokens.ts';

/** Enough for "checkout of the shop in Lyon". */
const NAME_CHARACTERS_MAX = 100;

export const KeyBody = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: NAME_CHARACTERS_MAX,
      description: 'What it is for, to find it again.',
    }),
    scopes: Type.Array(Type.Enum([...SCOPES]), { minItems: 1, maxItems: SCOPES.length, uniqueItems: true }),
    expiresAt: Type.Optional(Type.String({ description: 'When it ends, as 2027-01-01T00:00:00Z. Left out: never.' })),
  },
  { additionalProperties: false, examples: [{ name: 'checkout', scopes: ['ingest'] }] },
);
export const KeyParams = Type.Object({ id: Type.String({ minLength: 1, examples: ['k7m2p9q4xw'] }) });
export const TokenBody = Type.Object(
  {
    expiresInSeconds: Type.Integer({ minimum: 1, maximum: TOKEN_SECONDS_MAX, default: TOKEN_SECONDS }),
  },
  { additionalProperties: false, examples: [{ expiresInSeconds: 3600 }] },
);
const customerId = Type.String({ minLength: 1, examples: ['17850'] });
export const CustomerParams = Type.Object({ id: customerId });
export const TokenParams = Type.Object({
  id: customerId,
  tokenId: Type.String({ minLength: 1, examples: ['01KD7Z7M9XJ4S3R6T8V0W2Y4A6'] }),
});

const moment = Type.String({ format: 'date-time' });
const momentOrNull = Type.Union([moment, Type.Null()]);
const key = {
  id: Type.String({ description: 'Public: it names the key.' }),
  name: Type.String(),
  scopes: Type.Array(Type.Enum([...SCOPES])),
  usable: Type.Boolean({ description: 'Whether it opens anything now.' }),
  createdAt: moment,
  expiresAt: momentOrNull,
  revokedAt: momentOrNull,
  lastUsedAt: Type.Union([moment, Type.Null()], { description: 'To the minute; null: never used.' }),
};
export const Key = Type.Object(key, { $id: 'Key' });
export const MadeKey = Type.Object({ key: Type.String({ description: 'Shown this once.' }), ...key });
export const Keys = Type.Object({ keys: Type.Array(Key) });
export const Token = Type.Object({
  token: Type.String({ description: 'Sent as `Authorization: Bearer`.' }),
  tokenId: Type.String({ description: 'By which it can be revoked.' }),
  customerId: Type.String(),
  expiresAt: moment,
  known: Type.Boolean({ description: 'Whether this customer has bought anything yet; a misspelt one has not.' }),
});

const shown: Static<typeof Key> = {
  id: 'k7m2p9q4xw',
  name: 'checkout',
  scopes: ['ingest'],
  usable: true,
  createdAt: '2025-12-24T09:00:00.000Z',
  expiresAt: null,
  revokedAt: null,
  lastUsedAt: null,
};
const revoked = { ...shown, usable: false, revokedAt: '2025-12-27T10:00:00.000Z' };
const made: Static<typeof MadeKey> = { key: `tsk_${shown.id}_…`, ...shown };
const token: Static<typeof Token> = {
  token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.…',
  tokenId: '01KD7Z7M9XJ4S3R6T8V0W2Y4A6',
  customerId: '17850',
  expiresAt: '2025-12-24T10:00:00.000Z',
  known: true,
};

const tags = ['Keys'];
const one = (summary: string, value: object) => ({ answer: { summary, value } });

export const operations = {
  createKey: {
    config: { access: 'admin', problems: ['conflict'] },
    schema: {
      operationId: 'createKey',
      summary: 'Make a key',
      description:
        '`ingest` sends lines, `read` looks everything up, `admin` is good for everything. The key is shown this once.',
      tags,
      body: KeyBody,
      response: { 201: json('The key.', MadeKey, one('A key that sends lines', made)) },
    },
  },
  listKeys: {
    config: { access: 'admin' },
    schema: {
      operationId: 'listKeys',
      summary: 'All keys',
      description:
        'Oldest first, ended and revoked ones included; without the keys themselves, which nobody knows any more.',
      tags,
      response: { 200: json('The keys.', Keys, one('One key', { keys: [shown] })) },
    },
  },
  revokeKey: {
    config: { access: 'admin', problems: ['not_found'] },
    schema: {
      operationId: 'revokeKey',
      summary: 'Revoke a key',
      description: 'It opens nothing from now on. Done again, it changes nothing.',
      tags,
      params: KeyParams,
      response: { 200: json('The key, revoked.', Key, one('A revoked key', revoked)) },
    },
  },
  createToken: {
    config: { access: 'admin' },
    schema: {
      operationId: 'createToken',
      summary: 'Make a token for a customer',
      description:
        "It opens that customer's profile, purchase history and invoices alone, until it ends. For the shop's own app or page.",
      tags,
      params: CustomerParams,
      body: TokenBody,
      response: { 201: json('The token.', Token, one('For an hour', token)) },
    },
  },
  revokeTokens: {
    config: { access: 'admin' },
    schema: {
      operationId: 'revokeTokens',
      summary: 'Revoke all tokens of a customer',
      description: 'That were made up to now.',
      tags,
      params: CustomerParams,
      response: { 204: nothing('They open nothing any more.') },
    },
  },
  revokeToken: {
    config: { access: 'admin', problems: ['not_found'] },
    schema: {
      operationId: 'revokeToken',
      summary: 'Revoke one token',
      description: 'By its id.',
      tags,
      params: TokenParams,
      response: { 204: nothing('It opens nothing any more.') },
    },
  },
} as const;
