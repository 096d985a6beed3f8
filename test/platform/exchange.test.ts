// A rebuilt store on its way into the place of the old one, given up at any moment: the old one is delivered to again, by one
// consumer, and the new one is closed.
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Pipeline } from '../../src/pipelines/pipeline.ts';
import { createServeOrders } from '../../src/pipelines/serve-orders.ts';
import { hostConsumers } from '../../src/platform/consumer-host.ts';
import { exchanging } from '../../src/platform/exchange.ts';
import { openLmdbOrders } from '../../src/stores/orders/lmdb-orders.ts';
import type { OrderStore } from '../../src/stores/orders/order-store.ts';
import { Delivery, numbered } from '../faults/delivery.ts';
import { eventually } from '../support/eventually.ts';

const BATCH = { recordsMax: 1, bytesMax: 2 ** 20, lingerMs: 0, restMs: 0 };
const STEPS = ['old store', 'open', 'bounds', 'new store', 'carry over'] as const;
type Step = (typeof STEPS)[number];

let delivery: Delivery;
beforeEach(async () => {
  delivery = await Delivery.open();
});
afterEach(() => delivery.close());

/** @param at what comes to pass at a step, before it goes on */
function exchangingOrders(at: (step: Step) => Promise<void>) {
  const { stream, head, quarantine, log, orders } = delivery;
  const opened: OrderStore[] = [];
  const closed: OrderStore[] = [];
  const pipelineOf = (store: OrderStore): Pipeline => {
    const pipeline = createServeOrders(store);
    return {
      ...pipeline,
      async process(...batch) {
        await at(store === orders ? 'old store' : 'new store');
        return pipeline.process(...batch);
      },
    };
  };
  const host = hostConsumers({
    ...{ stream, head, quarantine },
    pipelines: [{ pipeline: pipelineOf(orders), batch: BATCH }],
    log: (_level, message) => log.push(message),
  });
  const exchange = exchanging<OrderStore>(
    {
      store: 'orders',
      current: () => orders,
      async open(directory) {
        await at('open');
        const store = openLmdbOrders({ directory });
        opened.push(store);
        return store;
      },
      async close(store) {
        closed.push(store);
        await store.close();
      },
      pipelineOf,
      carryOver: () => at('carry over'),
      replace: async (rename) => rename(),
    },
    {
      id: stream.id,
      async bounds() {
        await at('bounds');
        return stream.bounds();
      },
    },
    host,
  );
  return { host, opened, closed, ...exchange };
}

describe('given up', () => {
  test.each(STEPS)('at: %s', async (moment) => {
    const first = numbered(3);
    await delivery.appendAll(first);
    let isTime = false;
    let isThere = false;
    let begin = (): void => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    let givenUp: Promise<void> | null = null;
    const { host, catchUp, abandon, opened, closed } = exchangingOrders(async (step) => {
      if (!isTime || step !== moment || givenUp !== null) return;
      isThere = true;
      await begun;
      givenUp = abandon();
      await new Promise((resolve) => setTimeout(resolve, 20)); // as long as it may take to go wrong
    });
    await host.start();
    await eventually(async () => expect(await delivery.stored(first)).toEqual(first));
    isTime = true;
    // A batch that is under way when it begins.
    if (moment === 'old store') {
      await delivery.append('900001');
      await eventually(() => expect(isThere).toBe(true));
    }
    const caughtUp = catchUp(path.join(delivery.directory, 'new'));
    begin();
    await expect(caughtUp).rejects.toMatchObject({ code: 'shutting_down' });
    await givenUp;
    expect(givenUp).not.toBeNull();
    expect(closed).toEqual(opened);
    await delivery.append('900002');
    await eventually(async () => expect(await delivery.stored(['900002'])).toEqual(['900002']));
    expect(host.status().map(({ store, state }) => [store, state])).toEqual([['orders', 'running']]);
    await host.hold();
    await host.stop();
  });
});
