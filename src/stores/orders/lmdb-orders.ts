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
import { type Composed, InvoiceComposer } from './compose-invoice.ts';
import { lineAt, textAt } from './line-columns.ts';
import { digestOrders, type OrdersDatabases } from './lmdb-orders-digest.ts';
import { pageOf, profileOf } from './lmdb-orders-history.ts';
import { mergeInvoice } from './merge-invoice.ts';
import type { ApplyResult, InvoiceDocument, LineColumns, OrderStore, View } from './order-store.ts';
import { documentIn } from './own-view.ts';
import { historyKey } from './purchase-history.ts';
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
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/;

export interface LmdbOrdersOptions {
  readonly directory: string;
  /** For a thread that only looks up: apply() and load() are refused. */
  readonly readOnly?: boolean;
  /** Where several threads write. */
  readonly turns?: WriterTurns;
}

/** Of values in one transaction of load(): others wait for it some tens of milliseconds. */
const LOAD_BYTES = 4 * 2 ** 20;

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

  /** What was composed for invoices that are new; those that are not after all are merged. */
  const settle = (composed: readonly ComposedGroup[], columns: LineColumns): ApplyResult => {
    const before = readMeta();
    const changes = composed.flatMap(({ start, end, invoice }) => {
      const isNew = invoice !== null && !invoices.doesExist(Buffer.from(invoice.invoiceNo));
      return isNew ? [changeOf(invoice)] : changesOf(databases, linesAt(columns, start, end));
    });
    return write(changes, before, undefined);
  };

  return {
    async apply(lines, checkpoint) {
      if (readOnly) throw new TillstreamError('conflict', 'This opening of the order store only looks up.');
      return inTurn(() => apply(lines, checkpoint));
    },

    async load(columns) {
      if (readOnly) throw new TillstreamError('conflict', 'This opening of the order store only looks up.');
      let replaced = 0;
      for (const composed of composeGroups(columns, LOAD_BYTES)) {
        replaced += inTurn(() => settle(composed, columns)).replaced;
        await nextTurn(); // what comes next may be read meanwhile
      }
      return { replaced };
    },

    async checkpoint() {
      return readMeta().checkpoint;
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

interface Change {
  readonly replaced: number;
  readonly invoiceKey: Buffer;
  readonly value: Buffer;
  /** Key of the history that the invoice is no longer at. */
  readonly left: Buffer | null;
  /** Key of the history that it is at from now on. */
  readonly entered: Buffer | null;
}

/** @throws invoice_too_large, unusable_record */
function changesOf(databases: OrdersDatabases, lines: readonly AcceptedLine[]): Change[] {
  const { invoices } = databases;
  const byInvoice = new Map<string, AcceptedLine[]>();
  for (const line of lines) {
    assertStorable(line);
    const group = byInvoice.get(line.invoiceNo);
    if (group === undefined) byInvoice.set(line.invoiceNo, [line]);
    else group.push(line);
  }
  const changes: Change[] = [];
  for (const [invoiceNo, group] of byInvoice) {
    const invoiceKey = Buffer.from(invoiceNo);
    const bytes = peek(databases, invoices, invoiceKey);
    const stored = bytes === undefined ? null : new StoredInvoice(bytes);
    const merged = mergeInvoice(stored, group);
    if (merged === null) continue;
    const { header, value, replaced } = merged;
    if (header.lineCount > lineLimits.linesPerInvoiceMax) throw tooLarge(header.invoiceNo, header.lineCount);
    const was = stored === null ? null : placeOf(invoiceNo, stored.customerId, stored.invoiceDate);
    const is = placeOf(invoiceNo, header.customerId, header.invoiceDate);
    const stays = was !== null && is !== null && was.equals(is);
    changes.push({ replaced, invoiceKey, value, left: stays ? null : was, entered: stays ? null : is });
  }
  return changes;
}

interface ComposedGroup {
  readonly start: number;
  /** After its last line. */
  readonly end: number;
  /** null: its lines have to be put in order first. */
  readonly invoice: Composed | null;
}

/** The invoices of the columns, in groups of so many bytes. */
function* composeGroups(columns: LineColumns, bytesMax: number): Generator<ComposedGroup[]> {
  const composer = new InvoiceComposer(columns);
  const { codes } = columns.invoiceNo;
  let group: ComposedGroup[] = [];
  let bytes = 0;
  for (let start = 0, end = 0; start < columns.count; start = end) {
    let isOrdered = true;
    for (end = start + 1; end < columns.count && codes[end] === codes[start]; end += 1) {
      isOrdered &&= textAt(columns.lineId, end - 1) < textAt(columns.lineId, end);
    }
    if (end - start > lineLimits.linesPerInvoiceMax) throw tooLarge(textAt(columns.invoiceNo, start), end - start);
    const invoice = isOrdered ? composer.compose(start, end) : null;
    group.push({ start, end, invoice });
    bytes += invoice?.value.length ?? 0;
    if (bytes < bytesMax) continue;
    yield group;
    group = [];
    bytes = 0;
  }
  if (group.length > 0) yield group;
}

function linesAt(columns: LineColumns, start: number, end: number): AcceptedLine[] {
  return Array.from({ length: end - start }, (_, index) => lineAt(columns, start + index));
}

function changeOf({ invoiceNo, customerId, invoiceDate, value }: Composed): Change {
  const entered = placeOf(invoiceNo, customerId, invoiceDate);
  return { replaced: 0, invoiceKey: Buffer.from(invoiceNo), value, left: null, entered };
}

function placeOf(invoiceNo: string, customerId: string | null, invoiceDate: string): Buffer | null {
  return customerId === null ? null : historyKey(customerId, invoiceDate, invoiceNo);
}

function tooLarge(invoiceNo: string, lineCount: number): TillstreamError {
  const max = lineLimits.linesPerInvoiceMax;
  return new TillstreamError(
    'invoice_too_large',
    `Invoice ${invoiceNo} would have ${lineCount} lines; ${max} are kept.`,
  );
}

/** What keys and the layout rely on: a record that was tampered with must not get further than its quarantine. */
function assertStorable(line: AcceptedLine): void {
  const storable =
    isText(line.invoiceNo, lineLimits.invoiceNoBytesMax) &&
    isText(line.lineId, lineLimits.lineIdBytesMax) &&
    (line.customerId === null || isText(line.customerId, lineLimits.customerIdBytesMax)) &&
    DATE.test(line.invoiceDate);
  if (storable) return;
  const which = `Line ${line.lineId} of invoice ${line.invoiceNo}`.slice(0, 200);
  throw new TillstreamError(
    'unusable_record',
    `${which} in record ${line.sequence} is not a line as ingest writes it.`,
  );
}

function isText(text: string, lengthMax: number): boolean {
  return text !== '' && text.length <= lengthMax && !text.includes('\u0000');
}

function documentOf(bytes: Buffer | undefined, view: View): InvoiceDocument | null {
  if (bytes === undefined) return null;
  const stored = new StoredInvoice(bytes);
  return { customerId: stored.customerId, json: Buffer.from(documentIn(stored, view)) };
}
