// What one store cannot use: into quarantine it goes, and out of it when it is delivered again.
import { isTillstreamError, messageOf } from '../model/errors.ts';
import type { WriteLog } from '../model/log.ts';
import { everyEntry, type Quarantine, type QuarantineState } from '../stores/quarantine/quarantine.ts';
import type { StreamRecord } from './event-stream.ts';
import type { Patience } from './patience.ts';

export interface SetAsideOptions {
  readonly store: string;
  readonly quarantine: Quarantine;
  readonly log: WriteLog;
  readonly patience: Patience;
}

export class SetAside {
  readonly #options: SetAsideOptions;
  /** Sequence and id of records that wait in quarantine although the store's checkpoint is before them. */
  readonly #comingAgain = new Map<string, string>();

  constructor(options: SetAsideOptions) {
    this.#options = options;
  }

  /** Finds what will be delivered again: it comes after `passed`, the sequence up to which the store has all. */
  async load(passed: string): Promise<void> {
    const { store, quarantine, patience } = this.#options;
    await patience.until(async () => {
      for await (const { id, sequence } of everyEntry(quarantine, { state: 'waiting', store })) {
        if (sequence > passed) this.#comingAgain.set(sequence, id);
      }
    });
  }

  /**
   * What was put in quarantine just before the process was killed, with the checkpoint still before it, is delivered again:
   * it lands, or is put there again. The ledger must not say that it waits when it has landed; nor may it land once
   * somebody has discarded it.
   */
  async lessWhatWasDiscarded(batch: readonly StreamRecord[]): Promise<readonly StreamRecord[]> {
    const discarded = new Set<string>();
    for (const { sequence } of this.#comingAgain.size === 0 ? [] : batch) {
      const id = this.#comingAgain.get(sequence);
      if (id === undefined) continue;
      const state = await this.#options.patience.until(() => this.#settled(id));
      if (state === 'discarded') discarded.add(sequence);
      this.#comingAgain.delete(sequence);
    }
    return discarded.size === 0 ? batch : batch.filter(({ sequence }) => !discarded.has(sequence));
  }

  async put(record: StreamRecord, error: unknown, attempts: number): Promise<void> {
    const { store, quarantine, log, patience } = this.#options;
    const entry = quarantineEntry(store, record, error, attempts);
    await patience.until(() => quarantine.put(entry));
    const { id, code } = entry;
    log('warn', `Record ${record.sequence} is in quarantine for ${store}`, { id, store, code, attempts, err: error });
  }

  /** As what the entry is settled: by us, unless somebody was first. */
  async #settled(id: string): Promise<QuarantineState> {
    const { quarantine } = this.#options;
    try {
      await quarantine.settle(id, 'redriven');
      return 'redriven';
    } catch (error) {
      const entry = isTillstreamError(error, 'conflict') ? await quarantine.get(id) : null;
      if (entry === null) throw error;
      return entry.state;
    }
  }
}

/** The entry for a record that a store could not use. */
export function quarantineEntry(store: string, record: StreamRecord, error: unknown, attempts: number) {
  return {
    id: `${store}-${record.sequence}`,
    store,
    sequence: record.sequence,
    arrivedAtMs: record.arrivedAtMs,
    code: isTillstreamError(error) ? error.code : 'pipeline_failed',
    message: messageOf(error),
    attempts,
    data: record.data,
  };
}
