import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createClock } from '../../src/model/clock.ts';
import { compareVersions } from '../../src/model/line.ts';

const version = fc.record({
  receivedAt: fc.nat(3),
  sequence: fc.nat(3).map((number) => String(number).padStart(16, '0')),
  position: fc.nat(3),
});

describe('versions', () => {
  test('are in one order, whatever they are compared with', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
        if (compareVersions(a, b) < 0 && compareVersions(b, c) < 0) expect(compareVersions(a, c)).toBeLessThan(0);
        const same = a.receivedAt === b.receivedAt && a.sequence === b.sequence && a.position === b.position;
        expect(compareVersions(a, b) === 0).toBe(same);
      }),
      { numRuns: 1000 },
    );
  });

  test('arrival comes first, then the place in the stream, then the place in the request', () => {
    const sorted = [
      { receivedAt: 1, sequence: '0000000000000009', position: 9 },
      { receivedAt: 2, sequence: '0000000000000001', position: 9 },
      { receivedAt: 2, sequence: '0000000000000002', position: 0 },
      { receivedAt: 2, sequence: '0000000000000002', position: 1 },
      { receivedAt: 2, sequence: '0000000000000010', position: 0 },
    ];
    expect([...sorted].reverse().sort(compareVersions)).toStrictEqual(sorted);
  });
});

describe('the clock', () => {
  test("never goes back and never repeats, whatever the machine's clock does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(50), fc.double({ min: 0, max: 50, noNaN: true })), { minLength: 2 }),
        (wall) => {
          let at = 0;
          const clock = createClock(() => wall[at++] ?? 0);
          const given = wall.map(() => clock.nowMicros());
          for (const [index, micros] of given.entries()) {
            expect(Number.isSafeInteger(micros)).toBe(true);
            if (index > 0) expect(micros).toBeGreaterThan(given[index - 1] ?? Number.POSITIVE_INFINITY);
          }
        },
      ),
    );
  });

  test('goes on after what an earlier run has given out, also when that is in the future', () => {
    const clock = createClock(() => 1000);
    clock.advanceTo(5000);
    clock.advanceTo(10);
    expect([clock.nowMicros(), clock.nowMicros()]).toStrictEqual([5001, 5002]);
  });
});
