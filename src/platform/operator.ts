// What an operator does to a running platform: look at its consumers, verify, redrive.
import type { WriteLog } from '../model/log.ts';
import type { QuarantineEntry } from '../stores/quarantine/quarantine.ts';
import type { ConsumerStatus } from '../stream/consumer.ts';
import type { RedriveResult } from './consumer-host.ts';
import type { Parts } from './parts.ts';
import { askPatiently } from './thread-status.ts';
import { type LakeSelection, type VerifyReport, verify } from './verify.ts';

export interface Operator {
  /** As they were last, where a thread does not answer. */
  consumers(): Promise<readonly ConsumerStatus[]>;
  verify(): Promise<VerifyReport>;
  redrive(entry: QuarantineEntry): Promise<RedriveResult>;
  /** @throws not_found, conflict */
  discard(id: string): Promise<void>;
}

export function createOperator(parts: Parts, log: WriteLog): Operator {
  const { stream, quarantine, pipelines, warehouse, threads } = parts;
  /** verify and redrive hold delivery, and verify reads the ledger while nobody changes it: one after the other. */
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
    redrive: ({ id, store }) =>
      oneAtATime(() => (store === 'warehouse' ? warehouse : pipelines).call('redrive', store, id)),
    discard: (id) =>
      oneAtATime(async () => {
        await quarantine.settle(id, 'discarded');
        log('info', 'A record was discarded', { id });
      }),
  };
}
