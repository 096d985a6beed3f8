// API keys and tokens of customers: made, listed, revoked. The admin's.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { TillstreamError } from '../model/errors.ts';
import { lineLimits } from '../model/line.ts';
import type { WriteLog } from '../model/log.ts';
import { customerIdOf } from '../model/read-line.ts';
import type { StoredKey } from '../stores/credentials/credential-store.ts';
import {
  type CustomerParams,
  type Key,
  type KeyBody,
  type Keys as KeyList,
  type KeyParams,
  type MadeKey,
  operations,
  type Token,
  type TokenBody,
  type TokenParams,
} from './access-schema.ts';
import type { Keys } from './keys.ts';
import type { Tokens } from './tokens.ts';

export interface AccessParts {
  readonly keys: Keys;
  readonly tokens: Tokens;
  /** Whether somebody has bought anything yet. @throws unavailable */
  readonly isCustomer: (customerId: string) => Promise<boolean>;
  readonly log: WriteLog;
}

export function accessRoutes(server: FastifyInstance, { keys, tokens, isCustomer, log }: AccessParts): void {
  server.post<{ Body: Static<typeof KeyBody>; Reply: Static<typeof MadeKey> }>(
    '/v1/keys',
    operations.createKey,
    async (request, reply) => {
      const { name, scopes, expiresAt } = request.body;
      const expiresAtMs = expiresAt === undefined ? null : readEnd(expiresAt);
      const { key, stored } = await keys.create({ name, scopes, expiresAtMs });
      log('info', 'A key was made', { id: stored.id, name, scopes });
      return reply.code(201).send({ key, ...shown(keys, stored) });
    },
  );

  server.get<{ Reply: Static<typeof KeyList> }>('/v1/keys', operations.listKeys, () => ({
    keys: keys.list().map((key) => shown(keys, key)),
  }));

  server.delete<{ Params: Static<typeof KeyParams>; Reply: Static<typeof Key> }>(
    '/v1/keys/:id',
    operations.revokeKey,
    async ({ params }) => {
      const revoked = await keys.revoke(params.id);
      log('info', 'A key was revoked', { id: revoked.id, name: revoked.name });
      return shown(keys, revoked);
    },
  );

  server.post<{
    Params: Static<typeof CustomerParams>;
    Body: Static<typeof TokenBody>;
    Reply: Static<typeof Token>;
  }>(
    '/v1/customers/:id/tokens',
    { ...operations.createToken, preValidation: withoutBody },
    async ({ params, body }, reply) => {
      const customerId = readCustomer(params.id);
      const known = await isCustomer(customerId);
      const { expiresAtMs, ...made } = await tokens.create(customerId, body.expiresInSeconds);
      return reply.code(201).send({ ...made, expiresAt: iso(expiresAtMs), known });
    },
  );

  server.delete<{ Params: Static<typeof CustomerParams> }>(
    '/v1/customers/:id/tokens',
    operations.revokeTokens,
    async ({ params }, reply) => {
      await tokens.revokeAll(readCustomer(params.id));
      return reply.code(204).send();
    },
  );

  server.delete<{ Params: Static<typeof TokenParams> }>(
    '/v1/customers/:id/tokens/:tokenId',
    operations.revokeToken,
    async ({ params }, reply) => {
      await tokens.revoke(readCustomer(params.id), params.tokenId);
      return reply.code(204).send();
    },
  );
}

/** All that it could say has a default. */
async function withoutBody(request: FastifyRequest): Promise<void> {
  request.body ??= {};
}

/** As lines name them when they are stored: a token for "17850.0" would open nothing, revoking that would end nothing. */
function readCustomer(text: string): string {
  const customerId = customerIdOf(text);
  if (customerId !== '' && Buffer.byteLength(customerId) <= lineLimits.customerIdBytesMax) return customerId;
  throw new TillstreamError(
    'invalid_parameter',
    `id is "${text.slice(0, 80)}"; expected the number of a customer, of 1 to ${lineLimits.customerIdBytesMax} bytes.`,
    { field: 'id', value: text.slice(0, 200) },
  );
}

/** All but what it is checked against. */
function shown(keys: Keys, key: StoredKey): Static<typeof Key> {
  const { id, name, scopes, createdAtMs, expiresAtMs, revokedAtMs, lastUsedAtMs } = key;
  return {
    id,
    name,
    scopes: [...scopes],
    usable: keys.isUsable(key),
    createdAt: iso(createdAtMs),
    expiresAt: isoOrNull(expiresAtMs),
    revokedAt: isoOrNull(revokedAtMs),
    lastUsedAt: isoOrNull(lastUsedAtMs),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}

/** A moment to come, with its zone: a key that ends at a wall clock's time would end at different times. @throws invalid_parameter */
function readEnd(text: string): number {
  const ms = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (ms > Date.now() && isDay(text.slice(0, 10))) return ms;
  throw new TillstreamError(
    'invalid_parameter',
    `expiresAt is "${text.slice(0, 80)}"; expected a moment to come, such as 2030-01-01 or 2030-01-01T00:00:00Z.`,
    { field: 'expiresAt', value: text.slice(0, 200) },
  );
}

/** Date.parse() takes 2030-02-31 for 3 March. */
function isDay(day: string): boolean {
  return new Date(Date.parse(day)).toISOString().startsWith(day);
}
