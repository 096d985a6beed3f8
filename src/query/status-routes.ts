// How the platform is: status, stream, verify, health.
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { requestIdOf } from '../access/request-id.ts';
import { operations as described, type Status, type Stream } from './status-schema.ts';
import { type Report, operation as verify } from './verify-schema.ts';

export interface Operations {
  /** See platform/status.ts. */
  status(): Promise<Static<typeof Status>>;
  /** What a sender of lines has to know, whatever its key: see platform/status.ts. */
  stream(): Promise<Static<typeof Stream>>;
  /** See platform/verify.ts. */
  verify(): Promise<Static<typeof Report>>;
  /** Why requests cannot be served now; null when they can. */
  notReady(): string | null;
}

export function statusRoutes(server: FastifyInstance, operations: Operations): void {
  server.get('/v1/status', described.status, () => operations.status());
  server.get('/v1/stream', described.stream, () => operations.stream());
  server.post('/v1/verify', verify, () => operations.verify());
  server.get('/healthz', described.health, () => ({ status: 'ok' }));
  server.get('/readyz', described.ready, async (request, reply) => {
    const reason = operations.notReady();
    if (reason === null) return { status: 'ready' };
    return reply.code(503).header('x-request-id', requestIdOf(request)).send({ status: 'not ready', reason });
  });
}
