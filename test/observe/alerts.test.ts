// When somebody is told of a trouble, and when not: by readings of a platform whose clock is in our hands.
import { describe, expect, it, test } from 'vitest';
import { TillstreamError } from '../../src/model/errors.ts';
import { Alerts, type Notice } from '../../src/observe/alerts.ts';
import type { ConsumerReading, Reading } from '../../src/observe/reading.ts';
import type { AlertLimits } from '../../src/observe/troubles.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const GIB = 2 ** 30;
const LOOK = 5 * SECOND;

const LIMITS: AlertLimits = { quietMinutes: 30, lagSeconds: 60, quarantineRecords: 1, diskFreeBytes: 2 * GIB };

function consumer(store: string, changed: Partial<ConsumerReading> = {}): ConsumerReading {
  return {
    ...{ store, state: 'running', checkpoint: null, oldestWaitingMs: null, freshnessMs: 20, error: null },
    freshness: { bounds: [], counts: [0], sum: 0 },
    ...{ lagRecords: 0, lagSeconds: 0 },
    ...changed,
  };
}

const WELL: Omit<Reading, 'atMs'> = {
  closedBecause: null,
  lines: { accepted: 0, rejectedByCode: new Map(), replaced: 0 },
  stream: { records: 0, bytes: 0, bytesMax: GIB, oldestMs: null },
  consumers: [consumer('lake'), consumer('orders'), consumer('warehouse')],
  quarantine: { waiting: 0, redriven: 0, discarded: 0 },
  imports: {
    open: { waiting: 0, running: 0, needs_answer: 0 },
    ended: new Map(),
    rows: 0,
    rejected: 0,
    seconds: 0,
    failed: null,
  },
  disk: { freeBytes: 100 * GIB, reserveBytes: GIB / 2 },
};

/** A platform that is looked at every five seconds. */
class Watch {
  atMs = Date.UTC(2025, 11, 24, 9);
  readonly #alerts: Alerts;

  constructor(limits: Partial<AlertLimits> = {}) {
    this.#alerts = new Alerts({ ...LIMITS, ...limits });
  }

  /** What is told within this time: state, alert and store, and how many seconds after its beginning. */
  during(ms: number, is: Partial<Reading> | ((elapsedMs: number) => Partial<Reading>) = {}): string[] {
    return this.notices(ms, is).map(
      ({ atMs, notice: { state, alert, store } }) =>
        `${state} ${alert}${store === null ? '' : ` ${store}`} at ${(atMs - this.atMs + ms) / SECOND}`,
    );
  }

  notices(ms: number, is: Partial<Reading> | ((elapsedMs: number) => Partial<Reading>) = {}) {
    const told: { readonly atMs: number; readonly notice: Notice }[] = [];
    const fromMs = this.atMs;
    while (this.atMs < fromMs + ms) {
      this.atMs += LOOK;
      const changed = typeof is === 'function' ? is(this.atMs - fromMs) : is;
      const notices = this.#alerts.evaluate({ ...WELL, ...changed, atMs: this.atMs });
      for (const notice of notices) told.push({ atMs: this.atMs, notice });
    }
    return told;
  }
}

const behind = (lagSeconds: number): Partial<Reading> => ({
  consumers: [consumer('orders', { lagSeconds, lagRecords: 1200 })],
});
const waiting = (records: number): Partial<Reading> => ({
  quarantine: { waiting: records, redriven: 0, discarded: 0 },
});
const accepted = (lines: number): Partial<Reading> => ({ lines: { ...WELL.lines, accepted: lines } });

describe('a platform that is well', () => {
  it('is not spoken of', () => {
    expect(new Watch().during(HOUR)).toEqual([]);
  });
});

describe('a trouble', () => {
  it('is told once it has held for a while, and once when it is over', () => {
    const watch = new Watch();
    expect(watch.during(10 * MINUTE, behind(75))).toEqual(['firing consumer_behind orders at 65']);
    expect(watch.during(10 * MINUTE)).toEqual(['resolved consumer_behind orders at 120']);
    expect(watch.during(HOUR)).toEqual([]);
  });

  it('that is gone before that was none', () => {
    const watch = new Watch();
    expect(watch.during(55 * SECOND, behind(75))).toEqual([]);
    expect(watch.during(5 * SECOND)).toEqual([]);
    expect(watch.during(55 * SECOND, behind(75))).toEqual([]);
    expect(watch.during(HOUR)).toEqual([]);
  });

  it('that comes and goes is one', () => {
    const watch = new Watch();
    expect(watch.during(2 * MINUTE, behind(75))).toHaveLength(1);
    const flapping = (elapsedMs: number): Partial<Reading> => behind(Math.floor(elapsedMs / MINUTE) % 2 === 0 ? 5 : 75);
    expect(watch.during(HOUR, flapping)).toEqual([]);
  });

  it('that lasts is told again every twelve hours', () => {
    expect(new Watch().during(25 * HOUR, behind(75))).toEqual([
      'firing consumer_behind orders at 65',
      `firing consumer_behind orders at ${65 + (12 * HOUR) / SECOND}`,
      `firing consumer_behind orders at ${65 + (24 * HOUR) / SECOND}`,
    ]);
  });

  it('of one store is not that of another', () => {
    const both = { consumers: [consumer('lake', { lagSeconds: 61 }), consumer('orders', { lagSeconds: 600 })] };
    expect(new Watch().during(2 * MINUTE, both)).toEqual([
      'firing consumer_behind lake at 65',
      'firing consumer_behind orders at 65',
    ]);
  });

  it('says what is wrong since when, in figures, and what to do; resolved, what it was', () => {
    const watch = new Watch();
    const sinceMs = watch.atMs + LOOK;
    const [told] = watch.notices(2 * MINUTE, behind(75.4));
    expect(told?.notice).toMatchInlineSnapshot(
      { sinceMs },
      `
      {
        "alert": "consumer_behind",
        "hint": "\`tillstream status\` shows whether it catches up. If it does not, the machine is too slow for what comes in, or its disk is full or failing.",
        "message": "The orders store is behind: 1200 records wait for it, the oldest for 75 s.",
        "sinceMs": ${sinceMs},
        "state": "firing",
        "store": "orders",
        "threshold": 60,
        "value": 75.4,
      }
    `,
    );
    const [over] = watch.notices(5 * MINUTE);
    expect(over?.notice).toMatchObject({
      state: 'resolved',
      sinceMs,
      message:
        'It is over, after 2 minutes. It was: The orders store is behind: 1200 records wait for it, the oldest for 75 s.',
    });
  });
});

describe.each<[string, Partial<Reading>, string[]]>([
  [
    'the door is closed',
    { closedBecause: new TillstreamError('disk_low', 'The disk has 400 MB free.') },
    ['firing door_closed at 35'],
  ],
  ['a store is away', { consumers: [consumer('lake', { state: 'waiting' })] }, ['firing consumer_behind lake at 65']],
  ['a store is held up', { consumers: [consumer('lake', { state: 'silent' })] }, ['firing consumer_behind lake at 65']],
  [
    'a consumer has stopped',
    { consumers: [consumer('orders', { state: 'stopped', error: { code: 'stream_gap', message: '', hint: null } })] },
    ['firing consumer_stopped orders at 5'],
  ],
  [
    'an import asks',
    { imports: { ...WELL.imports, open: { ...WELL.imports.open, needs_answer: 2 } } },
    ['firing import_asks at 5'],
  ],
  [
    'an import has failed',
    { imports: { ...WELL.imports, failed: { id: 'a', code: 'not_a_csv' } } },
    ['firing import_failed at 5'],
  ],
  ['something waits in quarantine', waiting(1), ['firing quarantine_grows at 65']],
  ['a store is held, by a backup say', { consumers: [consumer('lake', { state: 'held', lagSeconds: 899 })] }, []],
  [
    'a store is held for longer than anybody would',
    { consumers: [consumer('lake', { state: 'held', lagSeconds: 901 })] },
    ['firing consumer_behind lake at 65'],
  ],
  ['the disk is low', { disk: { freeBytes: GIB, reserveBytes: GIB / 2 } }, ['firing disk_low at 65']],
  ['the disk is as low as it may be', { disk: { freeBytes: 2 * GIB, reserveBytes: GIB / 2 } }, []],
  ['a store is as far behind as it may be', behind(60), []],
])('%s', (_, is, expected) => {
  it('is told as it should', () => {
    expect(new Watch().during(5 * MINUTE, is)).toEqual(expected);
  });

  it('is not told where its limit is 0', () => {
    const never = { quietMinutes: 0, lagSeconds: 0, quarantineRecords: 0, diskFreeBytes: 0 };
    const always = expected.filter((said) => /door_closed|consumer_stopped|import_/.test(said));
    expect(new Watch(never).during(5 * MINUTE, is)).toEqual(always);
  });
});

test('a consumer that has stopped says why by its code alone: a message may quote a line', () => {
  const error = { code: 'internal', message: 'customer 17850 has no name', hint: null } as const;
  const is = { consumers: [consumer('orders', { state: 'stopped', error })] };
  const [told] = new Watch().notices(MINUTE, is);
  expect(told?.notice.message).toBe('The orders store takes nothing any more (internal); lines go on being accepted.');
  expect(JSON.stringify(told)).not.toContain('17850');
});

describe('a quarantine that grows', () => {
  it('is told again as it does, every ten minutes at most, and not for what waits already', () => {
    const watch = new Watch();
    expect(watch.during(HOUR, waiting(3))).toEqual(['firing quarantine_grows at 65']);
    expect(watch.during(HOUR, waiting(4))).toEqual(['firing quarantine_grows at 5']);
    expect(watch.during(HOUR, waiting(4))).toEqual([]);
    const growing = watch.during(30 * MINUTE, (elapsedMs) => waiting(5 + Math.floor(elapsedMs / LOOK)));
    expect(growing).toEqual([
      'firing quarantine_grows at 5',
      'firing quarantine_grows at 605',
      'firing quarantine_grows at 1205',
    ]);
  });

  it('is told again as it does, also from less than was told', () => {
    const watch = new Watch();
    expect(watch.during(HOUR, waiting(100))).toEqual(['firing quarantine_grows at 65']);
    expect(watch.during(HOUR, waiting(1))).toEqual([]);
    expect(watch.during(HOUR, waiting(50))).toEqual(['firing quarantine_grows at 5']);
  });

  it('by less than its limit is not', () => {
    const watch = new Watch({ quarantineRecords: 10 });
    expect(watch.during(HOUR, waiting(9))).toEqual([]);
    expect(watch.during(HOUR, waiting(10))).toHaveLength(1);
    expect(watch.during(HOUR, waiting(19))).toEqual([]);
    expect(watch.during(HOUR, waiting(20))).toHaveLength(1);
  });
});

describe('sales', () => {
  /** Lines accepted after so long, where one comes every `everyMs`. */
  const flow =
    (everyMs: number, before = 0) =>
    (elapsedMs: number) =>
      accepted(before + Math.floor(elapsedMs / everyMs));

  it('that never came are not missed', () => {
    expect(new Watch().during(24 * HOUR)).toEqual([]);
  });

  it('that came steadily and break off are', () => {
    const watch = new Watch();
    expect(watch.during(2 * HOUR, flow(20 * SECOND))).toEqual([]);
    const [told] = watch.notices(2 * HOUR, accepted(360));
    expect(told?.notice).toMatchObject({
      alert: 'sales_stopped',
      value: 30,
      threshold: 30,
      message: 'No line has been accepted for 30 minutes, after a steady flow.',
    });
    expect(watch.during(10 * MINUTE, flow(20 * SECOND, 361))).toEqual(['resolved sales_stopped at 120']);
  });

  it('that fade out are not', () => {
    const watch = new Watch();
    watch.during(2 * HOUR, flow(20 * SECOND));
    expect(watch.during(HOUR, flow(5 * MINUTE, 360))).toEqual([]);
    expect(watch.during(12 * HOUR, accepted(372))).toEqual([]);
  });

  it('of a shop that sells a line every few minutes are not', () => {
    const watch = new Watch();
    expect(watch.during(5 * HOUR, flow(3 * MINUTE))).toEqual([]);
    expect(watch.during(5 * HOUR, accepted(100))).toEqual([]);
  });

  it('of such a shop are where it allows for longer silences', () => {
    const watch = new Watch({ quietMinutes: 240 });
    expect(watch.during(6 * HOUR, flow(10 * MINUTE))).toEqual([]);
    expect(watch.during(5 * HOUR, accepted(36))).toEqual(['firing sales_stopped at 14400']);
  });

  it('of a shop that wants to know at once are missed after a minute', () => {
    const watch = new Watch({ quietMinutes: 1 });
    expect(watch.during(HOUR, flow(SECOND))).toEqual([]);
    expect(watch.during(HOUR, accepted(3600))).toEqual(['firing sales_stopped at 60']);
  });

  it('of a file that was played in a few minutes are not', () => {
    const watch = new Watch();
    expect(watch.during(5 * MINUTE, flow(1))).toEqual([]);
    expect(watch.during(5 * HOUR, accepted(300_000))).toEqual([]);
  });
});
