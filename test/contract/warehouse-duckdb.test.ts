import path from 'node:path';
import { openDuckDbWarehouse } from '../../src/stores/warehouse/duckdb-warehouse.ts';
import { warehouseContract } from './warehouse.contract.ts';

warehouseContract('duckdb', (directory) =>
  openDuckDbWarehouse({
    directory: path.join(directory, 'warehouse'),
    loadDirectory: path.join(directory, 'warehouse', 'load'),
  }),
);
