// A backup of the running platform: delivery is held at one sequence while the stores are copied, the door stays open.
//
// Everything else comes after delivery goes on: the copies are read back and compared, the lake's objects, which do not
// change, are added, and all of it is hashed. Nobody changes the lake or the quarantine meanwhile: see operator.ts.
import { writingFailure } from '../backup/failure.ts';
import type { Manifest } from '../backup/manifest.ts';
import { secondsSince } from '../model/clock.ts';
import { TillstreamError } from '../model/errors.ts';
import type { BackupOrder, BackupThread } from './backup-thread.ts';
import type { Thread } from './threads.ts';
import { holdAtNewest, releaseAll, type Verifiable } from './verify.ts';

export interface BackupReport extends Omit<Manifest, 'format' | 'dataFormat' | 'listSha256'> {
  readonly path: string;
  readonly seconds: number;
  /** How long delivery into the stores was held. */
  readonly heldSeconds: number;
}

/** What a backup needs of the platform. */
export interface BackedUp
  extends Pick<Verifiable, 'stream' | 'hold' | 'release' | 'holdImports' | 'releaseImports' | 'finishRedrives'> {
  /** Copies the warehouse's file into a directory, between two loads. */
  copyWarehouse(directory: string): Promise<void>;
}

/**
 * @param signal cancels it: what was written is removed
 * @throws backup_exists, disk_full, directory_not_writable, file_not_found, wrong_usage; what verify() throws; shutting_down
 */
export async function backup(
  platform: BackedUp,
  thread: Pick<Thread<BackupThread>, 'call'>,
  order: BackupOrder,
  signal: AbortSignal,
): Promise<BackupReport> {
  const startedMs = performance.now();
  const cancel = (): void => void thread.call('cancel').catch(() => {});
  signal.addEventListener('abort', cancel);
  try {
    signal.throwIfAborted();
    const warehouse = await thread.call('begin', order);
    const held = await holdAndCopy(platform, signal, async () => {
      // All are waited for: what is still copied to cannot be removed.
      const copies = await Promise.allSettled([thread.call('copyStores'), platform.copyWarehouse(warehouse)]);
      for (const copy of copies) if (copy.status === 'rejected') throw copy.reason;
    });
    const {
      format: _,
      dataFormat: __,
      listSha256: ___,
      ...manifest
    } = await thread.call('complete', order, held.sequence);
    return { path: order.path, ...manifest, seconds: secondsSince(startedMs), heldSeconds: held.seconds };
  } catch (error) {
    await thread.call('discard').catch(() => {});
    if (error === signal.reason) throw new TillstreamError('shutting_down', 'The backup was cancelled.');
    throw writingFailure(error, order.path);
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

async function holdAndCopy(
  platform: BackedUp,
  signal: AbortSignal,
  copy: () => Promise<void>,
): Promise<{ sequence: string | null; seconds: number }> {
  const heldMs = performance.now();
  try {
    const sequence = await holdAtNewest(platform, signal);
    signal.throwIfAborted();
    await copy();
    return { sequence, seconds: secondsSince(heldMs) };
  } finally {
    await releaseAll(platform);
  }
}
