// Reads every line of the LMDB order store, for `verify`: digests by day, and each header held against its lines.
//
// Yields every few milliseconds, and keeps no snapshot meanwhile: LMDB could reuse no page until it were let go.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DigestBuilder } from '../../model/digest.ts';
import { headerOf } from '../../model/invoice.ts';
import type { AcceptedLine } from '../../model/line.ts';
import { type BinaryDatabase, type Environment, readLatest } from '../lmdb-environment.ts';
import { openDocument } from './invoice-draft.ts';
import type { OrdersDigest } from './order-store.ts';
import { historyKey, invoiceNoOfKey } from './purchase-history.ts';
import { StoredInvoice } from './stored-invoice.ts';

export interface OrdersDatabases {
  readonly environment: Environment;
  readonly invoices: BinaryDatabase;
  readonly history: BinaryDatabase;
}

/** Copied at once: 40 MB if all of them had 10,000 lines. */
const INVOICES_AT_ONCE = 16;
/** A look-up in the same thread waits no longer than this. */
const TURN_MS_MAX = 4;

export async function digestOrders(databases: OrdersDatabases, replaced: () => number): Promise<OrdersDigest> {
  const digest = new DigestBuilder();
  const pause = pauses();
  let invoices = 0;
  let named = 0;
  let wrongHeader: string | null = null;
  for (let after: Buffer | null = null; ; ) {
    const some = nextInvoices(databases, after);
    for (const { stored, listed } of some) {
      const lines: AcceptedLine[] = [];
      for (const line of stored.lines()) {
        const accepted = line.toLine();
        digest.add(accepted);
        lines.push(accepted);
        if (pause.due()) await pause.turn();
      }
      invoices += 1;
      if (stored.customerId !== null) named += 1;
      if (!listed || !isRight(stored, lines)) wrongHeader ??= lines[0]?.invoiceNo ?? 'unknown';
    }
    const last = some.at(-1);
    if (last === undefined) break;
    after = last.key;
  }
  readLatest(databases.environment);
  if (databases.history.getKeysCount() !== named) wrongHeader ??= findStray(databases);
  return { days: digest.days(), invoices, replaced: replaced(), wrongHeader };
}

interface Found {
  readonly key: Buffer;
  readonly stored: StoredInvoice;
  /** It stands where it should in the purchase history. */
  readonly listed: boolean;
}

/** Invoices and their places in the history as they are at one moment. */
function nextInvoices({ environment, invoices, history }: OrdersDatabases, after: Buffer | null): Found[] {
  readLatest(environment);
  const start = after === null ? {} : { start: after, exclusiveStart: true };
  const found = [...invoices.getRange({ ...start, limit: INVOICES_AT_ONCE })];
  return found.map(({ key, value }) => {
    const stored = new StoredInvoice(value);
    const { customerId, invoiceDate } = stored;
    const invoiceNo = Buffer.from(key).toString('utf8');
    const listed = customerId === null || history.doesExist(historyKey(customerId, invoiceDate, invoiceNo));
    return { key: Buffer.from(key), stored, listed };
  });
}

function isRight(stored: StoredInvoice, lines: readonly AcceptedLine[]): boolean {
  const header = headerOf(lines);
  const named = lines.flatMap(({ customerId }) => customerId ?? []);
  return (
    stored.namesSeveral === named.some((customerId) => customerId !== header.customerId) &&
    stored.opening === openDocument(header) &&
    stored.customerId === header.customerId &&
    stored.invoiceDate === header.invoiceDate
  );
}

/** An invoice that stands in a history where it does not belong; null when the numbers only moved meanwhile. */
function findStray({ invoices, history }: OrdersDatabases): string | null {
  for (const key of history.getKeys()) {
    const invoiceNo = invoiceNoOfKey(key);
    const bytes = invoices.getBinary(Buffer.from(invoiceNo));
    const stored = bytes === undefined ? null : new StoredInvoice(bytes);
    const customerId = stored?.customerId ?? null;
    if (stored === null || customerId === null) return invoiceNo;
    if (!historyKey(customerId, stored.invoiceDate, invoiceNo).equals(key)) return invoiceNo;
  }
  return null;
}

/** Of work that lets others go first, each so long. */
export function pauses(): { due(): boolean; turn(): Promise<void> } {
  let until = performance.now() + TURN_MS_MAX;
  return {
    due: () => performance.now() > until,
    async turn() {
      await nextTurn();
      until = performance.now() + TURN_MS_MAX;
    },
  };
}
