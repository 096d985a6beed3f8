// Between threads: what the log and a client need of errors gets to the other side; and how a thread comes to its end.
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TillstreamError } from '../../src/model/errors.ts';
import { connect, type Remote } from '../../src/platform/rpc.ts';

type Served = { known(): void; unknown(): void; circular(): void; slow(): void; stop(): void };

const file = (name: string): string => new URL(`../../dist/${name}.js`, import.meta.url).href;
const CODE = `
  (async () => {
    const { serve } = await import('${file('platform/rpc')}');
    const { TillstreamError } = await import('${file('model/errors')}');
    const why = new Error('not even tried', { cause: new Error('EIO') });
    const circular = new Error('round');
    circular.cause = circular;
    serve(require('node:worker_threads').parentPort, Promise.resolve({
      known() { throw new TillstreamError('overloaded', 'Too many.', { retryAfterSeconds: 7, hint: 'Wait.', cause: why }); },
      unknown() { throw why; },
      circular() { throw circular; },
      slow: () => new Promise((resolve, reject) => setTimeout(reject, 200, new Error('interrupted'))),
      stop() {},
    }));
  })();`;

let worker: Worker;
let remote: Remote<Served>;
beforeAll(() => {
  worker = new Worker(CODE, { eval: true });
  remote = connect<Served>(worker, 'served');
});
afterAll(() => worker.terminate());

test('when to come back, and the causes with their stacks', async () => {
  const error = await remote.call('known').catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(TillstreamError);
  expect(error).toMatchObject({
    code: 'overloaded',
    hint: 'Wait.',
    retryAfterSeconds: 7,
    cause: { message: 'not even tried', stack: expect.stringContaining('at '), cause: { message: 'EIO' } },
  });
});

test('the causes of an error that is not ours', async () => {
  await expect(remote.call('unknown')).rejects.toMatchObject({ message: 'not even tried', cause: { message: 'EIO' } });
});

test('an error that is its own cause ends', async () => {
  await expect(remote.call('circular')).rejects.toMatchObject({ message: 'round', cause: { message: 'round' } });
});

test('stop is answered after all that is under way, whatever becomes of it', async () => {
  const order: string[] = [];
  const slow = remote.call('slow').catch(({ message }: Error) => order.push(message));
  await Promise.all([slow, remote.call('stop').then(() => order.push('stopped'))]);
  expect(order).toEqual(['interrupted', 'stopped']);
});
