// From the stream into the warehouse. Nothing is read here: the warehouse reads NDJSON natively, and the consumer finds a
// record that it cannot use by bisecting the batch.
import type { Warehouse } from '../stores/warehouse/warehouse.ts';
import type { Pipeline } from './pipeline.ts';

export function createLoadWarehouse(warehouse: Warehouse): Pipeline {
  return {
    store: 'warehouse',
    checkpoint: () => warehouse.checkpoint(),
    async process(records, checkpoint) {
      await warehouse.load(records, checkpoint);
      return [];
    },
  };
}
