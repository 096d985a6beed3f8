// The order store in one LMDB environment, for a single machine.
//
// An invoice is one value (stored-invoice.ts), a purchase history a range of keys (purchase-history.ts). A value, its
// place in the history, the count of corrections and the checkpoint change in one transaction, which is on disk when
// apply() resolves. Openings that write take turns, and compute before their transactions; any number of openings, in any
// thread, look up what is committed. Not replicated: see dynamodb-orders.ts.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Checkpoint } from '../../model/checkpoint.ts';
import { TillstreamError } from '../../model/errors.ts';
import { type AcceptedLine, lineLimits } from '../../model/line.ts';
import { durablyNow, openDatabase, openEnvironment, peek, reading, readLatest } from '../lmdb-environment.ts';
import type { WriterTurns } from '../writer-turns.ts';
import { type ComposedLines, composeGroups } from './compose-groups.ts';
import { linesAt } from './line-columns.ts';
import { type Change, changesOf, mergedChange, newChange, storedAt } from './lmdb-invoice-changes.ts';
import { digestOrders } from './lmdb-orders-digest.ts';
import { pageOf, profileOf } from './lmdb-orders-history.ts';
import type { ApplyResult, InvoiceDocument, LineColumns, OrderStore, View } from './order-store.ts';
import { documentIn } from './own-view.ts';
import { isText } from './storable.ts';
import { StoredInvoice } from './stored-invoice.ts';

/** What belongs to the store as a whole. */
export interface Meta {
  readonly replaced: number;
  readonly checkpoint: Checkpoint | null;
}

/** The key says it all; a header beside it would be written again with every line of its invoice. */
const NOTHING = Buffer.alloc(0);
export const META_KEY = Buffer.from('meta');
const EMPTY_META: Meta = { replaced: 0, checkpoint: null };

export interface LmdbOrdersOptions {
  readonly directory: string;
  /** For a thread that only looks up: apply() and load() are refused. */
  readonly readOnly?: boolean;
  /** Where several threads write. */
  readonly turns?: WriterTurns;
}

/** Of values that load() reads and writes in one turn, which is one transaction: others wait for it some tens of milliseconds. */
const LOAD_BYTES = 4 * 2 ** 20;
/** A byte that is merged takes as long as so many that were composed before the turn: some 20 ms a megabyte. */
const MERGE_WEIGHT = 3;

/**
 * Opens the store in `directory`, making it if need be.
 * @throws directory_not_writable, unavailable
 */
export function openLmdbOrders({ directory, readOnly = false, turns }: LmdbOrdersOptions): OrderStore {
  const inTurn = <T>(work: () => T): T => (turns === undefined ? work() : turns.take(work));
  const environment = openEnvironment(directory);
  const invoices = openDatabase(environment, 'invoices');
  const history = openDatabase(environment, 'history');
  const meta = openDatabase(environment, 'meta');
  const databases = { environment, invoices, history };

  const readMeta = (): Meta => {
    const stored = reading(environment, () => meta.getBinary(META_KEY));
    return stored === undefined ? EMPTY_META : JSON.parse(stored.toString('utf8'));
  };

  /** In one turn, the commit included: a call computes from what the one before has stored. */
  const apply = (lines: readonly AcceptedLine[], checkpoint: Checkpoint | undefined): ApplyResult => {
    const before = readMeta();
    return write(changesOf(databases, lines), before, checkpoint);
  };

  const write = (changes: readonly Change[], before: Meta, checkpoint: Checkpoint | undefined): ApplyResult => {
    let replaced = 0;
    for (const change of changes) replaced += change.replaced;
    const after = { replaced: before.replaced + replaced, checkpoint: checkpoint ?? before.checkpoint };
    if (changes.length === 0 && checkpoint === undefined) return { replaced };
    const bytes = changes.reduce((sum, { value }) => sum + value.length, 0);
    const put = (): void => {
      for (const { invoiceKey, value, left, entered } of changes) {
        invoices.put(invoiceKey, value);
        if (left !== null) history.remove(left);
        if (entered !== null) history.put(entered, NOTHING);
      }
      meta.put(META_KEY, Buffer.from(JSON.stringify(after)));
    };
    durablyNow(environment, put, bytes);
    return { replaced };
  };

  /**
   * What a turn does of a group, from `from` on: no more than a transaction takes. An invoice that is not there yet is stored as it
   * was composed, one that is there is merged; one that is there as it was composed, as when a part comes again, stays.
   */
  const settle = (columns: LineColumns, group: readonly ComposedLines[], from: number): Settled => {
    const before = readMeta();
    const changes: Change[] = [];
    let bytes = 0;
    let next = from;
    for (; next < group.length && bytes < LOAD_BYTES; next += 1) {
      const { invoiceNo, start, end, invoice } = group[next] as ComposedLines; // it is within
      const stored = storedAt(databases, Buffer.from(invoiceNo));
      bytes += stored?.bytes.length ?? 0;
      if (stored !== null && invoice !== null && stored.bytes.equals(invoice.value)) continue;
      const isNew = stored === null && invoice !== null;
      const change = isNew ? newChange(invoice) : mergedChange(invoiceNo, stored, linesAt(columns, start, end));
      const size = change?.value.length ?? stored?.bytes.length ?? 0;
      bytes += isNew ? size : MERGE_WEIGHT * size;
      if (change !== null) changes.push(change);
    }
    return { ...write(changes, before, undefined), next };
  };

  return {
    async apply(lines, checkpoint) {
      if (readOnly) throw new TillstreamError('conflict', 'This opening of the order store only looks up.');
      return inTurn(() => apply(lines, checkpoint));
    },

    async load(columns) {
      if (readOnly) throw new TillstreamError('conflict', 'This opening of the order store only looks up.');
      let replaced = 0;
      for (const group of composeGroups(columns, LOAD_BYTES)) {
        for (let next = 0; next < group.length; ) {
          const settled = inTurn(() => settle(columns, group, next));
          replaced += settled.replaced;
          next = settled.next;
          await nextTurn(); // what comes next may be read meanwhile
        }
      }
      return { replaced };
    },

    async checkpoint() {
      return readMeta().checkpoint;
    },

    async isNew() {
      return readMeta() === EMPTY_META;
    },

    async replaced() {
      return readMeta().replaced;
    },

    async invoice(invoiceNo, view = 'all') {
      if (!isText(invoiceNo, lineLimits.invoiceNoBytesMax)) return null;
      readLatest(environment);
      return documentOf(peek(databases, invoices, Buffer.from(invoiceNo)), view);
    },

    async customer(customerId, view = 'all') {
      return profileOf(databases, customerId, view);
    },

    async history(customerId, page, view = 'all') {
      return pageOf(databases, customerId, page, view);
    },

    digest: () => digestOrders(databases, () => readMeta().replaced),

    async close() {
      await environment.close();
    },
  };
}

interface Settled extends ApplyResult {
  /** Of the group, where to go on. */
  readonly next: number;
}

function documentOf(bytes: Buffer | undefined, view: View): InvoiceDocument | null {
  if (bytes === undefined) return null;
  const stored = new StoredInvoice(bytes);
  return { customerId: stored.customerId, json: Buffer.from(documentIn(stored, view)) };
}
