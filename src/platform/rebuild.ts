// Builds a store anew from the lake alone, beside the running one, and puts it in its place.
//
// In rounds: lake and store are brought to one record; what the lake has up to there, less what the quarantine's ledger says
// the store has not, goes into the new store; a round takes in what came during the one before. When they are short, delivery into
// the old store ends, the new one catches up from the stream, and they change places. The old one answers until then, the door
// stays open, imports stand still, and the stream keeps what the new store has not got. Whatever fails before: the old store
// goes on where it was.
import type { Static } from 'typebox';
import { secondsSince } from '../model/clock.ts';
import { isTillstreamError, TillstreamError } from '../model/errors.ts';
import type { Rebuild } from '../query/rebuild-schema.ts';
import type { BuildOrder, BuildProgress, RebuildThread } from './rebuild-thread.ts';
import { beginRebuild, type RebuiltStore, removeRestsMeanwhile } from './store-swap.ts';
import type { Thread } from './threads.ts';
import { ledgerOf, notInLake, readLedger, type Verifiable, within } from './verify.ts';

export type RebuildReport = Static<typeof Rebuild>;

/** What a rebuild needs of the platform. */
export interface Rebuildable extends Pick<Verifiable, 'stream' | 'quarantine' | 'holdImports' | 'releaseImports'> {
  readonly streamId: string;
  holdOne(store: string, upTo?: string): Promise<void>;
  releaseOne(store: string): Promise<void>;
  /** The record that the store has passed; null: none that the stream must keep more for. */
  passedBy(store: RebuiltStore): Promise<string | null>;
  /** What comes after this record stays on the stream; null: as ever. */
  keepStreamFrom(floor: string | null): void;
  /** See exchange.ts. */
  catchUp(store: RebuiltStore, directory: string): Promise<void>;
  swap(store: RebuiltStore): Promise<void>;
  abandon(store: RebuiltStore): Promise<void>;
  /** Look-ups go to the store that is there now; resolves when none goes to the old one. */
  reopen(store: RebuiltStore): Promise<void>;
}

export interface RebuildWish {
  readonly store: RebuiltStore;
  readonly dataDirectory: string;
  readonly diskReserveBytes: number;
}

export type RebuildStep = 'preparing' | 'building' | 'catching up';
export type OnStep = (step: RebuildStep) => void;
export type { BuildProgress };

/** A round that took no longer leaves little for the stream to bring. */
const SHORT_ROUND_MS = 2000;
/** Of the time of the one before: a round that takes more shows that another would not leave less for the stream. */
const SHORTER = 0.75;

/**
 * @param signal cancels it, until the stores change places
 * @throws unavailable, lake_damaged, disk_full, conflict, shutting_down; stream_gap and the like  the lake itself is stopped
 */
export async function rebuild(
  platform: Rebuildable,
  thread: Pick<Thread<RebuildThread>, 'call' | 'end'>,
  wish: RebuildWish,
  onStep: OnStep,
  signal: AbortSignal,
): Promise<RebuildReport> {
  const startedMs = performance.now();
  const { store, dataDirectory } = wish;
  const cancel = (): void => void thread.call('cancel').catch(() => {});
  signal.addEventListener('abort', cancel);
  try {
    signal.throwIfAborted();
    await within(() => platform.holdImports(), 'stand still', signal);
    const directory = beginRebuild(dataDirectory, store);
    const sequence = await buildInRounds(platform, thread, { ...wish, directory }, onStep, signal);
    const totals = await thread.call('totals');
    await thread.end();
    onStep('catching up');
    await untilAborted(platform.catchUp(store, directory), signal);
    await platform.swap(store);
    await platform.reopen(store);
    return { store, ...totals, seconds: secondsSince(startedMs), sequence };
  } catch (error) {
    await thread.end();
    await platform.abandon(store);
    if (signal.aborted) throw new TillstreamError('shutting_down', 'The rebuild was cancelled; nothing was changed.');
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
    platform.keepStreamFrom(null);
    await platform.releaseOne(store);
    platform.releaseImports();
    await removeRestsMeanwhile(dataDirectory);
  }
}

/** The record that the new store is at. */
async function buildInRounds(
  platform: Rebuildable,
  thread: Pick<Thread<RebuildThread>, 'call'>,
  { store, directory, diskReserveBytes }: RebuildWish & { directory: string },
  onStep: OnStep,
  signal: AbortSignal,
): Promise<string | null> {
  let from: string | null = null;
  let beforeMs = Number.POSITIVE_INFINITY;
  let isLast = false;
  for (;;) {
    onStep('preparing');
    const startedMs = performance.now();
    const { upTo, excluded, added } = await pin(platform, store, signal);
    const order: BuildOrder = {
      store,
      directory,
      streamId: platform.streamId,
      from,
      upTo,
      excluded,
      added,
      diskReserveBytes,
    };
    onStep('building');
    // After a long round there is another, which reads of the lake what came meanwhile: the stream need not keep it all.
    const letGo = (): void => platform.keepStreamFrom(null);
    const timer = isLast ? undefined : setTimeout(letGo, SHORT_ROUND_MS);
    try {
      await thread.call('build', order);
    } finally {
      clearTimeout(timer);
    }
    signal.throwIfAborted();
    from = upTo;
    const tookMs = performance.now() - startedMs;
    if (upTo === null || tookMs <= SHORT_ROUND_MS || isLast) return upTo;
    isLast = tookMs > beforeMs * SHORTER;
    beforeMs = tookMs;
  }
}

/** Lake and store stand at one record, and what the ledger says of it is read, before both go on. */
async function pin(platform: Rebuildable, store: RebuiltStore, signal: AbortSignal) {
  try {
    await within(() => platform.holdOne('lake'), 'stand still', signal);
    const { newest } = await platform.stream.bounds();
    if (newest !== null)
      await within(() => platform.holdOne('lake', newest), `take in everything up to ${newest}`, signal);
    // A store that has stopped, or is away, may be why it is rebuilt: it stays where it is, should it come back.
    const isThere = await canReach(platform, store, newest, signal);
    const passed = isThere ? newest : await platform.passedBy(store);
    platform.keepStreamFrom(lower(newest, passed) ?? '');
    const ledger = await readLedger(platform.quarantine);
    if (isThere) await platform.releaseOne(store);
    return { upTo: newest, excluded: ledgerOf(ledger, store).sequences, added: notInLake(ledger) };
  } finally {
    await platform.releaseOne('lake');
  }
}

async function canReach(
  platform: Rebuildable,
  store: RebuiltStore,
  newest: string | null,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await within(() => platform.holdOne(store), 'stand still', signal);
    if (newest !== null)
      await within(() => platform.holdOne(store, newest), `take in everything up to ${newest}`, signal);
    return true;
  } catch (error) {
    if (signal.aborted || isTillstreamError(error, 'shutting_down')) throw error;
    await platform.holdOne(store).catch(() => {}); // No further than it is.
    return false;
  }
}

/** null counts for nothing. */
function lower(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
  });
  work.catch(() => {}); // Whoever abandons it ends it.
  try {
    signal.throwIfAborted();
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
