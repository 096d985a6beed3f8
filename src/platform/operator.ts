// What an operator does to a running platform: look at its consumers, verify, redrive, back up.
import type { Correction } from '../imports/redrive-row.ts';
import { QUARANTINE_STORE } from '../imports/rejects.ts';
import type { WriteLog } from '../model/log.ts';
import type { QuarantineEntry } from '../stores/quarantine/quarantine.ts';
import type { ConsumerStatus } from '../stream/consumer.ts';
import { type BackupReport, backup } from './backup.ts';
import type { BackupOrder, BackupProgress } from './backup-thread.ts';
import type { RedriveResult } from './consumer-host.ts';
import type { Parts } from './parts.ts';
import { redriveRow } from './redrive-row.ts';
import { askPatiently } from './thread-status.ts';
import { type LakeSelection, type VerifyReport, verify } from './verify.ts';

export interface Operator {
  /** As they were last, where a thread does not answer. */
  consumers(): Promise<readonly ConsumerStatus[]>;
  verify(): Promise<VerifyReport>;
  /** @param signal cancels it */
  backup(path: string, signal: AbortSignal): Promise<BackupReport>;
  /** Of the backup under way; null: there is none. */
  backupProgress(): Promise<RunningBackup | null>;
  /** @param correction of a rejected row of an import: fields that take the place of its own */
  redrive(entry: QuarantineEntry, correction?: Correction): Promise<RedriveResult>;
  /** @throws not_found, conflict */
  discard(id: string): Promise<void>;
}

export interface RunningBackup extends BackupProgress {
  readonly path: string;
  readonly startedAt: string;
}

export function createOperator(
  parts: Parts,
  backups: Omit<BackupOrder, 'path'>,
  timeZone: string,
  log: WriteLog,
): Operator {
  const { stream, ingest, quarantine, pipelines, warehouse, threads, startBackupThread } = parts;
  /**
   * verify, redrive and backup hold delivery, verify reads the ledger while nobody changes it, and a backup the lake: one
   * after the other.
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
    finishRedrives: async () => void (await Promise.all(threads.map((thread) => thread.call('finishRedrives')))),
    lakeDigest: (selection: LakeSelection) => warehouse.call('lakeDigest', selection),
    ordersDigest: () => pipelines.call('ordersDigest'),
    warehouseDigest: () => warehouse.call('warehouseDigest'),
  };
  let running: { path: string; startedAt: string; progress: () => Promise<BackupProgress> } | null = null;
  const backUp = async (path: string, signal: AbortSignal): Promise<BackupReport> => {
    const thread = startBackupThread();
    running = { path, startedAt: new Date().toISOString(), progress: () => thread.call('progress') };
    const backedUp = { ...verifiable, copyWarehouse: (to: string) => warehouse.call('copyTo', to) };
    try {
      return await backup(backedUp, thread, { ...backups, path }, signal);
    } finally {
      running = null;
      await thread.end();
    }
  };
  return {
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
