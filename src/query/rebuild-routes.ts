// Rebuilds of a store from the lake: begun, and looked at while they are under way.
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { operations, type Rebuild, type RebuildParams, type Rebuilds as Running } from './rebuild-schema.ts';

export interface Rebuilds {
  /** See platform/rebuild.ts. */
  rebuild(store: Static<typeof RebuildParams>['store'], signal: AbortSignal): Promise<Static<typeof Rebuild>>;
  /** null: none is under way. */
  progress(): Promise<Static<typeof Running>['running']>;
}

export function rebuildRoutes(server: FastifyInstance, rebuilds: Rebuilds): void {
  // As with a backup: whoever asked and goes away has changed their mind.
  server.post<{ Params: Static<typeof RebuildParams>; Reply: Static<typeof Rebuild> }>(
    '/v1/rebuild/:store',
    operations.create,
    async ({ params: { store } }, reply) => {
      const gone = new AbortController();
      reply.raw.on('close', () => gone.abort());
      return rebuilds.rebuild(store, gone.signal);
    },
  );

  server.get<{ Reply: Static<typeof Running> }>('/v1/rebuild', operations.running, async () => ({
    running: await rebuilds.progress(),
  }));
}
