// The whole platform in one process: a data directory, its parts, the routes before them, an address.
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { accessRoutes } from '../access/routes.ts';
import { describeApi } from '../docs/openapi.ts';
import { docsPages } from '../docs/pages.ts';
import { ingestRoutes } from '../ingest/routes.ts';
import { analyticsRoutes } from '../query/analytics-routes.ts';
import { ordersRoutes } from '../query/orders-routes.ts';
import { quarantineRoutes } from '../query/quarantine-routes.ts';
import { sqlRoutes } from '../query/sql-routes.ts';
import { statusRoutes } from '../query/status-routes.ts';
import { type AccessControl, type AdminKey, openAccess } from './access.ts';
import { type Address, listen, readTls, refuseOpenAddress, tryPort } from './address.ts';
import { ANSWERS_TIMEOUT_MS } from './closing.ts';
import { type Config, readConfig } from './config.ts';
import { type DataDirectory, openDataDirectory, startFailure } from './data-directory.ts';
import { createLog } from './log.ts';
import { createOperator, type Operator } from './operator.ts';
import { openParts, type Parts } from './parts.ts';
import { keepRetention } from './retention.ts';
import type { Route } from './route-list.ts';
import { createServer } from './server.ts';
import { RateMeter, statusOf } from './status.ts';
import type { VerifyReport } from './verify.ts';
import type { WarehouseThread } from './warehouse-thread.ts';

export interface PlatformOptions extends Address {
  readonly dataDirectory: string;
  /** Whether the data directory is to hold a sample's lines. */
  readonly sample: boolean;
  /** Variables of config.ts. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Called when the platform cannot go on; it has to be closed then. */
  readonly onFatal: (error: Error) => void;
}

export interface Platform {
  readonly url: string;
  readonly dataDirectory: string;
  readonly routes: readonly Route[];
  /** PEM; null: no TLS. */
  readonly certificate: string | null;
  /** Of the commands on this machine; null where no key is asked for. */
  readonly adminKey: AdminKey | null;
  verify(): Promise<VerifyReport>;
  /** Finishes what was begun, within five seconds; what is accepted and not yet in a store is there after the next start. */
  close(): Promise<void>;
}

const HOUR_MS = 3_600_000;

/**
 * Resolves when requests are served.
 * @throws port_taken, address_not_allowed, wrong_usage, disk_full, and what openDataDirectory and openParts throw
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  try {
    return await start(options);
  } catch (error) {
    throw startFailure(error, options.dataDirectory);
  }
}

async function start(options: PlatformOptions): Promise<Platform> {
  const config = readConfig(options.environment);
  refuseOpenAddress(options);
  const tls = options.tls === null ? null : readTls(options.tls);
  const log = createLog('http', config.logLevel);
  const directory = await openDataDirectory(options.dataDirectory, options);
  const onEnd = (error: Error): void => {
    log.fatal({ err: error }, 'A thread has ended');
    options.onFatal(error);
  };
  const parts = await tryPort(options)
    .then(() => openParts(directory, config, onEnd))
    .catch((error: unknown) => {
      directory.close();
      throw error;
    });
  const access = await openAccess(directory, {
    isAsked: options.auth,
    allowedOrigins: config.allowedOrigins.split(','),
  }).catch(async (error: unknown) => {
    await parts.close();
    directory.close();
    throw error;
  });
  const ending = new AbortController();
  const operator = createOperator(parts);
  const rate = new RateMeter(() => parts.ingest.counters.accepted);
  const server = createServer({
    onError: (error, request) => log.error({ err: error, ...request }, 'A request failed'),
    guard: access.guard,
    ...(tls === null ? {} : { tls }),
    ...(options.trustedProxies === null ? {} : { trustedProxies: options.trustedProxies }),
  });
  const startedAt = new Date();
  await describeApi(server, packageVersion());
  registerRoutes(server, { parts, access, operator, config, directory, startedAt, rate });
  await docsPages(server);
  const close = async (): Promise<void> => {
    ending.abort();
    rate.stop();
    parts.admission.close();
    await Promise.race([server.close(), pause(ANSWERS_TIMEOUT_MS, undefined, { ref: false })]);
    await Promise.all([parts.close(), access.close()]);
    directory.close();
  };
  try {
    const url = await listen(server, options);
    const certificate = tls === null ? null : tls.cert.toString('utf8');
    directory.announce({ url, certificate, pid: process.pid, startedAt: startedAt.toISOString() });
    void keepRetention({
      stream: parts.stream,
      consumers: () => operator.consumers(),
      keptMs: config.streamHours * HOUR_MS,
      onError: (error) => log.error({ err: error }, 'Passed records could not be removed from the stream'),
      signal: ending.signal,
    });
    let closing: Promise<void> | null = null;
    return {
      url,
      dataDirectory: directory.path,
      routes: server.routeList,
      certificate,
      adminKey: options.auth ? access.adminKey : null,
      verify: () => operator.verify(),
      close() {
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Served {
  readonly parts: Parts;
  readonly access: AccessControl;
  readonly operator: Operator;
  readonly config: Config;
  readonly directory: DataDirectory;
  readonly startedAt: Date;
  readonly rate: RateMeter;
}

function registerRoutes(
  server: FastifyInstance,
  { parts, access, operator, config, directory, startedAt, rate }: Served,
): void {
  const { stream, ingest, admission, orders, quarantine, warehouse } = parts;
  const questions = {
    ask: (...question: Parameters<WarehouseThread['ask']>) => warehouse.call('ask', ...question),
    select: (...question: Parameters<WarehouseThread['select']>) => warehouse.call('select', ...question),
  };
  accessRoutes(server, access.keys, access.tokens);
  ingestRoutes(server, ingest, admission);
  ordersRoutes(server, orders);
  analyticsRoutes(server, questions, config.timeZone);
  sqlRoutes(server, questions);
  quarantineRoutes(server, quarantine, operator);
  statusRoutes(server, {
    status: () =>
      statusOf({
        version: packageVersion(),
        dataDirectory: directory.path,
        startedAt,
        timeZone: config.timeZone,
        stream,
        ingest,
        admission,
        linesPerSecond: () => rate.perSecond,
        consumers: () => operator.consumers(),
        quarantine: () => quarantine.counts(),
        replaced: () => orders.replaced(),
      }),
    verify: () => operator.verify(),
    notReady: () => admission.closedBecause()?.message ?? null,
  });
}

function packageVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}
