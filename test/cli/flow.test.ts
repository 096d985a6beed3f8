// The flow as `status --watch` draws it, at the widths of terminals; and the rates in it.
import { describe, expect, it } from 'vitest';
import type { StatusAnswer } from '../../src/cli/answers.ts';
import { type FlowView, flowScreen, sparkline } from '../../src/cli/flow.ts';
import { RateHistory } from '../../src/cli/rates.ts';
import { widthOf } from '../../src/cli/text.ts';

type Consumer = StatusAnswer['consumers'][number];

const caughtUp = {
  state: 'running',
  checkpoint: '0000000001204113',
  lagRecords: 0,
  lagSeconds: 0,
  error: null,
} as const;
const status = {
  version: '0.1.0',
  dataDirectory: '/srv/shop',
  startedAt: '2026-03-01T12:00:00.000Z',
  uptimeSeconds: 7504,
  timeZone: 'Europe/London',
  accepting: { open: true, reason: null },
  stream: { records: 1_204_113, bytes: 241_000_000, bytesMax: 1_073_741_824 },
  consumers: [
    { ...caughtUp, store: 'lake', lagRecords: 12_004, lagSeconds: 2.4, freshnessMs: 5100, bytes: null },
    { ...caughtUp, store: 'orders', freshnessMs: 28, bytes: 14_300_000 },
    { ...caughtUp, store: 'warehouse', lagRecords: 231, lagSeconds: 0.3, freshnessMs: 310, bytes: 41_200_000 },
  ],
  imports: [],
  quarantine: { waiting: 2, redriven: 1, discarded: 0 },
  accepted: { lines: 1_234_567, rejected: 812, requests: 1_204_000, linesPerSecond: 4812 },
  replaced: 3,
  disk: { freeBytes: 77e9, reserveBytes: 536_870_912 },
} as unknown as StatusAnswer;

const view: FlowView = {
  url: 'http://127.0.0.1:8080',
  status,
  rates: {
    acceptedLines: 4812.4,
    rejectedLines: 3.24,
    requests: 1204,
    delivered: new Map([
      ['lake', 4800],
      ['orders', 4812],
      ['warehouse', 0],
    ]),
  },
  perSecond: [0, 100, 2400, 4812, 4000, 0],
  trouble: null,
};

describe('the flow', () => {
  it('on 60 columns', () => {
    expect(flowScreen(view, 60)).toMatchInlineSnapshot(`
      "Tillstream 0.1.0 at http://127.0.0.1:8080, up 2 h 5 min

        client  4,812 lines/s, 3.2 rejected/s
          ▼
        door    open, 1,204 req/s
          ▼
        stream  1,204,113 records, 241 MB of 1.1 GB
          │            records/s    behind        for  visible
          ├▶ lake          4,800    12,004      2.4 s    5.1 s
          ├▶ orders        4,812         -          -    28 ms
          └▶ warehouse         0       231     300 ms   310 ms

        Lines accepted a second, over the last minute; at most 4,812
        ·▁▄█▇·

        Accepted    1,234,567 lines in 1,204,000 requests; 812
                    rejected, 3 replaced
        Quarantine  2 records waiting, 1 redriven
        Disk        77.0 GB free; stops accepting at 537 MB
        Data        /srv/shop, Europe/London
      "
    `);
  });
  it('on 80 columns', () => {
    expect(flowScreen(view, 80)).toMatchInlineSnapshot(`
      "Tillstream 0.1.0 at http://127.0.0.1:8080, up 2 h 5 min

        client  4,812 lines/s, 3.2 rejected/s
          ▼
        door    open, 1,204 req/s
          ▼
        stream  1,204,113 records, 241 MB of 1.1 GB
          │            records/s    behind        for  visible    size
          ├▶ lake          4,800    12,004      2.4 s    5.1 s
          ├▶ orders        4,812         -          -    28 ms 14.3 MB
          └▶ warehouse         0       231     300 ms   310 ms 41.2 MB

        Lines accepted a second, over the last minute; at most 4,812
        ·▁▄█▇·

        Accepted    1,234,567 lines in 1,204,000 requests; 812 rejected, 3 replaced
        Quarantine  2 records waiting, 1 redriven
        Disk        77.0 GB free; stops accepting at 537 MB
        Data        /srv/shop, Europe/London
      "
    `);
  });
  it('on 120 columns', () => {
    expect(flowScreen(view, 120)).toMatchInlineSnapshot(`
      "Tillstream 0.1.0 at http://127.0.0.1:8080, up 2 h 5 min

                                                                     records/s    behind        for  visible    size
        client ───────▶ door ──────▶ stream ────────────┬▶ lake          4,800    12,004      2.4 s    5.1 s
        4,812 lines/s   open         1,204,113 records  ├▶ orders        4,812         -          -    28 ms 14.3 MB
        3.2 rejected/s  1,204 req/s  241 MB of 1.1 GB   └▶ warehouse         0       231     300 ms   310 ms 41.2 MB

        Lines accepted a second, over the last minute; at most 4,812
        ·▁▄█▇·

        Accepted    1,234,567 lines in 1,204,000 requests; 812 rejected, 3 replaced
        Quarantine  2 records waiting, 1 redriven
        Disk        77.0 GB free; stops accepting at 537 MB
        Data        /srv/shop, Europe/London
      "
    `);
  });

  it('with a closed door, a store that is away, one that has stopped, and figures that are old', () => {
    const error = { code: 'unavailable', message: 'The order store cannot be written: the disk is full', hint: null };
    const gap = { code: 'stream_gap', message: 'The warehouse store is new.', hint: 'Put it back from a backup.' };
    const [lake, orders, warehouse] = status.consumers as [Consumer, Consumer, Consumer];
    const troubled = {
      ...status,
      accepting: { open: false, reason: 'The disk has 3 MB free' },
      consumers: [lake, { ...orders, state: 'waiting', error }, { ...warehouse, state: 'stopped', error: gap }],
    } as StatusAnswer;
    expect(flowScreen({ ...view, status: troubled, trouble: 'Away for 5 s' }, 110)).toMatchInlineSnapshot(`
      "Tillstream 0.1.0 at http://127.0.0.1:8080, up 2 h 5 min
      Away for 5 s

                                                                     records/s    behind        for  visible    size
        client ───────▶ door ──────▶ stream ────────────┬▶ lake          4,800    12,004      2.4 s    5.1 s
        4,812 lines/s   closed       1,204,113 records  ├▶ orders      waiting         -          -    28 ms 14.3 MB
        3.2 rejected/s  1,204 req/s  241 MB of 1.1 GB   └▶ warehouse   stopped       231     300 ms   310 ms 41.2 MB

        Lines accepted a second, over the last minute; at most 4,812
        ·▁▄█▇·

        Accepted    1,234,567 lines in 1,204,000 requests; 812 rejected, 3 replaced
        Quarantine  2 records waiting, 1 redriven
        Disk        77.0 GB free; stops accepting at 537 MB
        Data        /srv/shop, Europe/London

        door: The disk has 3 MB free
        orders: unavailable: The order store cannot be written: the disk is full
        warehouse: stream_gap: The warehouse store is new.
        Put it back from a backup.
      "
    `);
  });

  it('before anything is known of rates', () => {
    const unknown = { acceptedLines: null, rejectedLines: null, requests: null, delivered: new Map() };
    const screen = flowScreen({ ...view, rates: unknown, perSecond: [] }, 80);
    expect(screen).toContain('client  … lines/s, … rejected/s');
    expect(screen).toContain('at most 0\n');
  });

  it.each([20, 40, 59, 60, 79, 80, 99, 103, 104, 110, 120])('is never wider than %i columns', (width) => {
    const most = 9_007_199_254_740_991;
    const huge = {
      ...status,
      dataDirectory: `/srv/${'x'.repeat(30)}`,
      uptimeSeconds: 1e8,
      stream: { records: most, bytes: most, bytesMax: most },
      accepted: { lines: most, rejected: most, requests: most, linesPerSecond: most },
      consumers: status.consumers.map((consumer) => ({ ...consumer, lagRecords: 1e8, lagSeconds: 1e7, bytes: 1e15 })),
    } as StatusAnswer;
    const rates = { acceptedLines: 1e9, rejectedLines: 1e9, requests: 1e9, delivered: view.rates.delivered };
    const shown = flowScreen({ ...view, status: huge, rates, perSecond: Array(60).fill(1e9) }, width).split('\n');
    // Facts and sparkline have their own least width.
    const flow = shown.slice(
      0,
      shown.findIndex((line) => line.includes('over the last minute')),
    );
    const lines = width >= 80 ? shown : flow.slice(0, 1);
    expect(lines.filter((line) => widthOf(line) > width)).toEqual([]);
  });
});

it('a sparkline has a point for nothing, the lowest step for little, the highest for the most', () => {
  expect(sparkline([0, 1, 4000, 8000])).toBe('·▁▄█');
  expect(sparkline([0, 0])).toBe('··');
  expect(sparkline([])).toBe('');
});

describe('rates', () => {
  const at = (lines: number, checkpoint: number, startedAt = 'a'): StatusAnswer =>
    ({
      ...status,
      startedAt,
      accepted: { lines, rejected: lines / 10, requests: lines / 2, linesPerSecond: 0 },
      consumers: [{ ...status.consumers[0], store: 'lake', checkpoint: String(checkpoint).padStart(16, '0') }],
    }) as StatusAnswer;

  it('are unknown after the first look, then what grew over the last seconds', () => {
    const history = new RateHistory();
    history.add(at(100, 50), 0);
    expect(history.rates()).toMatchObject({ acceptedLines: null, delivered: new Map() });
    history.add(at(300, 50), 2000);
    expect(history.rates()).toEqual({
      acceptedLines: 100,
      rejectedLines: 10,
      requests: 50,
      delivered: new Map([['lake', 0]]),
    });
    for (let second = 3; second <= 20; second += 1) history.add(at(300, 50 + second * 7), second * 1000);
    expect(history.rates()).toMatchObject({ acceptedLines: 0, delivered: new Map([['lake', 7]]) });
    expect(history.perSecond.slice(0, 3)).toEqual([100, 0, 0]);
  });

  it('begin anew with a platform that was restarted, and keep the last minute', () => {
    const history = new RateHistory();
    for (let second = 0; second < 90; second += 1) history.add(at(second * 10, second), second * 1000);
    expect(history.perSecond).toEqual(Array(60).fill(10));
    history.add(at(3, 91, 'b'), 90_000);
    expect(history.rates().acceptedLines).toBe(null);
    expect(history.perSecond.at(-1)).toBe(10);
  });
});
