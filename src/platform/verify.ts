// Proves that the stores agree: DESIGN's first invariant, day by day, to the ten-thousandth.
//
// Delivery is held at one pinned sequence while the door stays open. What every store must hold is then the newest
// version of each line in the lake, and of lines that wait in quarantine for the lake, less the records that the
// quarantine's ledger says this store could not take. Imports are held between two parts: what their manifests commit is in
// all stores then. Reads everything; changes nothing, but for redrives that were cut
// off: they are finished first, because only then the ledger says whether a store has the record.
import type { Static } from 'typebox';
import { secondsSince } from '../model/clock.ts';
import { type DayDigest, firstDifference, totalsOf } from '../model/digest.ts';
import { TillstreamError } from '../model/errors.ts';
import { textFromE4 } from '../model/money.ts';
import type { StoreName } from '../pipelines/pipeline.ts';
import type { Report } from '../query/verify-schema.ts';
import { everyEntry, type Quarantine } from '../stores/quarantine/quarantine.ts';
import type { StreamReader } from '../stream/event-stream.ts';

export interface Digested {
  readonly days: readonly DayDigest[];
  readonly invoices: number;
}

export interface LakeSelection {
  /** Records to leave out, by sequence. */
  readonly excluded: readonly string[];
  /** Ids of quarantined records that are not in the lake. */
  readonly added: readonly string[];
}

/** What verify needs of the threads. */
export interface Verifiable {
  readonly stream: Pick<StreamReader, 'bounds'>;
  readonly quarantine: Quarantine;
  /** Holds all consumers: at once, or at `upTo`. */
  hold(upTo?: string): Promise<void>;
  release(): Promise<void>;
  /** Imports go no further than the part under way; resolves when they stand still. Also when none runs. */
  holdImports(): Promise<void>;
  /** Harmless when they are not held. */
  releaseImports(): void;
  /** Of redrives that were cut off; all consumers are held. */
  finishRedrives(): Promise<void>;
  lakeDigest(selection: LakeSelection): Promise<Digested>;
  ordersDigest(): Promise<Digested & { readonly replaced: number; readonly wrongHeader: string | null }>;
  warehouseDigest(): Promise<Digested>;
}

export type VerifyReport = Static<typeof Report>;
type StoreReport = VerifyReport['stores'][number];
type ReportedDay = NonNullable<StoreReport['firstDifference']>['expected'];

/** How long the consumers may take to reach the pinned sequence. */
const REACH_TIMEOUT_MS = 10 * 60_000;

/** @throws stream_gap and the like  a consumer has stopped; unavailable  one is away or too far behind */
export async function verify(platform: Verifiable): Promise<VerifyReport> {
  const startedMs = performance.now();
  try {
    const newest = await holdAtNewest(platform);
    const ledger = await readLedger(platform.quarantine);
    const orders = await platform.ordersDigest();
    const warehouse = await platform.warehouseDigest();
    const lake = await platform.lakeDigest({ excluded: [], added: [] });
    const expected = expectations(platform, ledger, lake);
    const stores = [
      report('lake', lake, lake, ledger, null),
      report('orders', await expected('orders'), orders, ledger, orders.wrongHeader),
      report('warehouse', await expected('warehouse'), warehouse, ledger, null),
    ];
    return {
      agrees: stores.every(({ agrees }) => agrees),
      sequence: newest,
      seconds: secondsSince(startedMs),
      stores,
      replaced: orders.replaced,
    };
  } finally {
    await releaseAll(platform);
  }
}

/** Delivery and imports go on. */
export async function releaseAll(platform: Pick<Verifiable, 'release' | 'releaseImports'>): Promise<void> {
  platform.releaseImports();
  await platform.release();
}

/**
 * Holds imports between two parts, and delivery at the newest record of this moment: all stores have it, and none has a later one, until releaseAll().
 * @param signal ends the wait for a store that is behind; nothing is held anew after that
 * @returns null before the first record
 * @throws what verify throws, and the signal's reason; releaseAll() all the same
 */
export async function holdAtNewest(
  { stream, hold, holdImports, finishRedrives }: Pick<Verifiable, 'stream' | 'hold' | 'holdImports' | 'finishRedrives'>,
  signal?: AbortSignal,
): Promise<string | null> {
  // First: a part takes longer than a batch, and delivery need not wait for it.
  await within(() => holdImports(), 'stand still', signal);
  await within(() => hold(), 'stand still', signal);
  const { newest } = await stream.bounds();
  if (newest !== null) await within(() => hold(newest), `take in everything up to ${newest}`, signal);
  signal?.throwIfAborted();
  await finishRedrives();
  return newest;
}

/** What a store must hold; the lake is read again only where the quarantine makes a difference. */
function expectations(platform: Verifiable, ledger: Ledger, lake: Digested) {
  const added = notInLake(ledger);
  const known = new Map<string, Promise<Digested>>();
  return (store: StoreName): Promise<Digested> => {
    const excluded = ledgerOf(ledger, store).sequences;
    if (excluded.length === 0 && added.length === 0) return Promise.resolve(lake);
    const key = excluded.join();
    const digest = known.get(key) ?? platform.lakeDigest({ excluded, added });
    known.set(key, digest);
    return digest;
  };
}

function report(
  store: StoreName,
  expected: Digested,
  actual: Digested,
  ledger: Ledger,
  wrongHeader: string | null,
): StoreReport {
  const difference = firstDifference(expected.days, actual.days);
  const { lines, amountE4 } = totalsOf(actual.days);
  const { waiting, discarded } = ledgerOf(ledger, store);
  return {
    store,
    lines,
    invoices: actual.invoices,
    revenue: textFromE4(amountE4),
    agrees: difference === null && wrongHeader === null && expected.invoices === actual.invoices,
    quarantined: waiting,
    discarded,
    firstDifference:
      difference === null
        ? null
        : { day: difference.day, expected: reportedDay(difference.expected), actual: reportedDay(difference.actual) },
    wrongHeader,
  };
}

function reportedDay(day: DayDigest | null): ReportedDay {
  return day === null ? null : { lines: day.lines, revenue: textFromE4(day.amountE4), hash: day.hash.toString(16) };
}

/** What one store does not have: as waiting, or given up. What was redriven is in its store. */
interface LedgerOfStore {
  waiting: number;
  discarded: number;
  /** Of both; at most once each. */
  readonly sequences: string[];
}

type Ledger = ReadonlyMap<string, LedgerOfStore>;

const STORES: readonly StoreName[] = ['lake', 'orders', 'warehouse'];

/** Ids of records that the lake could not take; the other stores have them. */
export function notInLake(ledger: Ledger): string[] {
  return ledgerOf(ledger, 'lake').sequences.map((sequence) => `lake-${sequence}`);
}

const NOTHING: LedgerOfStore = { waiting: 0, discarded: 0, sequences: [] };

/** What the ledger says of a store. */
export function ledgerOf(ledger: Ledger, store: StoreName): LedgerOfStore {
  return ledger.get(store) ?? NOTHING;
}

/** Numbers only: the records themselves may be more than memory holds. */
export async function readLedger(quarantine: Quarantine): Promise<Ledger> {
  const ledger = new Map<string, LedgerOfStore>();
  // Rows of files that were rejected never were lines: no store misses them, and there may be very many.
  for (const store of STORES) {
    const own: LedgerOfStore = { waiting: 0, discarded: 0, sequences: [] };
    for (const state of ['waiting', 'discarded'] as const) {
      for await (const { sequence } of everyEntry(quarantine, { store, state })) {
        own[state] += 1;
        own.sequences.push(sequence);
      }
    }
    ledger.set(store, own);
  }
  return ledger;
}

/** Not without end. @throws unavailable; the signal's reason */
export async function within(work: () => Promise<void>, what: string, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => {};
  const tooLate = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal?.reason);
    signal?.addEventListener('abort', onAbort);
    timer = setTimeout(() => {
      const minutes = REACH_TIMEOUT_MS / 60_000;
      reject(
        new TillstreamError('unavailable', `The stores did not ${what} within ${minutes} minutes.`, {
          hint: '`tillstream status` shows which one is behind, and why.',
        }),
      );
    }, REACH_TIMEOUT_MS);
  });
  try {
    await Promise.race([work(), tooLate]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
