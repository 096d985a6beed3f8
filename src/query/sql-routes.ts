// POST /v1/query: one read-only SELECT of an analyst on the warehouse.
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { QueryAnswer, SelectLimits } from '../stores/warehouse/warehouse.ts';

export interface Selects {
  select(sql: string, limits: SelectLimits): Promise<QueryAnswer>;
}

/** An answer is one JSON document in memory; more rows are for a BI tool. */
const selectLimits: SelectLimits = { rowsMax: 10_000, timeoutMs: 30_000 };
const SQL_CHARACTERS_MAX = 100_000;

const QueryBody = Type.Object({ sql: Type.String({ minLength: 1, maxLength: SQL_CHARACTERS_MAX }) });

export function sqlRoutes(server: FastifyInstance, warehouse: Selects): void {
  const config = { access: 'read' } as const;
  server.post<{ Body: Static<typeof QueryBody> }>('/v1/query', { config, schema: { body: QueryBody } }, ({ body }) =>
    warehouse.select(body.sql, selectLimits),
  );
}
