// How the platform is: status, verify, health.
import type { FastifyInstance } from 'fastify';

export interface Operations {
  /** See platform/status.ts. */
  status(): Promise<object>;
  /** See platform/verify.ts. */
  verify(): Promise<object>;
  /** Why requests cannot be served now; null when they can. */
  notReady(): string | null;
}

export function statusRoutes(server: FastifyInstance, operations: Operations): void {
  server.get('/v1/status', () => operations.status());
  server.post('/v1/verify', () => operations.verify());
  server.get('/healthz', () => ({ status: 'ok' }));
  server.get('/readyz', async (_request, reply) => {
    const reason = operations.notReady();
    return reply
      .code(reason === null ? 200 : 503)
      .send(reason === null ? { status: 'ready' } : { status: 'not ready', reason });
  });
}
