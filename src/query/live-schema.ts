// What GET /v1/live tells.
import Type, { type Static } from 'typebox';
import { answer } from '../docs/operation.ts';
import { exampleImportSummary } from '../imports/import-schema.ts';
import { exampleStatus, Status } from './status-schema.ts';

/** What changes from second to second. */
export const Pulse = Type.Object({
  at: Type.String({ format: 'date-time' }),
  ...Type.Pick(Status, ['accepting', 'accepted', 'replaced', 'stream', 'consumers', 'quarantine']).properties,
});

const { accepting, accepted, replaced, stream, consumers, quarantine } = exampleStatus;
const pulse: Static<typeof Pulse> = {
  at: '2025-12-24T09:00:05.000Z',
  ...{ accepting, accepted, replaced, stream, consumers, quarantine },
};
const line = {
  invoiceNo: '536365',
  lineId: '1',
  stockCode: '85123A',
  description: 'WHITE HANGING HEART T-LIGHT HOLDER',
  quantity: 6,
  invoiceDate: '2025-12-24T09:00:00',
  unitPrice: 2.55,
  customerId: '17850',
  country: 'France',
  receivedAt: 1_766_566_804_000_000,
  sequence: '0000000000000003',
  source: 'api',
  amount: 15.3,
};
const lines = { lines: [line], skippedRecords: 0 };

/** JSON has no line breaks, which would end the event. */
export function eventOf(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Without an end. */
export const EVENT_STREAM = 'text/event-stream';

export const operation = {
  config: { access: 'key', problems: ['overloaded'] },
  schema: {
    operationId: 'watchLive',
    summary: 'What happens now, as events',
    description: [
      'Server-sent events, until the client goes away, each with JSON as its data:',
      '',
      '- `pulse`, once a second: `at`, and `accepting`, `accepted`, `replaced`, `stream`, `consumers` and `quarantine` as `GET /v1/status` has them.',
      '- `lines`, when some came: the newest twenty under `lines`, and under `skippedRecords` how many records were passed over. Customers are masked for a key without `read`.',
      '- `import`, once a second for each import under way, and once when one ends: what stands under `imports` of `GET /v1/status`. For a key with `read` alone.',
      '',
      'Who reads too slowly misses events. "Try it out" waits for an end that does not come: use `curl -N`.',
    ].join('\n'),
    tags: ['Platform'],
    response: {
      200: answer(EVENT_STREAM, 'Events, without an end.', Type.String(), {
        events: {
          summary: 'A second',
          value: eventOf('pulse', pulse) + eventOf('import', exampleImportSummary) + eventOf('lines', lines),
        },
      }),
    },
  },
} as const;
