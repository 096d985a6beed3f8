// What tests of the client share: small CSV files, and a platform of a few lines that answers as the contract says
// (DESIGN: POST /v1/transactions) and breaks when told to. It is a real HTTP server: connections drop for real.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Line {
  readonly InvoiceNo: string;
  readonly StockCode: string;
  readonly LineNo: number | string;
  readonly [column: string]: unknown;
}

/** What happens to a request instead of an answer; `stored-then-dropped` keeps the lines first. */
export type Fault =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: unknown }
  | 'dropped'
  | 'stored-then-dropped';

export interface PlatformOptions {
  /** Asked for every request, numbered from 1; null: none. */
  readonly fault?: (request: number, lines: readonly Line[]) => Fault | null;
  /** Why a line is refused; null: it is not. `try_again`: not stored, may be sent again. */
  readonly refuse?: (line: Line) => { code: string; field: string; value: string; message: string } | null;
  readonly delayMs?: () => number;
  /** Which data it has. */
  readonly streamId?: string;
}

export class Platform {
  /** In the order in which they came; a line sent twice is there twice. */
  readonly stored: Line[] = [];
  /** Of lines. */
  readonly requests: { readonly headers: IncomingMessage['headers']; readonly lines: number }[] = [];
  readonly #options: PlatformOptions;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  constructor(options: PlatformOptions = {}) {
    this.#options = options;
  }

  /** @param port 0: any */
  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return this.url;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** `536365-1`, each once. */
  identities(): Set<string> {
    return new Set(this.stored.map(identity));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    if (request.url?.endsWith('/v1/stream')) {
      const id = this.#options.streamId ?? 'stream-1';
      return respond(response, 200, { id, newest: null, served: null, replaced: 0 });
    }
    const text = Buffer.concat(chunks).toString();
    const isBatch = request.headers['content-type'] === 'application/x-ndjson';
    const lines = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);
    this.requests.push({ headers: request.headers, lines: lines.length });
    const delayMs = this.#options.delayMs?.() ?? 0;
    const fault = this.#options.fault?.(this.requests.length, lines) ?? null;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    if (fault === 'dropped') return void request.socket.destroy();
    if (fault !== null && fault !== 'stored-then-dropped') {
      return respond(response, fault.status, fault.body ?? { code: 'unavailable', detail: 'Not now.' }, fault.headers);
    }
    const errors = this.#store(lines);
    if (fault === 'stored-then-dropped') return void request.socket.destroy();
    if (!isBatch && errors[0] !== undefined) {
      const { message, ...error } = errors[0];
      return respond(response, 422, { ...error, status: 422, title: 'Refused', detail: message });
    }
    const counts = { accepted: lines.length - errors.length, rejected: errors.length };
    if (!isBatch) return respond(response, 202, { ...counts, lines: [], errors });
    const rejectedLines = errors.map(({ index }) => [index + 1, index + 1]);
    respond(response, 202, {
      ...counts,
      firstSequence: '1',
      lastSequence: '2',
      rejectedLines: merged(rejectedLines as [number, number][]),
      errors: errors.slice(0, 100),
    });
  }

  #store(lines: readonly Line[]) {
    const errors = [];
    for (const [index, line] of lines.entries()) {
      const refusal = this.#options.refuse?.(line) ?? null;
      if (refusal === null) this.stored.push(line);
      else errors.push({ index, ...refusal });
    }
    return errors;
  }
}

function respond(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(text);
}

function merged(ranges: readonly [number, number][]): [number, number][] {
  const result: [number, number][] = [];
  for (const [from, to] of ranges) {
    const last = result.at(-1);
    if (last !== undefined && last[1] + 1 === from) last[1] = to;
    else result.push([from, to]);
  }
  return result;
}

export function identity(line: Line): string {
  return `${line.InvoiceNo}-${line.LineNo}`;
}

export const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';

export interface ShopRow {
  readonly invoiceNo: string;
  readonly stockCode: string;
}

/** A CSV of these rows, in their order. */
export function csvOf(rows: readonly ShopRow[]): string {
  const lines = rows.map(
    ({ invoiceNo, stockCode }) => `${invoiceNo},${stockCode},"A ""MUG"", BLUE",2,12/1/2010 8:26,2.55,17850,France`,
  );
  return `${[HEADER, ...lines].join('\r\n')}\r\n`;
}

/** Invoices of uneven sizes, some of them not together; the stock code is the number of the row. */
export function shopRows(count: number, random: () => number): ShopRow[] {
  const rows: ShopRow[] = [];
  let invoice = 500_000;
  while (rows.length < count) {
    const size = 1 + Math.floor(random() ** 4 * 80);
    invoice += 1;
    const again = random() < 0.1 ? invoice - 1 - Math.floor(random() * 5) : invoice;
    for (let line = 0; line < size && rows.length < count; line += 1) {
      rows.push({ invoiceNo: String(again), stockCode: `S${rows.length + 1}` });
    }
  }
  return rows;
}

/** Repeatable; a failing test prints its seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
