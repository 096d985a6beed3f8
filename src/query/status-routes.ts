// How the platform is: status, verify, health.
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { operations as described, type Report, type Status } from './status-schema.ts';

export interface Operations {
  /** See platform/status.ts. */
  status(): Promise<Static<typeof Status>>;
  /** See platform/verify.ts. */
  verify(): Promise<Static<typeof Report>>;
  /** Why requests cannot be served now; null when they can. */
  notReady(): string | null;
}

export function statusRoutes(server: FastifyInstance, operations: Operations): void {
  server.get('/v1/status', described.status, () => operations.status());
  server.post('/v1/verify', described.verify, () => operations.verify());
  server.get('/healthz', described.health, () => ({ status: 'ok' }));
  server.get('/readyz', described.ready, async (_request, reply) => {
    const reason = operations.notReady();
    return reply
      .code(reason === null ? 200 : 503)
      .send(reason === null ? { status: 'ready' } : { status: 'not ready', reason });
  });
}
