// What POST /v1/transactions takes and answers, as it is published. It validates nothing: model/read-line.ts does, leniently.
import Type, { type TSchema } from 'typebox';
import { json, problem, type Words } from '../docs/operation.ts';
import { columnNames, type Field } from '../model/columns.ts';
import { errorCodes } from '../model/errors.ts';
import { lineLimits as limits } from '../model/line.ts';
import { bodyLimits } from './body.ts';
import { IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_CHARACTERS_MAX } from './identify.ts';
import { FULL_ERRORS_MAX } from './ingest.ts';
import { array, ndjson, oneLine, partly, refused } from './transactions-examples.ts';

/** The header X-Tillstream-Source. */
export const SOURCE = /^[a-z][a-z0-9_-]{0,31}$/;

const grouped = (count: number): string => count.toLocaleString('en-US');
const mebibytes = bodyLimits.bodyBytesMax / 2 ** 20;

const text = (bytesMax: number, minLength = 1): TSchema => Type.String({ minLength, maxLength: bytesMax });
const whole = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** A member of a line: its first name, and the others in the description. */
function member(field: Field, description: string, ...forms: readonly TSchema[]): readonly [string, TSchema] {
  const [name, ...others] = columnNames[field];
  const also = others.length === 0 ? '' : ` Also \`${others.join('`, `')}\`.`;
  const [only] = forms;
  const words = { description: `${description}${also}` };
  return [name, only !== undefined && forms.length === 1 ? { ...only, ...words } : Type.Union([...forms], words)];
}

const required = [
  member(
    'invoiceNo',
    `To ${limits.invoiceNoBytesMax} bytes. It starts with \`C\` for a cancellation, with another letter for an adjustment.`,
    text(limits.invoiceNoBytesMax),
    whole,
  ),
  member('stockCode', `The product, to ${limits.stockCodeBytesMax} bytes.`, text(limits.stockCodeBytesMax), whole),
  member(
    'quantity',
    'Pieces; negative on cancellations.',
    Type.Integer({ minimum: -limits.quantityMax, maximum: limits.quantityMax }),
    Type.String({ description: 'The same as text.' }),
  ),
  member(
    'invoiceDate',
    `ISO 8601, or \`12/24/2025 9:00\` with the month first; from ${limits.yearMin} to ${limits.yearMax}. The shop's wall clock: with an offset or \`Z\` it is converted.`,
    Type.String(),
  ),
  member(
    'unitPrice',
    `Of a piece, with at most four decimals. Quantity × price: to ${grouped(limits.amountMax)} either way.`,
    Type.Number({ minimum: -limits.unitPriceMax, maximum: limits.unitPriceMax }),
    Type.String({ description: 'The same as text.' }),
  ),
  member('country', `To ${limits.countryBytesMax} bytes.`, text(limits.countryBytesMax)),
];

const optional = [
  member(
    'lineId',
    `Place of the line in its invoice, or another id of it, to ${limits.lineIdBytesMax} bytes. With it, sending the line again is harmless.`,
    whole,
    text(limits.lineIdBytesMax, 0),
    Type.Null(),
  ),
  member(
    'description',
    `To ${grouped(limits.descriptionBytesMax)} bytes.`,
    text(limits.descriptionBytesMax, 0),
    Type.Number(),
    Type.Null(),
  ),
  member(
    'customerId',
    `To ${limits.customerIdBytesMax} bytes. Empty, null or left out: a guest.`,
    text(limits.customerIdBytesMax, 0),
    whole,
    Type.Null(),
  ),
];

const NewLine = Type.Object(
  Object.fromEntries([...required, ...optional.map(([name, schema]) => [name, Type.Optional(schema)] as const)]),
  {
    $id: 'NewLine',
    additionalProperties: true,
    description:
      'A line as it is sent. Names are shown in one spelling; any letter case, and blanks, `_` and `-` in them, are the same: `customerId`, `customer_id`, `Customer ID`. ' +
      `Lengths are bytes of UTF-8, without blanks around. What has another name is kept beside the line, to ${grouped(limits.extraBytesMax)} bytes of JSON.`,
  },
);

const reads = {
  headers: Type.Object({
    'Idempotency-Key': Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: IDEMPOTENCY_KEY_CHARACTERS_MAX,
        pattern: IDEMPOTENCY_KEY.source,
        description: 'For a single line that has no `LineNo`: sent again with the same key, it counts once.',
      }),
    ),
    'X-Tillstream-Source': Type.Optional(
      Type.String({
        pattern: SOURCE.source,
        description: 'Where the lines come from, kept with each: a short word. Left out, or in another form: `api`.',
      }),
    ),
    'Content-Encoding': Type.Optional(
      Type.Enum(['gzip', 'x-gzip', 'identity'], { description: `At most ${mebibytes} MiB unpacked.` }),
    ),
  }),
  body: {
    content: {
      'application/json': {
        schema: {
          ...Type.Union([
            NewLine,
            Type.Array(NewLine, {
              minItems: 1,
              maxItems: bodyLimits.arrayLinesMax,
              description: 'Good ones are kept.',
            }),
          ]),
          'x-examples': { oneLine: oneLine.sent, array: array.sent, partly: partly.sent, refused: refused.sent },
        },
      },
      'application/x-ndjson': {
        schema: {
          ...Type.String({
            description: `A line as JSON on each line of text, to ${grouped(bodyLimits.ndjsonLinesMax)} of them. Good ones are kept.`,
          }),
          'x-examples': { ndjson: ndjson.sent },
        },
      },
    },
  },
};

const AcceptedLine = Type.Object({
  invoiceNo: Type.String(),
  lineId: Type.String({ description: 'Of the two, `invoiceNo` and `lineId`, is its identity.' }),
  identity: Type.Enum(['client', 'idempotency_key', 'generated'], {
    description: '`generated`: the line is new each time that it is sent.',
  }),
  sequence: Type.String({ description: 'Its place on the stream.' }),
});
const LineError = Type.Object(
  {
    index: Type.Integer({ minimum: 0, description: 'Of the line in the request, from 0.' }),
    code: Type.Enum(errorCodes),
    field: Type.Union([Type.String(), Type.Null()]),
    value: Type.Union([Type.String(), Type.Null()], { description: 'Cut to 200 characters.' }),
    message: Type.String({ description: 'A sentence with the value, what is expected, and what to do.' }),
  },
  { $id: 'LineError', description: 'A line that is not stored.' },
);
const count = Type.Integer({ minimum: 0 });
const sequence = Type.Union([Type.String(), Type.Null()]);
const ofLines = { accepted: count, rejected: count, lines: Type.Array(AcceptedLine), errors: Type.Array(LineError) };
const ofNdjson = {
  accepted: count,
  rejected: count,
  firstSequence: sequence,
  lastSequence: sequence,
  rejectedLines: Type.Array(Type.Array(Type.Integer({ minimum: 1 }), { minItems: 2, maxItems: 2 }), {
    description: 'Ranges of line numbers, from 1, both ends included.',
  }),
  errors: Type.Array(LineError, { maxItems: FULL_ERRORS_MAX, description: `The first ${FULL_ERRORS_MAX}.` }),
};
const Accepted = Type.Union([
  Type.Object(ofLines, { $id: 'AcceptedLines', description: 'Of one line, or an array.' }),
  Type.Object(ofNdjson, { $id: 'AcceptedNdjson', description: 'Of NDJSON.' }),
]);
/** Of a request of many lines of which none could be kept: the problem is that of the first. */
const NoneAccepted = Type.Partial(Type.Object({ ...ofLines, ...ofNdjson }), {
  $id: 'NoneAccepted',
  description: 'Beside the problem, when many lines were sent and none was kept: the answer for each.',
});

const words: Words = {
  operationId: 'sendLines',
  summary: 'Send invoice lines: one, an array, or NDJSON',
  description: [
    'A 202 means that every line it calls accepted is on disk: it survives a killed process and a power cut.',
    '',
    '- **One line** as a JSON object. A line that cannot be used is refused with 422.',
    `- **An array** of up to ${grouped(bodyLimits.arrayLinesMax)}. Good lines are kept, the others come one by one under \`errors\`.`,
    `- **NDJSON** of up to ${grouped(bodyLimits.ndjsonLinesMax)} as \`application/x-ndjson\`: counts, and where the refused ones are.`,
    '',
    `The body has at most ${mebibytes} MiB unpacked; it may be compressed with gzip. Without a Content-Type, or with curl's own, it is read as JSON.`,
    '',
    'A line that has a `LineNo` (or comes alone with an `Idempotency-Key`) can be sent again at will: it counts once, and a changed one replaces it.',
    'One without is new each time.',
    '',
    'Once a part of a request is stored, the rest is reported under `errors` with `try_again`, never by a 503. After a 503, send the same request again.',
  ].join('\n'),
  tags: ['Lines'],
};

/** Of the route; its handler reads the body by itself, so none of this is in the way of a line. */
export const transactions = {
  config: {
    access: 'ingest',
    reads,
    problems: [
      ...errorCodes.slice(0, errorCodes.indexOf('surplus_fields')),
      'invalid_json',
      'empty_request',
      'invalid_encoding',
      'body_too_large',
      'too_many_lines',
      'unsupported_media_type',
      'invalid_idempotency_key',
      'try_again',
      'overloaded',
      'stream_full',
      'disk_low',
    ],
  },
  schema: {
    ...words,
    response: {
      202: json('On disk: what was accepted, and each line that was not.', Accepted, {
        oneLine: oneLine.answered,
        array: array.answered,
        partly: partly.answered,
        ndjson: ndjson.answered,
      }),
      400: problem(NoneAccepted),
      422: problem(NoneAccepted, { refused: refused.answered }),
      503: problem(NoneAccepted),
    },
  },
} as const;
