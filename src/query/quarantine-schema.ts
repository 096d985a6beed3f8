// What the routes of the quarantine take and answer.
import Type, { type Static } from 'typebox';
import { json } from '../docs/operation.ts';

const STATES = ['waiting', 'redriven', 'discarded'] as const;
const LIST_LIMIT_MAX = 1000;

export const ListQuery = Type.Object({
  state: Type.Enum(STATES, { default: 'waiting' }),
  store: Type.Optional(Type.Enum(['lake', 'orders', 'warehouse', 'imports'])),
  limit: Type.Integer({ minimum: 1, maximum: LIST_LIMIT_MAX, default: 100 }),
  after: Type.Optional(Type.String({ description: '`next` of the page before.' })),
});
export const EntryParams = Type.Object({
  id: Type.String({
    minLength: 1,
    description: '`<store>-<sequence>`; of a row of a file `imports-<import>-<row>`',
    examples: ['orders-0000000000000042'],
  }),
});

const entry = {
  id: Type.String(),
  store: Type.String({ description: 'Whose pipeline could not use it; `imports`: it is a row of a file.' }),
  sequence: Type.String(),
  state: Type.Enum(STATES),
  code: Type.String(),
  message: Type.String({ description: 'The reason, for a person.' }),
  attempts: Type.Integer({ description: 'How often it was tried, redrives included.' }),
  arrivedAt: Type.String({ format: 'date-time' }),
  quarantinedAt: Type.String({ format: 'date-time' }),
  bytes: Type.Integer({ description: 'Size of the record.' }),
};
export const Entry = Type.Object(entry, { $id: 'QuarantineEntry' });
export const Entries = Type.Object({
  entries: Type.Array(Entry),
  next: Type.Union([Type.String(), Type.Null()], { description: '`after` for the next page; null at the end.' }),
});
export const WholeEntry = Type.Object({
  ...entry,
  data: Type.String({
    description:
      'The record, whole: NDJSON of lines of one invoice; of a row of a file JSON with `file`, `row`, `byteOffset`, `text` and `columns`.',
  }),
});
export const RedriveBody = Type.Object(
  {
    line: Type.Optional(
      Type.Unsafe<Record<string, unknown>>({
        type: 'object',
        description: 'Of a row of a file: fields, by the names of its columns or ours, that take the place of its own.',
      }),
    ),
  },
  { additionalProperties: false, examples: [{}] },
);
export const Redriven = Type.Object({
  id: Type.String(),
  state: Type.Enum(['redriven', 'waiting'], { description: '`waiting`: it failed again.' }),
  message: Type.String(),
});
export const Discarded = Type.Object({
  id: Type.String(),
  state: Type.Enum(['discarded']),
  message: Type.Optional(Type.String({ description: 'What to know about it.' })),
});

const shown: Static<typeof Entry> = {
  id: 'orders-0000000000000042',
  store: 'orders',
  sequence: '0000000000000042',
  state: 'waiting',
  code: 'unusable_record',
  message: 'Record 0000000000000042 is not what ingest writes.',
  attempts: 1,
  arrivedAt: '2025-12-24T09:00:00.000Z',
  quarantinedAt: '2025-12-24T09:00:01.000Z',
  bytes: 214,
};
const redriven: Static<typeof Redriven> = {
  id: shown.id,
  state: 'redriven',
  message: 'Record 0000000000000042 is in orders now.',
};
const discarded: Static<typeof Discarded> = { id: shown.id, state: 'discarded' };
const one = (summary: string, value: object) => ({ entry: { summary, value } });

const tags = ['Quarantine'];
const params = EntryParams;

export const operations = {
  list: {
    config: { access: 'admin' },
    schema: {
      operationId: 'listQuarantine',
      summary: 'What waits, or was settled',
      description: 'In order of their ids, without the records themselves. Settled entries stay listed.',
      tags,
      querystring: ListQuery,
      response: { 200: json('A page of entries.', Entries, one('One waits', { entries: [shown], next: null })) },
    },
  },
  get: {
    config: { access: 'admin', problems: ['not_found'] },
    schema: {
      operationId: 'getQuarantined',
      summary: 'An entry, with its record',
      description: 'The record as it stands on the stream, whatever is wrong with it.',
      tags,
      params,
      response: { 200: json('The entry.', WholeEntry, one('An entry', { ...shown, data: 'what is this?\n' })) },
    },
  },
  redrive: {
    config: { access: 'admin', problems: ['not_found'] },
    schema: {
      operationId: 'redrive',
      summary: 'Try a record again',
      description:
        'With the version that it had: what came after it still stands. It fails again, and waits on, where nothing was mended. ' +
        'A row of a file comes back in corrected, under the number that it had: `{"line": {"Quantity": 6}}`.',
      tags,
      params,
      body: RedriveBody,
      response: { 200: json('What became of it.', Redriven, one('It is in its store now', redriven)) },
    },
  },
  discard: {
    config: { access: 'admin', problems: ['not_found', 'conflict'] },
    schema: {
      operationId: 'discard',
      summary: 'Give a record up, for its store',
      description: 'It stays listed, and `verify` accounts for it. It can still be redriven.',
      tags,
      params,
      response: { 200: json('It is discarded.', Discarded, one('It is discarded', discarded)) },
    },
  },
} as const;
