// What the routes of imports take and answer.
import Type from 'typebox';
import { answer, json } from '../docs/operation.ts';
import { answered, COLUMN_CHARACTERS_MAX, fields, Import, map, Options, open, STATES } from './import-schema.ts';
import {
  doneImport,
  exampleAnswer,
  exampleCsv,
  exampleRejects,
  loadingImport,
  needsAnswerImport,
  waitingImport,
} from './imports-examples.ts';

const LIST_LIMIT_MAX = 1000;
/** As long as a file system lets one be. */
const NAME_CHARACTERS_MAX = 255;
/** The same as parameters, for a body that is the file. */
export const UploadQuery = Type.Object({
  name: Type.Optional(
    Type.String({ minLength: 1, maxLength: NAME_CHARACTERS_MAX, description: 'Of the file that is the body.' }),
  ),
  ...open,
  map: Type.Optional(
    Type.Array(Type.String({ maxLength: 2 * COLUMN_CHARACTERS_MAX }), {
      maxItems: fields.length,
      description: '`unitPrice=Amount each`, once for each field.',
    }),
  ),
});
export const InboxBody = Type.Object(
  {
    file: Type.String({
      minLength: 1,
      maxLength: NAME_CHARACTERS_MAX,
      description: 'In `lake/inbox` of the platform.',
    }),
    options: Type.Optional(Type.Unsafe<Record<string, unknown>>({ type: 'object' })),
  },
  { additionalProperties: false },
);
export const ListQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: LIST_LIMIT_MAX, default: 50 }),
  before: Type.Optional(Type.String({ description: '`next` of the page before.' })),
  state: Type.Optional(Type.Enum(STATES)),
});
export const ImportParams = Type.Object({
  id: Type.String({ minLength: 1, description: '`<day>-<four characters>`', examples: ['20251224-k7mq'] }),
});
/** Another than the one that is answered. */
const CancelParams = Type.Object({
  id: Type.String({ minLength: 1, description: '`<day>-<four characters>`', examples: ['20251224-x3vp'] }),
});
export const AnswerBody = Type.Object({ ...answered, map }, { additionalProperties: false, examples: [exampleAnswer] });

const text = Type.String();
const List = Type.Object({
  imports: Type.Array(Import),
  next: Type.Union([text, Type.Null()], { description: '`before` for the next page; null at the end.' }),
});

const tags = ['Imports'];
const params = ImportParams;
const binary = { type: 'string', contentMediaType: 'application/octet-stream' };
const one = (name: string, summary: string, value: object) => ({ [name]: { summary, value } });

const reads = {
  headers: Type.Object({}),
  body: {
    content: {
      'multipart/form-data': {
        schema: {
          type: 'object',
          description:
            '`options`, JSON, before the files; then the files, in the order in which their lines are numbered.',
          properties: { options: Options, file: { type: 'array', items: binary } },
          required: ['file'],
        },
      },
      'text/csv': {
        schema: {
          type: 'string',
          description:
            'The file as it is. Also `application/x-ndjson`, `application/vnd.apache.parquet`, `application/gzip`, `application/octet-stream`; with `name`, any other type.',
          'x-examples': { csv: { summary: 'A file', value: exampleCsv } },
        },
      },
      'application/json': {
        schema: {
          ...InboxBody,
          'x-examples': {
            inbox: { summary: 'A file of the inbox', value: { file: 'may.csv', options: { dateOrder: 'day-first' } } },
          },
        },
      },
    },
  },
};

export const operations = {
  create: {
    config: {
      access: 'admin',
      isLong: true,
      reads,
      problems: [
        'empty_request',
        'file_not_found',
        'unsupported_media_type',
        'invalid_json',
        'invalid_request',
        'body_too_large',
        'overloaded',
        'disk_low',
        'disk_full',
      ],
    },
    schema: {
      operationId: 'createImport',
      summary: 'Import files of any size',
      description: [
        'Files of invoice lines go round the stream into all stores: CSV (comma, semicolon, tab), NDJSON, Parquet; plain or with gzip or zstd. Sent in one of three ways:',
        '',
        '- **multipart/form-data**: a field `options` with JSON, then any number of parts `file`: `curl -F \'options={"dateOrder":"day-first"}\' -F file=@may.csv`;',
        '- **the file itself** as the body, what is said of it as parameters: `curl -T may.csv "…/v1/imports?name=may.csv"` with POST;',
        '- **JSON** that names a file of `lake/inbox` of the platform.',
        '',
        'Files of one request are one import. It answers once they are on disk; `GET /v1/imports/{id}` says what becomes of them. Imports run one after another.',
        'A row that cannot be used does not stop an import: it goes to quarantine. The same bytes again do nothing.',
      ].join('\n'),
      tags,
      querystring: UploadQuery,
      response: { 202: json('It waits for its turn.', Import, one('waiting', 'A file was taken in', waitingImport)) },
    },
  },
  list: {
    config: { access: 'admin' },
    schema: {
      operationId: 'listImports',
      summary: 'All imports',
      description: 'Newest first.',
      tags,
      querystring: ListQuery,
      response: { 200: json('A page of imports.', List, one('page', 'One', { imports: [doneImport], next: null })) },
    },
  },
  get: {
    config: { access: 'admin', problems: ['not_found'] },
    schema: {
      operationId: 'getImport',
      summary: 'An import, with its progress',
      description: 'How its files are read, how far it is, what it asks, what was rejected, and what came of it.',
      tags,
      params,
      response: {
        200: json('The import.', Import, {
          loading: { summary: 'Under way', value: loadingImport },
          needsAnswer: { summary: 'It asks', value: needsAnswerImport },
          done: { summary: 'Done', value: doneImport },
        }),
      },
    },
  },
  answer: {
    config: { access: 'admin', problems: ['not_found', 'conflict'] },
    schema: {
      operationId: 'answerImport',
      summary: 'Answer what an import asks',
      description:
        'What does not answer its question is refused: `dateOrder` answers date_order, `map` columns, `conflicts` conflicts, `maxRejects` too_many_rejects.',
      tags,
      params,
      body: AnswerBody,
      response: { 200: json('It goes on.', Import, one('answered', 'It waits for its turn', waitingImport)) },
    },
  },
  cancel: {
    config: { access: 'admin', problems: ['not_found', 'conflict'] },
    schema: {
      operationId: 'cancelImport',
      summary: 'Cancel an import',
      description: 'What is in the stores stays there, and counts; the rest does not come.',
      tags,
      params: CancelParams,
      response: {
        200: json(
          'It is cancelled.',
          Import,
          one('cancelled', 'Before it wrote', { ...waitingImport, state: 'cancelled' }),
        ),
      },
    },
  },
  rejects: {
    config: { access: 'admin', problems: ['not_found'] },
    schema: {
      operationId: 'getImportRejects',
      summary: 'The rows that could not be used',
      description:
        'As CSV: the columns of the file, then `id` in quarantine, `row`, `code` and `reason`. Mended, `tillstream quarantine redrive --from` brings it back in.',
      tags,
      params,
      response: {
        200: answer('text/csv', 'The rows.', Type.String(), { rejects: { summary: 'One row', value: exampleRejects } }),
      },
    },
  },
} as const;
