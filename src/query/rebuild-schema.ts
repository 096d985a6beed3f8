// What the routes of rebuilds take and answer.
import Type, { type Static } from 'typebox';
import { json } from '../docs/operation.ts';

const count = Type.Integer({ minimum: 0 });
const store = Type.Enum(['orders', 'warehouse']);

export const RebuildParams = Type.Object({
  store: Type.Enum(['orders', 'warehouse'], { description: 'The store to build anew.', examples: ['warehouse'] }),
});

export const Rebuild = Type.Object(
  {
    store,
    lines: count,
    invoices: count,
    revenue: Type.String({ description: 'Exact.' }),
    seconds: Type.Number({ minimum: 0 }),
    sequence: Type.Union([Type.String(), Type.Null()], {
      description: 'The figures are as of this record; the store went on from there. null before the first line.',
    }),
  },
  { $id: 'Rebuild' },
);

export const Rebuilds = Type.Object({
  running: Type.Union(
    [
      Type.Object({
        store,
        startedAt: Type.String({ format: 'date-time' }),
        step: Type.Enum(['preparing', 'building', 'catching up']),
        bytes: Type.Integer({ minimum: 0, description: 'Of the files of the lake, in this step.' }),
        bytesTotal: count,
      }),
      Type.Null(),
    ],
    { description: 'The one that is under way; null: none is.' },
  ),
});

const rebuilt: Static<typeof Rebuild> = {
  store: 'orders',
  lines: 3,
  invoices: 2,
  revenue: '25.25',
  seconds: 0.9,
  sequence: '0000000000000003',
};
const running: Static<typeof Rebuilds> = {
  running: {
    store: 'orders',
    startedAt: '2025-12-24T09:00:00.000Z',
    step: 'building',
    bytes: 1_048_576,
    bytesTotal: 4_194_304,
  },
};

const tags = ['Platform'];

export const operations = {
  create: {
    config: { access: 'admin', problems: ['conflict', 'disk_full', 'lake_damaged', 'stream_gap'] },
    schema: {
      operationId: 'rebuildStore',
      summary: 'Build a store anew',
      description:
        'From the lake alone, beside the store that is there, which answers until the new one takes its place. Lines are accepted ' +
        'all the while. For a store that has stopped with stream_gap, was lost, or differs. It answers when it is done; who goes ' +
        'away before cancels it, and nothing is changed.',
      tags,
      params: RebuildParams,
      response: { 200: json('It is in its place.', Rebuild, { rebuilt: { summary: 'Rebuilt', value: rebuilt } }) },
    },
  },
  running: {
    config: { access: 'admin' },
    schema: {
      operationId: 'getRunningRebuild',
      summary: 'How far a rebuild is',
      description: 'The one that is under way.',
      tags,
      response: {
        200: json('How far.', Rebuilds, {
          running: { summary: 'It builds', value: running },
          none: { summary: 'None is under way', value: { running: null } },
        }),
      },
    },
  },
} as const;
