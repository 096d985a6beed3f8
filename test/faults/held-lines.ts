// What the stores hold, read the way their users do, and compared with what tills remember.
import { expect } from 'vitest';
import type { Platform } from '../support/platform.ts';
import type { Remembered, SentLine, Till } from './till.ts';

/** A line as a store gives it, as text. */
type Held = Map<string, string>;

/**
 * Fails unless all stores agree and hold every acknowledged line, in its newest acknowledged form, once. A form without an
 * answer may be there instead.
 */
export async function expectHeld(platform: Platform, tills: readonly Till[]): Promise<void> {
  const report = await platform.verify();
  expect(report.stores).toMatchObject([{ agrees: true }, { agrees: true }, { agrees: true }]);
  const memory = new Map(tills.flatMap((till) => [...till.memory]));
  const [warehouse, orders] = await Promise.all([heldByWarehouse(platform), heldByOrders(platform, memory)]);
  expectNothingWrong('warehouse', wrongIn(warehouse, memory, warehouseText));
  expectNothingWrong('orders', wrongIn(orders, memory, orderText));
  // The lake, which verify compared by a hash of every line, in the shop's own figures.
  const [lake] = report.stores;
  expect(lake?.lines).toBe(warehouse.size);
  if ([...memory.values()].some(({ unanswered }) => unanswered !== null)) return;
  let revenueE4 = 0;
  for (const { acknowledged } of memory.values()) {
    revenueE4 += (acknowledged?.Quantity ?? 0) * Math.round((acknowledged?.UnitPrice ?? 0) * 10_000);
  }
  expect(Math.round(Number(lake?.revenue) * 10_000)).toBe(revenueE4);
}

function wrongIn(held: Held, memory: ReadonlyMap<string, Remembered>, text: (line: SentLine) => string): string[] {
  const wrong: string[] = [];
  for (const [key, { acknowledged, unanswered }] of memory) {
    const found = held.get(key);
    const allowed = [acknowledged, unanswered].flatMap((form) => (form === null ? [] : [text(form)]));
    if (found === undefined && acknowledged === null) continue;
    if (found === undefined) wrong.push(`${key} was acknowledged and is missing`);
    else if (!allowed.includes(found)) wrong.push(`${key} is ${found}; expected ${allowed.join(' or ')}`);
  }
  for (const key of held.keys()) if (!memory.has(key)) wrong.push(`${key} was never sent`);
  return wrong;
}

function expectNothingWrong(store: string, wrong: readonly string[]): void {
  expect(wrong.slice(0, 10), `${wrong.length} lines in ${store}`).toEqual([]);
}

const PAGE_ROWS = 10_000;

async function heldByWarehouse(platform: Platform): Promise<Held> {
  const held: Held = new Map();
  for (;;) {
    const rows = await platform.select(
      `SELECT invoice_no || ' ' || line_id, stock_code, description, quantity, unit_price, customer_id, country,
         strftime(invoice_date, '%Y-%m-%dT%H:%M:%S')
       FROM sales ORDER BY invoice_no, line_id LIMIT ${PAGE_ROWS} OFFSET ${held.size}`,
    );
    for (const [key, stockCode, description, quantity, unitPrice, ...others] of rows) {
      // A page begins where the one before ended only if no line is there twice.
      if (held.has(String(key))) throw new Error(`${key} is twice in the warehouse`);
      held.set(String(key), [stockCode, description, Number(quantity), Number(unitPrice), ...others].join('|'));
    }
    if (rows.length < PAGE_ROWS) return held;
  }
}

function warehouseText(line: SentLine): string {
  return [orderText(line), line.CustomerID, line.Country, line.InvoiceDate].join('|');
}

const LOOK_UPS_AT_ONCE = 16;

interface InvoiceBody {
  readonly total: number;
  readonly lineCount: number;
  readonly lines: readonly {
    readonly lineId: string;
    readonly stockCode: string;
    readonly description: string;
    readonly quantity: number;
    readonly unitPrice: number;
    readonly amount: number;
  }[];
}

async function heldByOrders(platform: Platform, memory: ReadonlyMap<string, Remembered>): Promise<Held> {
  const held: Held = new Map();
  const invoices = [...new Set([...memory.keys()].map((key) => key.split(' ', 1)[0] ?? ''))].values();
  const lookUp = async (): Promise<void> => {
    for (const invoiceNo of invoices) {
      const { status, body } = await platform.get(`/v1/invoices/${invoiceNo}`);
      if (status === 404) continue;
      const { lines, lineCount, total } = body as InvoiceBody;
      let totalE4 = 0;
      for (const { lineId, stockCode, description, quantity, unitPrice, amount } of lines) {
        const key = `${invoiceNo} ${lineId}`;
        if (held.has(key)) throw new Error(`${key} is twice in the order store`);
        held.set(key, [stockCode, description, quantity, unitPrice].join('|'));
        totalE4 += Math.round(amount * 10_000);
      }
      expect({ lineCount, totalE4: Math.round(total * 10_000) }, invoiceNo).toEqual({
        lineCount: lines.length,
        totalE4,
      });
    }
  };
  await Promise.all(Array.from({ length: LOOK_UPS_AT_ONCE }, lookUp));
  return held;
}

function orderText({ StockCode, Description, Quantity, UnitPrice }: SentLine): string {
  return [StockCode, Description, Quantity, UnitPrice].join('|');
}
