// The order store in one LMDB environment, for a single machine.
//
// An invoice is one value (stored-invoice.ts), a purchase history a range of keys (purchase-history.ts). A value, its
// place in the history, the count of corrections and the checkpoint change in one transaction, which is on disk when
// apply() resolves. One opening writes, and computes before its transaction, so that no lock waits for JavaScript; any
// number of openings, in any thread, look up what is committed. Not replicated: see dynamodb-orders.ts.
import type { Checkpoint } from '../../model/checkpoint.ts';
import { TillstreamError } from '../../model/errors.ts';
import { type InvoiceHeader, isAdjustment } from '../../model/invoice.ts';
import { type AcceptedLine, lineLimits } from '../../model/line.ts';
import {
  durablyNow,
  openDatabase,
  openEnvironment,
  peek,
  reading,
  readLatest,
  type Transaction,
} from '../lmdb-environment.ts';
import { digestOrders, type OrdersDatabases, pauses } from './lmdb-orders-digest.ts';
import { mergeInvoice } from './merge-invoice.ts';
import type { ApplyResult, CustomerProfile, HistoryPage, InvoiceDocument, OrderStore } from './order-store.ts';
import { decodeCursor, encodeCursor, historyKey, historyRange, invoiceNoOfKey } from './purchase-history.ts';
import { StoredInvoice } from './stored-invoice.ts';

/** What belongs to the store as a whole. */
interface Meta {
  readonly replaced: number;
  readonly checkpoint: Checkpoint | null;
}

/** The key says it all; a header beside it would be written again with every line of its invoice. */
const NOTHING = Buffer.alloc(0);
const META_KEY = Buffer.from('meta');
const EMPTY_META: Meta = { replaced: 0, checkpoint: null };
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/;

/**
 * Opens the store in `directory`, making it if need be.
 * @param options.readOnly for a thread that only looks up: apply() is refused
 * @throws directory_not_writable, unavailable
 */
export function openLmdbOrders({ directory, readOnly = false }: { directory: string; readOnly?: boolean }): OrderStore {
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
    const changes = changesOf(databases, lines);
    let replaced = 0;
    for (const change of changes) replaced += change.replaced;
    const after = { replaced: before.replaced + replaced, checkpoint: checkpoint ?? before.checkpoint };
    if (changes.length === 0 && checkpoint === undefined) return { replaced };
    const bytes = changes.reduce((sum, { value }) => sum + value.length, 0);
    const write = (): void => {
      for (const { invoiceKey, value, left, entered } of changes) {
        invoices.put(invoiceKey, value);
        if (left !== null) history.remove(left);
        if (entered !== null) history.put(entered, NOTHING);
      }
      meta.put(META_KEY, Buffer.from(JSON.stringify(after)));
    };
    durablyNow(environment, write, bytes);
    return { replaced };
  };

  return {
    async apply(lines, checkpoint) {
      if (readOnly) throw new TillstreamError('conflict', 'This opening of the order store only looks up.');
      return apply(lines, checkpoint);
    },

    async checkpoint() {
      return readMeta().checkpoint;
    },

    async replaced() {
      return readMeta().replaced;
    },

    async invoice(invoiceNo) {
      if (!isText(invoiceNo, lineLimits.invoiceNoBytesMax)) return null;
      readLatest(environment);
      return documentOf(peek(databases, invoices, Buffer.from(invoiceNo)));
    },

    async customer(customerId) {
      return profileOf(databases, customerId);
    },

    async history(customerId, page) {
      return pageOf(databases, customerId, page);
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

function documentOf(bytes: Buffer | undefined): InvoiceDocument | null {
  if (bytes === undefined) return null;
  const stored = new StoredInvoice(bytes);
  return { customerId: stored.customerId, json: Buffer.from(stored.document) };
}

/** Read in the same moment as the key. */
function headerAt(databases: OrdersDatabases, key: Uint8Array, transaction?: Transaction): InvoiceHeader {
  const invoiceNo = invoiceNoOfKey(key);
  const bytes = peek(databases, databases.invoices, Buffer.from(invoiceNo), transaction);
  if (bytes === undefined) throw new Error(`Invoice ${invoiceNo} stands in a history, but is not there`);
  return new StoredInvoice(bytes).header;
}

/**
 * Yields every few milliseconds: a customer may have a hundred thousand invoices. All of it is as of one moment, which the
 * transaction keeps: an invoice that changed its date meanwhile would be counted twice, or not at all.
 */
async function profileOf(databases: OrdersDatabases, customerId: string): Promise<CustomerProfile | null> {
  const { environment, history } = databases;
  const range = historyRange(customerId);
  if (range === null) return null;
  readLatest(environment);
  const transaction = environment.useReadTransaction();
  const pause = pauses();
  let earliest: string | null = null;
  let latest = '';
  let country = '';
  let firstPurchase: string | null = null;
  let lastPurchase: string | null = null;
  let purchases = 0;
  let cancellations = 0;
  let spentE4 = 0n;
  try {
    for (const key of history.getKeys({ start: range.first, end: range.last, transaction })) {
      const header = headerAt(databases, key, transaction);
      earliest ??= header.invoiceDate;
      latest = header.invoiceDate;
      country = header.country;
      spentE4 += header.totalE4;
      if (pause.due()) await pause.turn();
      if (header.cancellation) cancellations += 1;
      if (header.cancellation || isAdjustment(header.invoiceNo)) continue;
      purchases += 1;
      firstPurchase ??= header.invoiceDate;
      lastPurchase = header.invoiceDate;
    }
  } finally {
    transaction.done();
  }
  if (earliest === null) return null;
  return {
    customerId,
    country,
    firstPurchase: firstPurchase ?? earliest,
    lastPurchase: lastPurchase ?? latest,
    invoices: purchases,
    cancellations,
    spentE4,
  };
}

function pageOf(
  databases: OrdersDatabases,
  customerId: string,
  { limit, cursor }: { readonly limit: number; readonly cursor: string | null },
): HistoryPage {
  const after = cursor === null ? null : decodeCursor(customerId, cursor);
  const { environment, history } = databases;
  const range = historyRange(customerId);
  if (range === null) return { invoices: [], next: null };
  readLatest(environment);
  const page: InvoiceHeader[] = [];
  for (const key of history.getKeys({ start: after ?? range.last, end: range.first, reverse: true })) {
    if (after?.equals(key)) continue;
    const last = page.at(-1);
    if (last !== undefined && page.length === limit) return { invoices: page, next: encodeCursor(last) };
    page.push(headerAt(databases, key));
  }
  return { invoices: page, next: null };
}
