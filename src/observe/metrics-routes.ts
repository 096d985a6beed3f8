// GET /metrics, for Prometheus.
import type { FastifyInstance } from 'fastify';
import type { Metrics } from './metrics.ts';
import { operation } from './metrics-schema.ts';

export function metricsRoutes(server: FastifyInstance, metrics: Metrics): void {
  server.get('/metrics', operation, async (_request, reply) => {
    const { contentType, text } = await metrics.scrape();
    return reply.type(contentType).send(text);
  });
}
