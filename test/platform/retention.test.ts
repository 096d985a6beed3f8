// What the stream may forget: what every store has, and nothing while one of them has not been heard of.
import { expect, test } from 'vitest';
import { keepRetention } from '../../src/platform/retention.ts';
import type { ConsumerStatus } from '../../src/stream/consumer.ts';
import { eventually } from '../support/eventually.ts';

const at = (store: ConsumerStatus['store'], checkpoint: string | null): ConsumerStatus => ({
  ...{ store, checkpoint, state: 'running', freshnessMs: null, oldestWaitingMs: null, error: null },
  freshness: { bounds: [], counts: [0], sum: 0 },
});

test('nothing is removed until every store has been heard of; then what all of them have', async () => {
  const ending = new AbortController();
  /** At each look, one after the other; the last for good. */
  const heard = [
    [],
    [at('warehouse', '9')],
    [at('lake', '5'), at('orders', '7')],
    [at('lake', null), at('orders', '7'), at('warehouse', '9')],
    [at('lake', '5'), at('orders', '7'), at('warehouse', '9')],
  ];
  const trimmed: (string | null)[] = [];
  let looks = 0;
  const keeping = keepRetention({
    stream: {
      async trim(passed) {
        trimmed.push(passed);
        return 0;
      },
    },
    async consumers() {
      looks += 1;
      return heard[Math.min(looks, heard.length) - 1] ?? [];
    },
    floor: () => null,
    keptMs: 0,
    onError: (error) => {
      throw error;
    },
    signal: ending.signal,
  });
  await eventually(() => expect(trimmed.length).toBeGreaterThan(0));
  ending.abort();
  await keeping;
  expect(looks).toBeGreaterThanOrEqual(heard.length);
  expect(new Set(trimmed)).toEqual(new Set(['5']));
});
