// What a pipeline is: a function from a batch of records to the failures among them.
import type { Checkpoint } from '../model/checkpoint.ts';
import type { StreamRecord } from '../stream/event-stream.ts';

/** A record that the store cannot use, whatever is tried. */
export interface Failure {
  readonly sequence: string;
  readonly error: Error;
}

export type StoreName = 'lake' | 'orders' | 'warehouse';

/** From the stream into one store. What delivers the batches (consumer.ts here, Lambda on AWS) gives the guarantees. */
export interface Pipeline {
  readonly store: StoreName;

  /** How far the store is; null for a new store. */
  checkpoint(): Promise<Checkpoint | null>;

  /**
   * Brings records into the store; repetition and any order are harmless. Resolves when the store has them on disk.
   * Without failures, `checkpoint` is stored too: with the rows where the store has transactions, else after them. With
   * failures the others are stored but the checkpoint is not: quarantine the failures, then call again with no records.
   * @throws unavailable  the store is away: deliver again, for ever
   * @throws anything else  the batch holds a record that cannot be used: find it by bisecting
   */
  process(records: readonly StreamRecord[], checkpoint?: Checkpoint): Promise<readonly Failure[]>;
}
