// What status, stream and the health checks answer.
import Type, { type Static } from 'typebox';
import { json } from '../docs/operation.ts';
import { exampleImportSummary, Summary } from '../imports/import-schema.ts';
import { errorCodes } from '../model/errors.ts';
import { lineLimits } from '../model/line.ts';

const text = Type.String();
const textOrNull = Type.Union([text, Type.Null()]);
const count = Type.Integer({ minimum: 0 });
const bytes = Type.Number({ minimum: 0 });
const moment = Type.String({ format: 'date-time' });

const Consumer = Type.Object(
  {
    store: text,
    state: Type.Enum(['running', 'waiting', 'held', 'stopped', 'silent'], {
      description:
        '`waiting`: its store is away, and tried again; `held`: a verify, a redrive or a backup is at work; `stopped`: it needs a person; `silent`: its thread does not answer, the rest is what it said last.',
    }),
    checkpoint: textOrNull,
    lagRecords: count,
    lagSeconds: Type.Number({ minimum: 0, description: 'Age of the oldest record that is not in the store.' }),
    freshnessMs: Type.Union([Type.Number(), Type.Null()], {
      description: 'How long the newest record took into the store; null before the first.',
    }),
    bytes: Type.Union([bytes, Type.Null()], { description: 'What the store takes on disk; null for the lake.' }),
    error: Type.Union([Type.Object({ code: Type.Enum(errorCodes), message: text, hint: textOrNull }), Type.Null()]),
  },
  { $id: 'Consumer', description: 'What delivers from the stream into one store.' },
);

const LineLimits = Type.Object(
  Object.fromEntries(Object.keys(lineLimits).map((name) => [name, Type.Integer()] as const)) as {
    [name in keyof typeof lineLimits]: ReturnType<typeof Type.Integer>;
  },
);

export const Status = Type.Object(
  {
    version: text,
    dataDirectory: text,
    startedAt: moment,
    uptimeSeconds: count,
    timeZone: Type.String({ description: 'Into which dates with an offset are converted.' }),
    accepting: Type.Object({ open: Type.Boolean(), reason: textOrNull }),
    stream: Type.Object({
      id: text,
      trimmed: Type.Union([text, Type.Null()], { description: 'The newest record that was removed.' }),
      newest: textOrNull,
      records: count,
      bytes,
      bytesMax: bytes,
      oldestAt: Type.Union([moment, Type.Null()], {
        description: 'When the oldest record that is kept arrived; null when none is.',
      }),
    }),
    consumers: Type.Array(Consumer),
    imports: Type.Array(Summary, { description: 'That have not ended, oldest first: the newest twenty.' }),
    quarantine: Type.Object({ waiting: count, redriven: count, discarded: count }),
    accepted: Type.Object(
      {
        lines: count,
        rejected: count,
        rejectedByCode: Type.Unsafe<Record<string, number>>({
          type: 'object',
          additionalProperties: count,
          description: 'Why: how many of each code, of those that were.',
        }),
        requests: count,
        linesPerSecond: count,
      },
      { description: 'Since the start of the platform.' },
    ),
    replaced: Type.Integer({
      description: 'Lines that replaced one that differed: corrections, or a mistake somewhere.',
    }),
    disk: Type.Object({ freeBytes: bytes, reserveBytes: bytes }),
    limits: Type.Object(
      { bodyBytesMax: count, arrayLinesMax: count, ndjsonLinesMax: count, line: LineLimits },
      { description: 'Of requests and of a line: clients adapt to them.' },
    ),
  },
  { $id: 'Status' },
);

export const Stream = Type.Object({
  id: Type.String({ description: 'Of the data: another one is another data directory.' }),
  newest: textOrNull,
  served: Type.Union([text, Type.Null()], {
    description: 'Up to where the order store has it, and with it `replaced`.',
  }),
  replaced: Type.Integer({ description: 'Lines that replaced one that differed.' }),
});

const healthy = Type.Object({ status: Type.Enum(['ok']) });
const ready = Type.Object({ status: Type.Enum(['ready']) });
const notReady = Type.Object({ status: Type.Enum(['not ready']), reason: text });

const consumer = {
  state: 'running',
  checkpoint: '0000000000000003',
  lagRecords: 0,
  lagSeconds: 0,
  error: null,
} as const;
export const exampleStatus: Static<typeof Status> = {
  version: '0.1.0',
  dataDirectory: '/srv/shop/tillstream-data',
  startedAt: '2025-12-24T08:00:00.000Z',
  uptimeSeconds: 3600,
  timeZone: 'UTC',
  accepting: { open: true, reason: null },
  stream: {
    id: '01KD7Z7M9XJ4S3R6T8V0W2Y4A6',
    trimmed: null,
    newest: '0000000000000003',
    records: 3,
    bytes: 1024,
    bytesMax: 1_073_741_824,
    oldestAt: '2025-12-24T09:00:00.000Z',
  },
  consumers: [
    { store: 'lake', ...consumer, freshnessMs: 5012, bytes: null },
    { store: 'orders', ...consumer, freshnessMs: 9, bytes: 32_768 },
    { store: 'warehouse', ...consumer, freshnessMs: 143, bytes: 1_323_008 },
  ],
  imports: [exampleImportSummary],
  quarantine: { waiting: 0, redriven: 0, discarded: 0 },
  accepted: { lines: 3, rejected: 1, rejectedByCode: { invalid_price: 1 }, requests: 2, linesPerSecond: 0 },
  replaced: 0,
  disk: { freeBytes: 64_000_000_000, reserveBytes: 536_870_912 },
  limits: { bodyBytesMax: 16_777_216, arrayLinesMax: 5000, ndjsonLinesMax: 100_000, line: lineLimits },
};
const stream: Static<typeof Stream> = {
  id: exampleStatus.stream.id,
  newest: '0000000000000003',
  served: '0000000000000003',
  replaced: 0,
};
const tags = ['Platform'];
const open = { access: 'open' } as const;
const one = (name: string, summary: string, value: object) => ({ [name]: { summary, value } });

export const operations = {
  status: {
    config: { access: 'read' },
    schema: {
      operationId: 'getStatus',
      summary: 'How the platform is',
      description:
        'Whether it accepts, how far each store is behind and why, what was accepted, and the limits of requests.',
      tags,
      response: { 200: json('How it is.', Status, one('status', 'All is well', exampleStatus)) },
    },
  },
  stream: {
    config: { access: 'key' },
    schema: {
      operationId: 'getStream',
      summary: 'Which data this is',
      description:
        'For who sends lines, with any key: whether it still speaks to the same data, and how many lines were replaced.',
      tags,
      response: { 200: json('The stream.', Stream, one('stream', 'All is served', stream)) },
    },
  },
  health: {
    config: open,
    schema: {
      operationId: 'health',
      summary: 'Whether the process answers',
      description: 'Asks for no key.',
      tags,
      response: { 200: json('It does.', healthy, one('ok', 'It does', { status: 'ok' })) },
    },
  },
  ready: {
    config: open,
    schema: {
      operationId: 'ready',
      summary: 'Whether lines are accepted',
      description: 'Asks for no key.',
      tags,
      response: {
        200: json('They are.', ready, one('ready', 'They are', { status: 'ready' })),
        503: json(
          'Not now, with the reason.',
          notReady,
          one('full', 'The stream is full', { status: 'not ready', reason: 'The stream is full.' }),
        ),
      },
    },
  },
} as const;
