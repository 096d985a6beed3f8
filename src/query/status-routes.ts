// How the platform is: status, stream, verify, health.
import type { FastifyInstance } from 'fastify';
import { requestIdOf } from '../access/request-id.ts';

export interface Operations {
  /** See platform/status.ts. */
  status(): Promise<object>;
  /** What a sender of lines has to know, whatever its key: see platform/status.ts. */
  stream(): Promise<object>;
  /** See platform/verify.ts. */
  verify(): Promise<object>;
  /** Why requests cannot be served now; null when they can. */
  notReady(): string | null;
}

export function statusRoutes(server: FastifyInstance, operations: Operations): void {
  const open = { config: { access: 'open' } } as const;
  server.get('/v1/status', { config: { access: 'read' } }, () => operations.status());
  server.get('/v1/stream', { config: { access: 'key' } }, () => operations.stream());
  server.post('/v1/verify', { config: { access: 'admin' } }, () => operations.verify());
  server.get('/healthz', open, () => ({ status: 'ok' }));
  server.get('/readyz', open, async (request, reply) => {
    const reason = operations.notReady();
    if (reason === null) return { status: 'ready' };
    return reply.code(503).header('x-request-id', requestIdOf(request)).send({ status: 'not ready', reason });
  });
}
