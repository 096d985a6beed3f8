// What POST /v1/verify answers.
import Type, { type Static } from 'typebox';
import { json } from '../docs/operation.ts';

const text = Type.String();
const count = Type.Integer({ minimum: 0 });
const store = Type.Enum(['lake', 'orders', 'warehouse']);

const Day = Type.Union([
  Type.Object({ lines: count, revenue: text, hash: Type.String({ description: 'Hexadecimal.' }) }),
  Type.Null(),
]);
export const Report = Type.Object(
  {
    agrees: Type.Boolean(),
    sequence: Type.Union([text, Type.Null()], {
      description: 'Everything up to here was compared; null before the first line.',
    }),
    seconds: Type.Number(),
    stores: Type.Array(
      Type.Object({
        store,
        lines: count,
        invoices: count,
        revenue: Type.String({ description: 'Exact.' }),
        agrees: Type.Boolean(),
        quarantined: Type.Integer({ description: 'Records that wait in quarantine for it.' }),
        discarded: Type.Integer({ description: 'Records that were discarded from it.' }),
        firstDifference: Type.Union([Type.Object({ day: text, expected: Day, actual: Day }), Type.Null()], {
          description: 'The first day on which it holds something else than it must.',
        }),
        wrongHeader: Type.Union([text, Type.Null()], {
          description: 'An invoice whose header does not fit its lines.',
        }),
      }),
    ),
    replaced: count,
  },
  { $id: 'VerifyReport' },
);

const held = {
  lines: 3,
  invoices: 2,
  revenue: '25.25',
  agrees: true,
  quarantined: 0,
  discarded: 0,
  firstDifference: null,
  wrongHeader: null,
};
const report: Static<typeof Report> = {
  agrees: true,
  sequence: '0000000000000003',
  seconds: 0.214,
  stores: [
    { store: 'lake', ...held },
    { store: 'orders', ...held },
    { store: 'warehouse', ...held },
  ],
  replaced: 0,
};

export const operation = {
  config: { access: 'admin', problems: ['stream_gap', 'lake_damaged'] },
  schema: {
    operationId: 'verify',
    summary: 'Prove that the stores agree',
    description:
      'Holds delivery at one moment while lines are still accepted, and compares what every store must hold with what it holds, day by day, to the ten-thousandth. ' +
      'It reads everything: seconds for millions of lines. A difference is no error: `agrees` says it.',
    tags: ['Platform'],
    response: { 200: json('The report.', Report, { report: { summary: 'They agree', value: report } }) },
  },
} as const;
