// How the consumers of a thread are, when it does not answer.
import { expect, it } from 'vitest';
import { askPatiently } from '../../src/platform/thread-status.ts';
import type { ConsumerStatus } from '../../src/stream/consumer.ts';

const caughtUp: ConsumerStatus = {
  store: 'orders',
  state: 'running',
  checkpoint: '0000000000000005',
  oldestWaitingMs: null,
  freshnessMs: 20,
  freshness: { bounds: [], counts: [0], sum: 0 },
  error: null,
};

it('of a thread that hangs, what it said last, as silent; what has come since waits from then on', async () => {
  const answers: Promise<ConsumerStatus[]>[] = [Promise.resolve([caughtUp]), new Promise(() => {})];
  const ask = askPatiently(() => answers.shift() ?? Promise.resolve([]), 20);
  const before = Date.now();
  expect(await ask()).toEqual([caughtUp]);
  const after = Date.now();
  const [silent] = await ask();
  expect(silent).toEqual({ ...caughtUp, state: 'silent', oldestWaitingMs: expect.any(Number) });
  expect(silent?.oldestWaitingMs).toBeGreaterThanOrEqual(before);
  expect(silent?.oldestWaitingMs).toBeLessThanOrEqual(after);
});

it('what waited already has waited since then', async () => {
  const waiting = { ...caughtUp, oldestWaitingMs: 7 };
  const answers: Promise<ConsumerStatus[]>[] = [Promise.resolve([waiting]), new Promise(() => {})];
  const ask = askPatiently(() => answers.shift() ?? Promise.resolve([]), 20);
  await ask();
  expect(await ask()).toEqual([{ ...waiting, state: 'silent' }]);
});
