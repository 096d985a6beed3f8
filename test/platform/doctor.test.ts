// What the doctor's checks say of evidence that cannot be made here: old versions, clocks that are wrong, slow disks.
import { describe, expect, it } from 'vitest';
import { type ClockEvidence, checkClock, checkTimeZone } from '../../src/platform/doctor/clock.ts';
import { judgeSync } from '../../src/platform/doctor/disk.ts';
import { checkNode } from '../../src/platform/doctor/machine.ts';
import { checkStatus } from '../../src/platform/doctor/running.ts';
import type { Status } from '../../src/platform/status.ts';

it.each([
  ['20.19.0', 'ok'],
  ['20.18.3', 'failed'],
  ['18.20.4', 'failed'],
  ['22.1.0', 'ok'],
  ['100.0.0', 'ok'],
])('Node.js %s is %s', (version, result) => {
  expect(checkNode(version, '>=20.19.0').result).toBe(result);
});

describe('the clock', () => {
  const nowMs = Date.parse('2026-03-01T12:00:00Z');
  const right: ClockEvidence = {
    nowMs,
    newestLineMs: nowMs - 5000,
    directoryMadeMs: nowMs - 86_400_000,
    diskAheadSeconds: 0.1,
    steppedMs: -3,
  };

  it.each([
    ['right', {}, 'ok', '2026-03-01T12:00:00Z'],
    ['without evidence', { newestLineMs: null, directoryMadeMs: null, diskAheadSeconds: null }, 'ok', '2026'],
    ['never set', { nowMs: 0 }, 'failed', '1970-01-01T00:00:00Z: it was never set'],
    ['set back', { newestLineMs: nowMs + 3 * 3_600_000 }, 'failed', '3 h behind the newest line'],
    ['before the directory', { directoryMadeMs: nowMs + 90_000 }, 'failed', '90 s before the data directory was made'],
    ['set while it looked', { steppedMs: -4000 }, 'warning', 'it was set back by 4 s just now'],
    ['of the disk', { diskAheadSeconds: -7200 }, 'warning', 'files get a time that is 2 h off'],
  ] as const)('%s', (_name, evidence, result, found) => {
    const finding = checkClock({ ...right, ...evidence });
    expect(finding.result).toBe(result);
    expect(finding.found).toContain(found);
    expect(finding.remedy === null).toBe(result === 'ok');
  });

  it("shows the time at the shop's", () => {
    expect(checkTimeZone('Asia/Tokyo', nowMs).found).toBe('Asia/Tokyo, where it is 2026-03-01 21:00');
  });
});

it('a disk is judged by its median sync: one slow one is no slow disk', () => {
  expect(judgeSync([1, 1, 1, 1, 200])).toMatchObject({ result: 'ok', found: '1.0 ms, 200.0 ms at worst, of 5' });
  expect(judgeSync([40, 41, 39, 1, 1])).toMatchObject({ result: 'warning' });
});

describe('the status of a platform that runs', () => {
  const store = { state: 'running', lagRecords: 0, lagSeconds: 0, error: null } as const;
  const status = {
    version: '0.1.0',
    accepting: { open: true, reason: null },
    consumers: [{ ...store, store: 'lake' }],
    quarantine: { waiting: 0, redriven: 0, discarded: 0 },
  };
  const resultsOf = (changed: object): string[] =>
    checkStatus({ ...status, ...changed } as unknown as Status, '0.1.0')
      .filter(({ result }) => result !== 'ok')
      .map(({ check, result, found }) => `${result} ${check}: ${found}`);

  it('without trouble is ok throughout', () => {
    expect(resultsOf({})).toEqual([]);
  });

  it('shows each trouble', () => {
    const error = { code: 'unavailable', message: 'The disk is away', hint: null };
    expect(
      resultsOf({
        version: '0.0.9',
        accepting: { open: false, reason: 'The disk has 3 MB free' },
        consumers: [
          { ...store, store: 'lake', state: 'waiting', lagRecords: 12, lagSeconds: 30, error },
          { ...store, store: 'orders', lagRecords: 4000, lagSeconds: 600 },
          { ...store, store: 'state', state: 'silent', lagRecords: 1, lagSeconds: 3 },
          { ...store, store: 'warehouse', state: 'stopped', error: { ...error, code: 'stream_gap' } },
        ],
        quarantine: { waiting: 2, redriven: 0, discarded: 0 },
      }),
    ).toEqual([
      'warning Version: 0.0.9 runs, 0.1.0 is installed',
      'failed Door: closed: The disk has 3 MB free',
      'warning Consumer lake: 12 records behind, for 30 s; the store is away: unavailable: The disk is away',
      'warning Consumer orders: 4,000 records behind, for 10 min',
      'failed Consumer state: does not answer; 1 record behind, for 3 s',
      'failed Consumer warehouse: stopped: stream_gap: The disk is away',
      'warning Quarantine: 2 records wait',
    ]);
  });
});
