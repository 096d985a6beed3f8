// Backups of the running platform: taken, and looked at while they are.
import { isAbsolute, resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { TillstreamError } from '../model/errors.ts';
import { type Backup, type BackupBody, operations, type Backups as Running } from './backup-schema.ts';

export interface Backups {
  /** See platform/backup.ts. */
  backup(path: string, signal: AbortSignal): Promise<Static<typeof Backup>>;
  /** null: none is under way. */
  progress(): Promise<Static<typeof Running>['running']>;
}

export function backupRoutes(server: FastifyInstance, backups: Backups): void {
  // Answers when it is done. Whoever asked and goes away has changed their mind: it is cancelled.
  server.post<{ Body: Static<typeof BackupBody>; Reply: Static<typeof Backup> }>(
    '/v1/backups',
    operations.create,
    async ({ body: { path } }, reply) => {
      if (!isAbsolute(path) || path.includes('\0')) {
        const message = `path is "${path.slice(0, 200)}"; expected an absolute path on the machine of the platform.`;
        throw new TillstreamError('invalid_parameter', message, { field: 'path', value: path.slice(0, 200) });
      }
      const gone = new AbortController();
      reply.raw.on('close', () => gone.abort());
      const report = await backups.backup(resolve(path), gone.signal);
      return reply.code(201).send(report);
    },
  );

  server.get<{ Reply: Static<typeof Running> }>('/v1/backups', operations.running, async () => ({
    running: await backups.progress(),
  }));
}
