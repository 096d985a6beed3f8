// A limit of time comes also where garbage is collected before, and what has been lifted never comes.
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { timeLimit } from '../../src/model/time-limit.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('it comes in time, also when nothing but who waits for it holds it', async () => {
  const reasons: unknown[] = [];
  for (let each = 0; each < 50; each += 1) {
    const { signal } = timeLimit(timeLimit(undefined, 60).signal, 60_000);
    signal.addEventListener('abort', () => reasons.push((signal.reason as Error).name));
  }
  await pause(10); // what was just made is held until then
  collectGarbage();
  await pause(150);
  expect(reasons).toEqual(Array.from({ length: 50 }, () => 'TimeoutError'));
});

test('it is that of the signal, where that comes first', () => {
  const gone = new AbortController();
  const { signal, lift } = timeLimit(gone.signal, 60_000);
  gone.abort('enough');
  expect(signal.reason).toBe('enough');
  lift();
  expect(timeLimit(gone.signal, 60_000).signal.reason).toBe('enough');
});

test('lifted, it does not come', async () => {
  const gone = new AbortController();
  const { signal, lift } = timeLimit(gone.signal, 1);
  lift();
  await pause(20);
  gone.abort();
  expect(signal.aborted).toBe(false);
});
