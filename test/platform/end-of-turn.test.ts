import { expect, test } from 'vitest';
import { endOfTurn } from '../../src/query/end-of-turn.ts';

test('who asks in one turn of the event loop goes on together at its end, and the next ones at the end of theirs', async () => {
  const order: string[] = [];
  const asked = (name: string) => endOfTurn().then(() => order.push(name));
  const first = [asked('a'), asked('b')];
  setImmediate(() => order.push('the turn after'));
  await Promise.resolve();
  first.push(asked('c'));
  expect(order).toStrictEqual([]);
  await Promise.all(first);
  expect(order).toStrictEqual(['a', 'b', 'c']);
  await asked('d');
  expect(order).toStrictEqual(['a', 'b', 'c', 'the turn after', 'd']);
});
