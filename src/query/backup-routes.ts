// Backups of the running platform: taken, and looked at while they are.
import { isAbsolute, resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { TillstreamError } from '../model/errors.ts';

export interface Backups {
  /** See platform/backup.ts. */
  backup(path: string, signal: AbortSignal): Promise<object>;
  /** null: none is under way. */
  progress(): Promise<object | null>;
}

const BackupBody = Type.Object(
  {
    path: Type.String({
      minLength: 1,
      maxLength: 4096,
      description:
        'Absolute, on the machine of the platform: a new or empty directory, or a new file that ends in .tar.',
    }),
  },
  { additionalProperties: false },
);

export function backupRoutes(server: FastifyInstance, backups: Backups): void {
  const config = { access: 'admin' } as const;

  // Answers when it is done. Whoever asked and goes away has changed their mind: it is cancelled.
  server.post<{ Body: Static<typeof BackupBody> }>(
    '/v1/backups',
    { config, schema: { body: BackupBody } },
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

  server.get('/v1/backups', { config }, async () => ({ running: await backups.progress() }));
}
