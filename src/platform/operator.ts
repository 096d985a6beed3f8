// What an operator does to a running platform: look at its consumers, verify, redrive, back up.
import type { Correction } from '../imports/redrive-row.ts';
import { QUARANTINE_STORE } from '../imports/rejects.ts';
import type { WriteLog } from '../model/log.ts';
import type { QuarantineEntry } from '../stores/quarantine/quarantine.ts';
import type { ConsumerStatus } from '../stream/consumer.ts';
import { type BackupReport, backup } from './backup.ts';
import type { BackupOrder, BackupProgress } from './backup-thread.ts';
import type { RedriveResult } from './consumer-host.ts';
import type { Exchanging } from './exchange.ts';
import type { Parts } from './parts.ts';
import { type BuildProgress, type Rebuildable, type RebuildReport, type RebuildStep, rebuild } from './rebuild.ts';
import type { RebuildThread } from './rebuild-thread.ts';
import { redriveRow } from './redrive-row.ts';
import type { RebuiltStore } from './store-swap.ts';
import { askPatiently } from './thread-status.ts';
import type { Thread } from './threads.ts';
import { type LakeSelection, type Verifiable, type VerifyReport, verify } from './verify.ts';

export interface Operator {
  /** As they were last, where a thread does not answer. */
  consumers(): Promise<readonly ConsumerStatus[]>;
  verify(): Promise<VerifyReport>;
  /** @param signal cancels it */
  backup(path: string, signal: AbortSignal): Promise<BackupReport>;
  /** Of the backup under way; null: there is none. */
  backupProgress(): Promise<RunningBackup | null>;
  /** @param signal cancels it */
  rebuild(store: RebuiltStore, signal: AbortSignal): Promise<RebuildReport>;
  /** Of the rebuild under way; null: there is none. */
  rebuildProgress(): Promise<RunningRebuild | null>;
  /** What comes after this record is to stay on the stream, whatever the stores have passed; null: nothing more. */
  streamFloor(): string | null;
  /** @param correction of a rejected row of an import: fields that take the place of its own */
  redrive(entry: QuarantineEntry, correction?: Correction): Promise<RedriveResult>;
  /** @throws not_found, conflict */
  discard(id: string): Promise<void>;
}

export interface RunningBackup extends BackupProgress {
  readonly path: string;
  readonly startedAt: string;
}

export interface RunningRebuild extends BuildProgress {
  readonly store: RebuiltStore;
  readonly startedAt: string;
  readonly step: RebuildStep;
}

export function createOperator(
  parts: Parts,
  backups: Omit<BackupOrder, 'path'>,
  timeZone: string,
  log: WriteLog,
): Operator {
  const { stream, ingest, quarantine, imports, pipelines, warehouse, threads, startBackupThread } = parts;
  /**
   * verify, redrive, backup and rebuild hold delivery, verify reads the ledger while nobody changes it, and a backup and a rebuild the
   * lake: one after the other.
   */
  let operating: Promise<unknown> = Promise.resolve();
  const oneAtATime = <T>(work: () => Promise<T>): Promise<T> => {
    const result = operating.then(work);
    operating = result.catch(() => {});
    return result;
  };
  const statuses = threads.map((thread) => askPatiently(() => thread.call('status')));
  const verifiable = {
    stream,
    quarantine,
    hold: async (upTo?: string) => void (await Promise.all(threads.map((thread) => thread.call('hold', upTo)))),
    release: async () => void (await Promise.all(threads.map((thread) => thread.call('release')))),
    holdImports: () => imports.hold(),
    releaseImports: () => imports.release(),
    finishRedrives: async () => void (await Promise.all(threads.map((thread) => thread.call('finishRedrives')))),
    lakeDigest: (selection: LakeSelection) => warehouse.call('lakeDigest', selection),
    ordersDigest: () => pipelines.call('ordersDigest'),
    warehouseDigest: () => warehouse.call('warehouseDigest'),
  };
  let running: { path: string; startedAt: string; progress: () => Promise<BackupProgress> } | null = null;
  const backUp = async (path: string, signal: AbortSignal): Promise<BackupReport> => {
    const thread = startBackupThread();
    imports.keepFiles();
    running = { path, startedAt: new Date().toISOString(), progress: () => thread.call('progress') };
    const backedUp = { ...verifiable, copyWarehouse: (to: string) => warehouse.call('copyTo', to) };
    try {
      return await backup(backedUp, thread, { ...backups, path }, signal);
    } finally {
      running = null;
      await thread.end();
      await imports.letFilesGo();
    }
  };
  const { rebuildIt, rebuildProgress, streamFloor } = createRebuilds(parts, verifiable, backups, log);
  return {
    rebuild: (store, signal) => oneAtATime(() => rebuildIt(store, signal)),
    rebuildProgress,
    streamFloor,
    consumers: async () => (await Promise.all(statuses.map((status) => status()))).flat(),
    verify: () =>
      oneAtATime(async () => {
        const report = await verify(verifiable);
        const { agrees, sequence, seconds } = report;
        const stores = report.stores.map(({ store, lines }) => ({ store, lines }));
        log(agrees ? 'info' : 'error', agrees ? 'All stores agree' : 'The stores differ', {
          sequence,
          seconds,
          stores,
        });
        return report;
      }),
    backup: (path, signal) => oneAtATime(() => backUp(path, signal)),
    async backupProgress() {
      if (running === null) return null;
      const { path, startedAt, progress } = running;
      return { path, startedAt, ...(await progress()) };
    },
    redrive: (entry, correction = {}) =>
      oneAtATime(() => {
        const { id, store } = entry;
        if (store === QUARANTINE_STORE) return redriveRow({ ingest, quarantine, timeZone }, entry, correction);
        return (store === 'warehouse' ? warehouse : pipelines).call('redrive', store, id);
      }),
    discard: (id) =>
      oneAtATime(async () => {
        await quarantine.settle(id, 'discarded');
        log('info', 'A record was discarded', { id });
      }),
  };
}

/** As the operator has them: one at a time. */
function createRebuilds(
  { stream, orders, pipelines, warehouse, threads, startRebuildThread }: Parts,
  verifiable: Pick<Verifiable, 'stream' | 'quarantine' | 'holdImports' | 'releaseImports'>,
  { dataDirectory, diskReserveBytes }: Omit<BackupOrder, 'path'>,
  log: WriteLog,
) {
  let floor: string | null = null;
  let running: { store: RebuiltStore; startedAt: string; step: RebuildStep; thread: Thread<RebuildThread> } | null =
    null;
  const ownerOf = (store: RebuiltStore): Thread<Exchanging> => (store === 'warehouse' ? warehouse : pipelines);
  const statusOf = async (store: RebuiltStore) =>
    (await ownerOf(store).call('status')).find((each) => each.store === store);
  const rebuildable: Rebuildable = {
    ...verifiable,
    streamId: stream.id,
    holdOne: async (store, upTo) =>
      void (await Promise.all(threads.map((thread) => thread.call('hold', upTo, [store])))),
    releaseOne: async (store) => void (await Promise.all(threads.map((thread) => thread.call('release', [store])))),
    async passedBy(store) {
      const status = await statusOf(store);
      return status?.error?.code === 'stream_gap' ? null : (status?.checkpoint ?? '');
    },
    keepStreamFrom(record) {
      floor = record;
    },
    catchUp: (store, directory) => ownerOf(store).call('catchUp', directory),
    swap: (store) => ownerOf(store).call('swap', dataDirectory),
    abandon: (store) => ownerOf(store).call('abandon'),
    async reopen(store) {
      if (store === 'orders') await orders.reopen();
    },
  };
  return {
    streamFloor: () => floor,
    async rebuildIt(store: RebuiltStore, signal: AbortSignal): Promise<RebuildReport> {
      const thread = startRebuildThread();
      const under = { store, startedAt: new Date().toISOString(), step: 'preparing' as RebuildStep, thread };
      running = under;
      const onStep = (step: RebuildStep): void => {
        under.step = step;
      };
      try {
        const report = await rebuild(rebuildable, thread, { store, dataDirectory, diskReserveBytes }, onStep, signal);
        log('info', 'A store was rebuilt', report);
        return report;
      } catch (err) {
        log(signal.aborted ? 'info' : 'error', 'A store was not rebuilt', { store, err });
        throw err;
      } finally {
        running = null;
        await thread.end();
      }
    },
    async rebuildProgress(): Promise<RunningRebuild | null> {
      if (running === null) return null;
      const { store, startedAt, step, thread } = running;
      const { bytes, bytesTotal } = step === 'building' ? await thread.call('progress') : NO_BYTES;
      return { store, startedAt, step, bytes, bytesTotal };
    },
  };
}

const NO_BYTES: BuildProgress = { bytes: 0, bytesTotal: 0 };
