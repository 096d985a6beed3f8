// What an import is, as the API answers it.
import Type, { type Static } from 'typebox';
import { columnNames, type Field } from '../model/columns.ts';
import { errorCodes } from '../model/errors.ts';
import { exampleSummary } from './imports-examples.ts';

/** A name of a column is kept beside every line that has it. */
export const COLUMN_CHARACTERS_MAX = 200;

export const STATES = [
  'waiting',
  'reading',
  'needs_answer',
  'staging',
  'checking',
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
export const fields = Object.keys(columnNames) as Field[];

const text = Type.String();
const textOrNull = Type.Union([text, Type.Null()]);
const count = Type.Integer({ minimum: 0 });
const countOrNull = Type.Union([count, Type.Null()]);
const moment = Type.String({ format: 'date-time' });
const momentOrNull = Type.Union([moment, Type.Null()]);
const field = Type.Enum(fields);

export const answered = {
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
export const open = {
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
export const map = Type.Optional(
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
        '`waiting` for its turn; `reading` and `staging`, then `checking` what other sources brought: nothing is in the ' +
        'stores yet; `needs_answer`: see `question`; ' +
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
