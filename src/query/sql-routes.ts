// POST /v1/query: one read-only SELECT of an analyst on the warehouse.
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import type { QueryAnswer, SelectLimits } from '../stores/warehouse/warehouse.ts';
import { operation, type QueryBody, selectLimits } from './sql-schema.ts';

export interface Selects {
  select(sql: string, limits: SelectLimits): Promise<QueryAnswer>;
}

export function sqlRoutes(server: FastifyInstance, warehouse: Selects): void {
  server.post<{ Body: Static<typeof QueryBody> }>('/v1/query', operation, ({ body }) =>
    warehouse.select(body.sql, selectLimits),
  );
}
