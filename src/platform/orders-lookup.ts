// The order store as the HTTP thread looks it up: an opening that can be exchanged under those who use it.
//
// A look-up ends in the opening in which it began, which is closed after the last of them.
import type { OrderStore } from '../stores/orders/order-store.ts';

export interface OrdersLookup extends OrderStore {
  /** Look-ups from now on are in a new opening; resolves when the old one is closed. */
  reopen(): Promise<void>;
}

export function lookingUp(open: () => OrderStore): OrdersLookup {
  let current = openingOf(open());
  return {
    apply: (...given) => current.use((orders) => orders.apply(...given)),
    load: (...given) => current.use((orders) => orders.load(...given)),
    checkpoint: () => current.use((orders) => orders.checkpoint()),
    isNew: () => current.use((orders) => orders.isNew()),
    replaced: () => current.use((orders) => orders.replaced()),
    invoice: (...given) => current.use((orders) => orders.invoice(...given)),
    customer: (...given) => current.use((orders) => orders.customer(...given)),
    history: (...given) => current.use((orders) => orders.history(...given)),
    digest: () => current.use((orders) => orders.digest()),
    async reopen() {
      const old = current;
      current = openingOf(open());
      await old.close();
    },
    close: () => current.close(),
  };
}

function openingOf(orders: OrderStore) {
  const running = new Set<Promise<unknown>>();
  return {
    async use<T>(work: (orders: OrderStore) => Promise<T>): Promise<T> {
      const result = work(orders);
      running.add(result);
      try {
        return await result;
      } finally {
        running.delete(result);
      }
    },
    async close(): Promise<void> {
      await Promise.allSettled(running);
      await orders.close();
    },
  };
}
