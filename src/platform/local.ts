// The whole platform in one process: a data directory, its parts, the routes before them, an address.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { limitRate } from '../access/rate-limit.ts';
import { describeApi } from '../docs/openapi.ts';
import { docsPages } from '../docs/pages.ts';
import { INBOX } from '../imports/import-queue.ts';
import { ImportWatch } from '../imports/import-watch.ts';
import { keepInbox } from '../imports/inbox.ts';
import { LoopDelay } from '../observe/loop-delay.ts';
import { createMetrics } from '../observe/metrics.ts';
import type { Reading } from '../observe/reading.ts';
import { RequestMeter } from '../observe/request-meter.ts';
import { type AdminKey, openAccess } from './access.ts';
import { addressOf, listen, readTls, refuseOpenAddress, tryPort } from './address.ts';
import { startAlerting } from './alerting.ts';
import { ANSWERS_TIMEOUT_MS } from './closing.ts';
import { type Config, settingsThatDiffer } from './config.ts';
import { openDataDirectory, type SampleMarker, type SampleWish, startFailure } from './data-directory.ts';
import { createLog, writerOf } from './log.ts';
import { createOperator } from './operator.ts';
import { openParts } from './parts.ts';
import { keepRetention } from './retention.ts';
import type { Route } from './route-list.ts';
import { registerRoutes } from './routes.ts';
import { startOf } from './running-platform.ts';
import { createServer } from './server.ts';
import { RateMeter, readingOf } from './status.ts';
import type { VerifyReport } from './verify.ts';

export interface PlatformOptions {
  readonly config: Config;
  /** Whose lines the data directory is to hold: those of this sample; null: a shop's own. */
  readonly sample: SampleWish | null;
  /** Called when the platform cannot go on; it has to be closed then. */
  readonly onFatal: (error: Error) => void;
}

export interface Platform {
  readonly url: string;
  readonly dataDirectory: string;
  /** What the data directory holds; null for a shop's own lines. */
  readonly sample: SampleMarker | null;
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
    throw startFailure(error, options.config.dataDirectory);
  }
}

async function start({ config, sample, onFatal }: PlatformOptions): Promise<Platform> {
  const address = addressOf(config);
  refuseOpenAddress(address);
  const tls = address.tls === null ? null : readTls(address.tls);
  const log = createLog('http', config.logLevel);
  const writeLog = writerOf(log);
  // None is made for a platform that cannot run. Of one that is there, the lock may say more than the port: who has both.
  if (!existsSync(config.dataDirectory)) await tryPort(address);
  const directory = await openDataDirectory(config.dataDirectory, { sample });
  const onEnd = (error: Error): void => {
    log.fatal({ err: error }, 'A thread has ended');
    onFatal(error);
  };
  const parts = await tryPort(address)
    .then(() => openParts(directory, config, onEnd, writeLog))
    .catch((error: unknown) => {
      directory.close();
      throw error;
    });
  const access = await openAccess(directory, config.auth).catch(async (error: unknown) => {
    await parts.close();
    directory.close();
    throw error;
  });
  const { adminKey } = access;
  if (adminKey.isNew) log.info({ file: adminKey.file }, 'A key for the commands on this machine was made');
  const ending = new AbortController();
  const version = packageVersion();
  const backups = { dataDirectory: directory.path, version, diskReserveBytes: config.diskReserveBytes };
  const operator = createOperator(parts, backups, config.timeZone, writeLog);
  const { imports } = parts;
  const importWatch = new ImportWatch(imports);
  const rate = new RateMeter(() => parts.ingest.counters.accepted);
  const meter = new RequestMeter();
  const loopDelay = new LoopDelay();
  const server = createServer({
    meter,
    onError: (error, request) => log.error({ err: error, ...request }, 'A request failed'),
    ...(log.isLevelEnabled('debug') ? { onAnswer: (answer) => log.debug(answer, 'A request was answered') } : {}),
    guard: access.guard,
    ...(tls === null ? {} : { tls }),
    ...(address.trustedProxies === null ? {} : { trustedProxies: address.trustedProxies }),
  });
  const startedAt = new Date();
  const reading = (): Promise<Reading> => readingOf(parts, operator, importWatch);
  const metrics = createMetrics({ version, requests: meter, loopDelay, reading });
  const close = async (): Promise<void> => {
    log.info('The platform is ending');
    ending.abort();
    rate.stop();
    loopDelay.close();
    importWatch.close();
    parts.admission.close();
    await Promise.race([server.close(), pause(ANSWERS_TIMEOUT_MS, undefined, { ref: false })]);
    await Promise.all([parts.close(), access.close()]);
    directory.close();
    log.info('The platform has ended');
  };
  try {
    if (config.rateLimit > 0) await limitRate(server, config.rateLimit);
    await describeApi(server, version);
    const about = { config, directory, version, startedAt, rate, reading, metrics };
    const served = { ...about, parts, access, operator, imports, importWatch };
    registerRoutes(server, { ...served, log: writeLog, ending: ending.signal });
    await docsPages(server);
    const url = await listen(server, address);
    const certificate = tls === null ? null : tls.cert.toString('utf8');
    const { pid } = process;
    directory.announce({ url, certificate, pid, pidStart: startOf(pid), startedAt: startedAt.toISOString() });
    log.info({ url, version, settings: settingsThatDiffer(config) }, 'The platform is running');
    void keepRetention({
      stream: parts.stream,
      consumers: () => operator.consumers(),
      floor: () => operator.streamFloor(),
      keptMs: config.streamHours * HOUR_MS,
      onError: (error) => log.error({ err: error }, 'Passed records could not be removed from the stream'),
      signal: ending.signal,
    });
    keepInbox(
      config.importSchedule,
      {
        directory: join(directory.lake, INBOX),
        imports,
        now: Date.now,
        onError: (err, file) => log.error({ err, file }, 'A file of the inbox could not be taken'),
      },
      ending.signal,
    );
    startAlerting({
      config,
      platform: { version, dataDirectory: directory.path },
      reading,
      log,
      signal: ending.signal,
    });
    let closing: Promise<void> | null = null;
    return {
      url,
      dataDirectory: directory.path,
      sample: directory.sample,
      routes: server.routeList,
      certificate,
      adminKey: config.auth ? adminKey : null,
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

function packageVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}
