// What the routes of imports take and answer.
import Type, { type Static } from 'typebox';
import { answer, json } from '../docs/operation.ts';
import { columnNames, type Field } from '../model/columns.ts';
import { errorCodes } from '../model/errors.ts';
import {
  doneImport,
  exampleAnswer,
  exampleCsv,
  exampleRejects,
  exampleSummary,
  loadingImport,
  needsAnswerImport,
  waitingImport,
} from './imports-examples.ts';

const LIST_LIMIT_MAX = 1000;
/** As long as a file system lets one be. */
const NAME_CHARACTERS_MAX = 255;
/** A name of a column is kept beside every line that has it. */
const COLUMN_CHARACTERS_MAX = 200;

const STATES = [
  'waiting',
  'reading',
  'needs_answer',
  'staging',
  'loading',
  'done',
  'already_imported',
  'checked',
  'cancelled',
  'failed',
] as const;
const FORMATS = ['csv', 'ndjson', 'parquet'] as const;
const ENCODINGS = ['utf-8', 'windows-1252'] as const;
const DATE_ORDERS = ['month-first', 'day-first'] as const;
const CONFLICT_TEXTS = ['invoiceNo', 'lineId', 'source', 'now', 'then'];
const fields = Object.keys(columnNames) as Field[];

const text = Type.String();
const textOrNull = Type.Union([text, Type.Null()]);
const count = Type.Integer({ minimum: 0 });
const countOrNull = Type.Union([count, Type.Null()]);
const moment = Type.String({ format: 'date-time' });
const momentOrNull = Type.Union([moment, Type.Null()]);
const field = Type.Enum(fields);

const answered = {
  dateOrder: Type.Optional(
    Type.Enum(DATE_ORDERS, { description: 'Of dates that are written with numbers alone, as `1/12/2010`.' }),
  ),
  conflicts: Type.Optional(
    Type.Enum(['replace', 'continue-numbering'], {
      description:
        'What becomes of lines of another source that the import would change: `replace` them, or number its lines on after them.',
    }),
  ),
  maxRejects: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 100,
      description: 'Percent of the rows; with more rejects nothing is written.',
    }),
  ),
};
const open = {
  format: Type.Optional(Type.Enum(FORMATS)),
  encoding: Type.Optional(Type.Enum(ENCODINGS)),
  ...answered,
  again: Type.Optional(
    Type.Boolean({
      description: 'Import files that were imported already once more, under the versions that they had.',
    }),
  ),
  dryRun: Type.Optional(Type.Boolean({ description: 'Count and look, and write nothing.' })),
};
const map = Type.Optional(
  Type.Unsafe<Record<string, string>>({
    type: 'object',
    additionalProperties: { type: 'string', minLength: 1, maxLength: COLUMN_CHARACTERS_MAX },
    maxProperties: fields.length,
    description:
      'Names of columns as the files have them, by the field that they mean: `{"unitPrice": "Amount each"}`.',
  }),
);

/** All of it may be left open: it is found, or asked for. */
export const Options = Type.Object({ ...open, map }, { additionalProperties: false });
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
export const AnswerBody = Type.Object({ ...answered, map }, { additionalProperties: false, examples: [exampleAnswer] });

const Reading = Type.Object({
  format: Type.Enum(FORMATS),
  compression: Type.Enum(['none', 'gzip', 'zstd']),
  encoding: Type.Union([Type.Enum(ENCODINGS), Type.Null()], {
    description: 'null: not known yet, as all so far is the same in both.',
  }),
  delimiter: textOrNull,
  columns: Type.Array(
    Type.Object({
      name: text,
      field: Type.Union([field, Type.Null()], { description: 'What it means; null: kept beside the line as it is.' }),
    }),
  ),
  dateOrder: Type.Union([Type.Enum(DATE_ORDERS), Type.Null()], { description: 'null: its dates leave nothing open.' }),
  hasHeader: Type.Boolean(),
});
const Question = Type.Union(
  [
    Type.Object({
      kind: Type.Enum(['date_order']),
      file: text,
      examples: Type.Array(Type.Object({ text, monthFirst: text, dayFirst: text })),
    }),
    Type.Object({
      kind: Type.Enum(['columns']),
      file: text,
      missing: Type.Array(field),
      columns: Type.Array(text),
    }),
    Type.Object({
      kind: Type.Enum(['conflicts']),
      lines: count,
      invoices: count,
      examples: Type.Array(
        Type.Object(Object.fromEntries(CONFLICT_TEXTS.map((name) => [name, text])), {
          description: 'A line as it stands `now`, by `source`, and as the import would have it `then`.',
        }),
      ),
    }),
    Type.Object({ kind: Type.Enum(['too_many_rejects']), rows: count, rejected: count, percentMax: Type.Number() }),
  ],
  { description: 'What only the owner of the files can say; `POST …/answer` says it.' },
);
const Progress = Type.Object({
  bytes: count,
  bytesTotal: count,
  lines: Type.Integer({ minimum: 0, description: 'Lines that are read while `staging`, stored while `loading`.' }),
  linesTotal: countOrNull,
  linesPerSecond: Type.Number({ minimum: 0 }),
  secondsLeft: Type.Union([Type.Number({ minimum: 0 }), Type.Null()]),
});
const Counts = Type.Object({
  rows: count,
  lines: Type.Integer({ minimum: 0, description: 'Rows that became lines.' }),
  invoices: count,
  rejected: count,
  superseded: Type.Integer({ minimum: 0, description: 'Rows that a later one of the same LineNo replaced.' }),
  revenue: Type.String({ description: 'Exact.' }),
  replaced: Type.Integer({ minimum: 0, description: 'Lines of the stores that were replaced by ones that differ.' }),
});
const Reject = Type.Object({
  row: Type.Integer({ minimum: 1, description: 'Over all files of the import; the header does not count.' }),
  file: text,
  byteOffset: Type.Union([count, Type.Null()], { description: 'Where the row starts in the file, unpacked.' }),
  text: Type.String({ description: 'The row as it stands in the file.' }),
  columns: Type.Union([Type.Unsafe<Record<string, unknown>>({ type: 'object' }), Type.Null()]),
  invoiceNo: textOrNull,
  lineId: textOrNull,
  code: Type.Enum(errorCodes),
  field: textOrNull,
  value: textOrNull,
  message: text,
});

export const Import = Type.Object(
  {
    id: text,
    state: Type.Enum(STATES, {
      description:
        '`waiting` for its turn; `reading` and `staging`: nothing is in the stores yet; `needs_answer`: see `question`; ' +
        '`already_imported`: the same bytes came before, nothing was done; `checked`: the end of a dry run.',
    }),
    origin: Type.Enum(['upload', 'inbox']),
    files: Type.Array(Type.Object({ name: text, object: text, bytes: count, sha256: text })),
    options: Options,
    readings: Type.Array(Reading, { description: 'How each file is read, once they have been looked at.' }),
    question: Type.Union([Question, Type.Null()]),
    error: Type.Union([
      Type.Object({ code: Type.Enum(errorCodes), message: text, hint: Type.Optional(text) }),
      Type.Null(),
    ]),
    createdAt: moment,
    startedAt: momentOrNull,
    endedAt: momentOrNull,
    seconds: Type.Union([Type.Number({ minimum: 0 }), Type.Null()]),
    progress: Type.Union([Progress, Type.Null()]),
    counts: Type.Union([Counts, Type.Null()]),
    firstRejects: Type.Array(Reject),
    sameAs: Type.Union([text, Type.Null()], {
      description: 'The import by which the same bytes were first imported.',
    }),
  },
  { $id: 'Import' },
);
const List = Type.Object({
  imports: Type.Array(Import),
  next: Type.Union([text, Type.Null()], { description: '`before` for the next page; null at the end.' }),
});

/** Of a screen that shows many: no lines, nothing of a customer's. */
export const Summary = Type.Object(
  {
    id: text,
    state: Type.Enum(STATES),
    origin: Type.Enum(['upload', 'inbox']),
    files: Type.Array(text, { description: 'Their names.' }),
    question: Type.Union([Type.Enum(['date_order', 'columns', 'conflicts', 'too_many_rejects']), Type.Null()]),
    error: Type.Union([Type.Enum(errorCodes), Type.Null()]),
    progress: Type.Union([Progress, Type.Null()]),
    counts: Type.Union([Counts, Type.Null()]),
  },
  { $id: 'ImportSummary', description: 'An import in short.' },
);
export const exampleImportSummary: Static<typeof Summary> = exampleSummary;

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
      params,
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
