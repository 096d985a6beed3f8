// Every route of a platform in one process, before its parts.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Guard } from '../access/guard.ts';
import { accessRoutes } from '../access/routes.ts';
import type { ImportWatch } from '../imports/import-watch.ts';
import type { Imports } from '../imports/imports.ts';
import { importRoutes } from '../imports/routes.ts';
import { ingestRoutes } from '../ingest/routes.ts';
import type { WriteLog } from '../model/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { metricsRoutes } from '../observe/metrics-routes.ts';
import type { Reading } from '../observe/reading.ts';
import { analyticsRoutes } from '../query/analytics-routes.ts';
import { backupRoutes } from '../query/backup-routes.ts';
import { liveRoutes } from '../query/live-routes.ts';
import { ordersRoutes } from '../query/orders-routes.ts';
import { quarantineRoutes } from '../query/quarantine-routes.ts';
import { rebuildRoutes } from '../query/rebuild-routes.ts';
import { sqlRoutes } from '../query/sql-routes.ts';
import { statusRoutes } from '../query/status-routes.ts';
import type { AccessControl } from './access.ts';
import type { Config } from './config.ts';
import type { DataDirectory } from './data-directory.ts';
import type { Operator } from './operator.ts';
import type { Parts } from './parts.ts';
import { pulseOf, type RateMeter, statusOf, streamOf } from './status.ts';
import { storeSizes } from './store-sizes.ts';
import type { WarehouseThread } from './warehouse-thread.ts';

/** What the routes stand before. */
export interface Served {
  readonly parts: Parts;
  readonly access: AccessControl;
  readonly operator: Operator;
  readonly config: Config;
  readonly directory: DataDirectory;
  readonly version: string;
  readonly startedAt: Date;
  readonly rate: RateMeter;
  readonly imports: Imports;
  readonly importWatch: ImportWatch;
  readonly reading: () => Promise<Reading>;
  readonly metrics: Metrics;
  readonly log: WriteLog;
  /** Aborted when the platform is to end. */
  readonly ending: AbortSignal;
}

export function registerRoutes(server: FastifyInstance, served: Served): void {
  const { parts, access, operator, config, directory, version, startedAt, rate, imports, importWatch, log } = served;
  const { stream, tail, ingest, admission, orders, quarantine, warehouse } = parts;
  const questions = {
    ask: (...question: Parameters<WarehouseThread['ask']>) => warehouse.call('ask', ...question),
    select: (...question: Parameters<WarehouseThread['select']>) => warehouse.call('select', ...question),
  };
  accessRoutes(server, {
    keys: access.keys,
    tokens: access.tokens,
    isCustomer: async (id) => (await orders.history(id, { limit: 1, cursor: null })).invoices.length > 0,
    log,
  });
  ingestRoutes(server, ingest, admission);
  importRoutes(server, imports, admission);
  ordersRoutes(server, orders);
  analyticsRoutes(server, questions, config.timeZone);
  sqlRoutes(server, questions);
  quarantineRoutes(server, quarantine, operator);
  backupRoutes(server, {
    backup: (path, signal) => operator.backup(path, AbortSignal.any([signal, served.ending])),
    progress: () => operator.backupProgress(),
  });
  rebuildRoutes(server, {
    rebuild: (store, signal) => operator.rebuild(store, AbortSignal.any([signal, served.ending])),
    progress: () => operator.rebuildProgress(),
  });
  const status = () =>
    statusOf({
      version,
      dataDirectory: directory.path,
      startedAt,
      timeZone: config.timeZone,
      stream,
      ingest,
      linesPerSecond: () => rate.perSecond,
      reading: served.reading,
      imports: importWatch,
      storeSizes: () => storeSizes(directory),
    });
  statusRoutes(server, {
    status,
    stream: () => streamOf({ stream, orders }),
    verify: () => operator.verify(),
    notReady: () => admission.closedBecause()?.message ?? null,
  });
  liveRoutes(server, {
    pulse: async () => pulseOf(await status()),
    tail,
    imports: importWatch,
    isStillAdmitted: (request) => isAdmitted(access.guard, request),
  });
  metricsRoutes(server, served.metrics);
}

function isAdmitted(guard: Guard, request: FastifyRequest): boolean {
  try {
    guard.admit(request, 'key');
    return true;
  } catch {
    return false;
  }
}
