// The whole platform in one process: opens the data directory, starts the threads, wires ports to adapters, listens.
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { monotonicFactory } from 'ulid';
import { Admission } from '../ingest/admission.ts';
import { Ingest } from '../ingest/ingest.ts';
import { ingestRoutes } from '../ingest/routes.ts';
import { createClock } from '../model/clock.ts';
import { TillstreamError } from '../model/errors.ts';
import { analyticsRoutes } from '../query/analytics-routes.ts';
import { ordersRoutes } from '../query/orders-routes.ts';
import { quarantineRoutes } from '../query/quarantine-routes.ts';
import { sqlRoutes } from '../query/sql-routes.ts';
import { statusRoutes } from '../query/status-routes.ts';
import { openLmdbOrders } from '../stores/orders/lmdb-orders.ts';
import { openLmdbQuarantine } from '../stores/quarantine/lmdb-quarantine.ts';
import type { ConsumerStatus } from '../stream/consumer.ts';
import { Head } from '../stream/head.ts';
import { type LmdbStream, openLmdbStream } from '../stream/lmdb-stream.ts';
import { readConfig } from './config.ts';
import type { HostedConsumers } from './consumer-host.ts';
import { openDataDirectory } from './data-directory.ts';
import { createLog } from './log.ts';
import type { PipelineThread } from './pipeline-thread.ts';
import { createServer } from './server.ts';
import { RateMeter, statusOf } from './status.ts';
import { startThread, type Thread } from './threads.ts';
import { type VerifyReport, verify } from './verify.ts';
import type { WarehouseThread } from './warehouse-thread.ts';

export interface PlatformOptions {
  readonly dataDirectory: string;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Variables of config.ts. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Called when the platform cannot go on; it has to be closed then. */
  readonly onFatal: (error: Error) => void;
}

export interface Platform {
  readonly url: string;
  readonly dataDirectory: string;
  verify(): Promise<VerifyReport>;
  /** Finishes what was begun, within five seconds; what is accepted and not yet in a store is there after the next start. */
  close(): Promise<void>;
}

/** How long close() waits for answers under way, then for batches: on a busy machine too, all within five seconds. */
const DRAIN_TIMEOUT_MS = 3000;
const TICK_MS = 1000;
/** More than any client opens connections; each waits for its commit only. */
const REQUESTS_IN_FLIGHT_MAX = 10_000;
const RATE_WINDOW_SECONDS = 5;

/**
 * Resolves when requests are served.
 * @throws port_taken, address_not_allowed, wrong_usage, and what openDataDirectory throws
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const config = readConfig(options.environment);
  refuseOpenAddress(options.host);
  const log = createLog('http', config.logLevel);
  const startedAt = new Date();
  const directory = await openDataDirectory(options.dataDirectory);
  const head = new Head();
  const clock = createClock();
  const newId = monotonicFactory();
  const stream = await openLmdbStream({
    directory: directory.stream,
    head,
    clock,
    newId,
    bytesMax: config.streamBytesMax,
  });
  const onEnd = (error: Error): void => {
    log.fatal({ err: error }, 'A thread has ended');
    options.onFatal(error);
  };
  const pipelines = startThread<PipelineThread>('pipeline-thread', directory, head.buffer, config, onEnd);
  const warehouse = startThread<WarehouseThread>('warehouse-thread', directory, head.buffer, config, onEnd);
  const threads: readonly Thread<HostedConsumers>[] = [pipelines, warehouse];
  const orders = openLmdbOrders({ directory: directory.orders, readOnly: true });
  const quarantine = openLmdbQuarantine({ directory: directory.state });
  const admission = new Admission(directory.path, { ...config, requestsInFlightMax: REQUESTS_IN_FLIGHT_MAX });
  const ingest = new Ingest({ stream, clock, newLineId: newId, timeZone: config.timeZone });
  const rate = new RateMeter(RATE_WINDOW_SECONDS);
  const consumers = async () => (await Promise.all(threads.map((thread) => thread.call('status')))).flat();

  /** verify and redrive hold delivery, each for itself: one after the other. */
  let operating: Promise<unknown> = Promise.resolve();
  const oneAtATime = <T>(work: () => Promise<T>): Promise<T> => {
    const result = operating.then(work);
    operating = result.catch(() => {});
    return result;
  };
  const verifyNow = (): Promise<VerifyReport> =>
    oneAtATime(() =>
      verify({
        stream,
        quarantine,
        hold: async (upTo) => void (await Promise.all(threads.map((thread) => thread.call('hold', upTo)))),
        release: async () => void (await Promise.all(threads.map((thread) => thread.call('release')))),
        lakeDigest: (selection) => warehouse.call('lakeDigest', selection),
        ordersDigest: () => pipelines.call('ordersDigest'),
        warehouseDigest: () => warehouse.call('warehouseDigest'),
      }),
    );

  const server = createServer({
    onError: (error, request) =>
      log.error({ err: error, method: request.method, url: request.url }, 'A request failed'),
  });
  ingestRoutes(server, ingest, admission);
  ordersRoutes(server, orders);
  const questions = {
    ask: (...question: Parameters<WarehouseThread['ask']>) => warehouse.call('ask', ...question),
    select: (...question: Parameters<WarehouseThread['select']>) => warehouse.call('select', ...question),
  };
  analyticsRoutes(server, questions, config.timeZone);
  sqlRoutes(server, questions);
  quarantineRoutes(server, quarantine, {
    redrive: ({ id, store }) => oneAtATime(() => (store === 'warehouse' ? warehouse : pipelines).call('redrive', id)),
  });
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
        consumers,
        quarantine: () => quarantine.counts(),
        replaced: () => orders.replaced(),
      }),
    verify: verifyNow,
    notReady: () => admission.closedBecause()?.message ?? null,
  });

  let ticking = true;
  const tick = async (): Promise<void> => {
    while (ticking) {
      await pause(TICK_MS, undefined, { ref: false });
      rate.sample(ingest.counters.accepted);
      await retain(stream, await consumers(), Date.now() - config.streamHours * 3_600_000).catch((error: unknown) =>
        log.error({ err: error }, 'Passed records could not be removed from the stream'),
      );
    }
  };

  const closeStores = async (): Promise<void> => {
    await Promise.all(threads.map((thread) => endThread(thread)));
    await Promise.all([orders.close(), quarantine.close()]);
    await stream.close();
    directory.close();
  };

  try {
    await admission.open();
    await Promise.all(threads.map((thread) => thread.call('start')));
    const url = await listen(server, options);
    directory.announce({ url, pid: process.pid, startedAt: startedAt.toISOString() });
    void tick().catch(() => {}); // ends with the threads
    let closing: Promise<void> | null = null;
    return {
      url,
      dataDirectory: directory.path,
      verify: verifyNow,
      close() {
        closing ??= (async () => {
          ticking = false;
          admission.close();
          await Promise.race([server.close(), pause(DRAIN_TIMEOUT_MS, undefined, { ref: false })]);
          await closeStores();
        })();
        return closing;
      },
    };
  } catch (error) {
    admission.close();
    await server.close().catch(() => {});
    await closeStores();
    throw error;
  }
}

/** Lets a thread finish its batch, then ends it. A batch that takes longer is delivered again after the next start. */
async function endThread(thread: Thread<HostedConsumers>): Promise<void> {
  await Promise.race([thread.call('stop').catch(() => {}), pause(DRAIN_TIMEOUT_MS, undefined, { ref: false })]);
  await thread.end();
}

/**
 * Removes what every consumer has passed and retention no longer keeps. A store with a stream_gap can only be rebuilt from
 * the lake, so it holds nothing back, unless it is the lake itself.
 */
async function retain(stream: LmdbStream, consumers: readonly ConsumerStatus[], keptSinceMs: number): Promise<void> {
  const awaited = consumers.filter(({ store, error }) => store === 'lake' || error?.code !== 'stream_gap');
  const checkpoints = awaited.map(({ checkpoint }) => checkpoint);
  if (checkpoints.length === 0 || checkpoints.includes(null)) return;
  const passed = checkpoints.reduce((least, checkpoint) => ((checkpoint ?? '') < (least ?? '') ? checkpoint : least));
  while ((await stream.trim(passed, keptSinceMs)) > 0);
}

/** Until there are keys, nobody but this machine is let in. */
function refuseOpenAddress(host: string): void {
  if (/^(?:localhost|::1|127(?:\.\d{1,3}){3})$/.test(host)) return;
  throw new TillstreamError(
    'address_not_allowed',
    `--host is "${host}"; without keys only this machine's own addresses are allowed.`,
    {
      hint: 'Use 127.0.0.1 (the default), or put a proxy that asks for keys in front.',
      field: '--host',
      value: host,
    },
  );
}

async function listen(server: FastifyInstance, { host, port }: PlatformOptions): Promise<string> {
  try {
    return await server.listen({ host, port });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw cause;
    const why = code === 'EACCES' ? 'may not be used by this user' : 'is taken by another program';
    throw new TillstreamError('port_taken', `Port ${port} of ${host} ${why}.`, {
      hint: 'Choose another with --port, or --port 0 for any that is free.',
      cause,
    });
  }
}

function packageVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}
