// From the stream into the order store: what a customer sees. Keeps nothing outside the store.
import { isTillstreamError } from '../model/errors.ts';
import type { AcceptedLine } from '../model/line.ts';
import { parseRecord } from '../model/record.ts';
import type { OrderStore } from '../stores/orders/order-store.ts';
import type { Failure, Pipeline } from './pipeline.ts';

export function createServeOrders(orders: OrderStore): Pipeline {
  return {
    store: 'orders',

    checkpoint: () => orders.checkpoint(),

    async process(records, checkpoint) {
      const failures: Failure[] = [];
      const lines: AcceptedLine[] = [];
      for (const { sequence, data } of records) {
        try {
          for (const line of parseRecord(sequence, data)) lines.push(line);
        } catch (error) {
          if (!isTillstreamError(error)) throw error;
          failures.push({ sequence, error });
        }
      }
      await orders.apply(lines, failures.length === 0 ? checkpoint : undefined);
      return failures;
    },
  };
}
