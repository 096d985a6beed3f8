import { expect, it } from 'vitest';
import { Tally } from '../../src/client/tally.ts';

it('a platform that says nothing any more is not shown with its last word, as if it still said that', () => {
  const tally = new Tally();
  tally.retried('503 The disk is nearly full.', 0);
  expect(tally.waiting(1_000)).toBe(null);
  tally.retried('503 The disk is nearly full.', 4_000);
  expect(tally.waiting(5_000)).toEqual({ seconds: 5, reason: '503 The disk is nearly full.' });
  expect(tally.waiting(30_000)).toEqual({
    seconds: 30,
    reason: 'nothing answers, for 26 s; before that 503 The disk is nearly full.',
  });
  tally.stored(1);
  expect(tally.waiting(31_000)).toBe(null);
});
