// API keys and tokens of customers: made, listed, revoked. The admin's.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { TillstreamError } from '../model/errors.ts';
import type { WriteLog } from '../model/log.ts';
import { SCOPES, type StoredKey } from '../stores/credentials/credential-store.ts';
import type { Keys } from './keys.ts';
import { TOKEN_SECONDS, TOKEN_SECONDS_MAX, type Tokens } from './tokens.ts';

/** Enough for "checkout of the shop in Lyon". */
const NAME_CHARACTERS_MAX = 100;

const KeyBody = Type.Object({
  name: Type.String({
    minLength: 1,
    maxLength: NAME_CHARACTERS_MAX,
    description: 'What it is for, to find it again.',
  }),
  scopes: Type.Array(Type.Enum([...SCOPES]), { minItems: 1, maxItems: SCOPES.length, uniqueItems: true }),
  expiresAt: Type.Optional(Type.String({ description: 'When it ends, as 2027-01-01T00:00:00Z. Left out: never.' })),
});
const KeyParams = Type.Object({ id: Type.String({ minLength: 1 }) });
const TokenBody = Type.Object({
  expiresInSeconds: Type.Integer({ minimum: 1, maximum: TOKEN_SECONDS_MAX, default: TOKEN_SECONDS }),
});
const CustomerParams = Type.Object({ id: Type.String({ minLength: 1 }) });
const TokenParams = Type.Object({ id: Type.String({ minLength: 1 }), tokenId: Type.String({ minLength: 1 }) });

const config = { access: 'admin' } as const;

export function accessRoutes(server: FastifyInstance, keys: Keys, tokens: Tokens, log: WriteLog): void {
  server.post<{ Body: Static<typeof KeyBody> }>(
    '/v1/keys',
    { config, schema: { body: KeyBody } },
    async (request, reply) => {
      const { name, scopes, expiresAt } = request.body;
      const expiresAtMs = expiresAt === undefined ? null : readEnd(expiresAt);
      const { key, stored } = await keys.create({ name, scopes, expiresAtMs });
      log('info', 'A key was made', { id: stored.id, name, scopes });
      return reply.code(201).send({ key, ...shown(keys, stored) });
    },
  );

  server.get('/v1/keys', { config }, () => ({ keys: keys.list().map((key) => shown(keys, key)) }));

  server.delete<{ Params: Static<typeof KeyParams> }>(
    '/v1/keys/:id',
    { config, schema: { params: KeyParams } },
    async ({ params }) => {
      const revoked = await keys.revoke(params.id);
      log('info', 'A key was revoked', { id: revoked.id, name: revoked.name });
      return shown(keys, revoked);
    },
  );

  server.post<{ Params: Static<typeof CustomerParams>; Body: Static<typeof TokenBody> }>(
    '/v1/customers/:id/tokens',
    { config, schema: { params: CustomerParams, body: TokenBody }, preValidation: withoutBody },
    async ({ params, body }, reply) => {
      const { expiresAtMs, ...made } = await tokens.create(params.id, body.expiresInSeconds);
      return reply.code(201).send({ ...made, expiresAt: new Date(expiresAtMs).toISOString() });
    },
  );

  server.delete<{ Params: Static<typeof CustomerParams> }>(
    '/v1/customers/:id/tokens',
    { config, schema: { params: CustomerParams } },
    async ({ params }, reply) => {
      await tokens.revokeAll(params.id);
      return reply.code(204).send();
    },
  );

  server.delete<{ Params: Static<typeof TokenParams> }>(
    '/v1/customers/:id/tokens/:tokenId',
    { config, schema: { params: TokenParams } },
    async ({ params }, reply) => {
      await tokens.revoke(params.id, params.tokenId);
      return reply.code(204).send();
    },
  );
}

/** All that it could say has a default. */
async function withoutBody(request: FastifyRequest): Promise<void> {
  request.body ??= {};
}

/** All but what it is checked against. */
function shown(keys: Keys, key: StoredKey) {
  const { id, name, scopes, createdAtMs, expiresAtMs, revokedAtMs, lastUsedAtMs } = key;
  return {
    id,
    name,
    scopes,
    usable: keys.isUsable(key),
    createdAt: iso(createdAtMs),
    expiresAt: iso(expiresAtMs),
    revokedAt: iso(revokedAtMs),
    lastUsedAt: iso(lastUsedAtMs),
  };
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** A moment to come, with its zone: a key that ends at a wall clock's time would end at different times. @throws invalid_parameter */
function readEnd(text: string): number {
  const ms = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (ms > Date.now()) return ms;
  throw new TillstreamError(
    'invalid_parameter',
    `expiresAt is "${text.slice(0, 80)}"; expected a moment to come, such as 2030-01-01 or 2030-01-01T00:00:00Z.`,
    { field: 'expiresAt', value: text.slice(0, 200) },
  );
}
