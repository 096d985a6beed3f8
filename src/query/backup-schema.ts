// What the routes of backups take and answer.
import Type, { type Static } from 'typebox';
import { json } from '../docs/operation.ts';

/** As long as Linux lets one be. */
const PATH_CHARACTERS_MAX = 4096;

export const BackupBody = Type.Object(
  {
    path: Type.String({
      minLength: 1,
      maxLength: PATH_CHARACTERS_MAX,
      description:
        'Absolute, on the machine of the platform: a new or empty directory, or a new file that ends in .tar.',
    }),
  },
  { additionalProperties: false, examples: [{ path: '/srv/backups/2025-12-24' }] },
);

const count = Type.Integer({ minimum: 0 });
const moment = Type.String({ format: 'date-time' });
const seconds = Type.Number({ minimum: 0 });
const sequenceOrNull = (description: string) => Type.Union([Type.String(), Type.Null()], { description });
const countOrNull = Type.Union([count, Type.Null()], { description: 'Of this step; null where it is not counted.' });

export const Backup = Type.Object(
  {
    path: Type.String(),
    tillstream: Type.String({ description: 'The version that wrote it.' }),
    createdAt: moment,
    streamId: Type.String(),
    sequence: sequenceOrNull('Every store is at this record; null before the first line.'),
    streamNewest: sequenceOrNull(
      'What was accepted meanwhile is in it up to here, and is delivered after it was restored.',
    ),
    agrees: Type.Boolean({ description: 'Whether the copies hold the same lines.' }),
    stores: Type.Array(
      Type.Object({
        store: Type.String(),
        lines: count,
        invoices: count,
        revenue: Type.String({ description: 'Exact.' }),
        agrees: Type.Boolean(),
        quarantined: count,
        discarded: count,
      }),
      { description: 'At `sequence`, read from the copies.' },
    ),
    files: count,
    bytes: count,
    seconds,
    heldSeconds: Type.Number({ minimum: 0, description: 'How long delivery into the stores was held.' }),
  },
  { $id: 'Backup' },
);

export const Backups = Type.Object({
  running: Type.Union(
    [
      Type.Object({
        path: Type.String(),
        startedAt: moment,
        step: Type.Enum(['preparing', 'holding', 'comparing', 'copying', 'packing']),
        bytes: countOrNull,
        bytesTotal: countOrNull,
      }),
      Type.Null(),
    ],
    { description: 'The one that is under way; null: none is.' },
  ),
});

const held = { lines: 3, invoices: 2, revenue: '25.25', agrees: true, quarantined: 0, discarded: 0 };
const backup: Static<typeof Backup> = {
  path: '/srv/backups/2025-12-24',
  tillstream: '0.1.0',
  createdAt: '2025-12-24T09:00:00.000Z',
  streamId: '01KD7Z7M9XJ4S3R6T8V0W2Y4A6',
  sequence: '0000000000000003',
  streamNewest: '0000000000000003',
  agrees: true,
  stores: [
    { store: 'lake', ...held },
    { store: 'orders', ...held },
    { store: 'warehouse', ...held },
  ],
  files: 6,
  bytes: 1_400_832,
  seconds: 0.8,
  heldSeconds: 0.1,
};
const running: Static<typeof Backups> = {
  running: {
    path: '/srv/backups/2025-12-24',
    startedAt: '2025-12-24T09:00:00.000Z',
    step: 'copying',
    bytes: 1_048_576,
    bytesTotal: 1_400_832,
  },
};

const tags = ['Platform'];

export const operations = {
  create: {
    config: {
      access: 'admin',
      problems: [
        'backup_exists',
        'file_not_found',
        'directory_not_writable',
        'wrong_usage',
        'disk_full',
        'stream_gap',
        'lake_damaged',
      ],
    },
    schema: {
      operationId: 'createBackup',
      summary: 'Take a backup',
      description:
        'While lines are still accepted: of all stores at one moment, compared and hashed, on the machine of the platform. ' +
        'It answers when it is done; who goes away before cancels it. `tillstream restore` makes a data directory of it.',
      tags,
      body: BackupBody,
      response: { 201: json('It is whole.', Backup, { backup: { summary: 'The copies agree', value: backup } }) },
    },
  },
  running: {
    config: { access: 'admin' },
    schema: {
      operationId: 'getRunningBackup',
      summary: 'How far a backup is',
      description: 'The one that is under way. Those that were taken are not listed: they are where they were put.',
      tags,
      response: {
        200: json('How far.', Backups, {
          running: { summary: 'It copies', value: running },
          none: { summary: 'None is under way', value: { running: null } },
        }),
      },
    },
  },
} as const;
