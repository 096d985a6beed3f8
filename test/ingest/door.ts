// A real server with the ingest routes over a real stream, in a fresh directory, on a port of its own; and a client that
// sends exactly what it is told to.
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monotonicFactory } from 'ulid';
import { Admission, type AdmissionLimits } from '../../src/ingest/admission.ts';
import { type AcceptedLineId, Ingest, type LineError } from '../../src/ingest/ingest.ts';
import { ingestRoutes } from '../../src/ingest/routes.ts';
import { createClock } from '../../src/model/clock.ts';
import type { AcceptedLine } from '../../src/model/line.ts';
import { parseRecord } from '../../src/model/record.ts';
import { createServer } from '../../src/platform/server.ts';
import type { EventStream, StreamRecord } from '../../src/stream/event-stream.ts';
import { Head } from '../../src/stream/head.ts';
import { type LmdbStream, openLmdbStream } from '../../src/stream/lmdb-stream.ts';

const MIB = 2 ** 20;

export interface DoorOptions {
  readonly limits?: Partial<AdmissionLimits>;
  readonly streamBytesMax?: number;
  readonly timeZone?: string;
  /** Puts a fault around the stream. */
  readonly around?: (stream: LmdbStream) => EventStream;
}

interface AnswerBody {
  readonly code: string;
  readonly lines: readonly AcceptedLineId[];
  readonly errors: readonly LineError[];
  readonly firstSequence: string | null;
  readonly lastSequence: string | null;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body, as that of an answer with lines or counts; of a problem document, the code alone is of use. */
  readonly json: AnswerBody;
}

export interface Post {
  readonly headers?: Readonly<Record<string, string>>;
  /** Without a Content-Length, in several pieces. */
  readonly chunked?: boolean;
}

export interface Door {
  readonly port: number;
  readonly stream: LmdbStream;
  readonly admission: Admission;
  readonly ingest: Ingest;
  /** Errors that were not a client's. */
  readonly errors: unknown[];
  /** A body of a string or bytes goes as it is, without a Content-Type; anything else as JSON with one. */
  post(body: unknown, how?: Post): Promise<Answer>;
  ndjson(body: string | Buffer, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** What is on the stream. */
  records(): Promise<StreamRecord[]>;
  lines(): Promise<AcceptedLine[]>;
  close(): Promise<void>;
}

export async function openDoor(options: DoorOptions = {}): Promise<Door> {
  const directory = await mkdtemp(path.join(tmpdir(), 'tillstream-ingest-'));
  const clock = createClock();
  const newId = monotonicFactory();
  const bytesMax = options.streamBytesMax ?? 1024 * MIB;
  const stream = await openLmdbStream({
    directory: path.join(directory, 'stream'),
    head: new Head(),
    clock,
    newId,
    bytesMax,
  });
  const limits = { bodyBytesInFlightMax: 64 * MIB, requestsInFlightMax: 1000, diskReserveBytes: 0 };
  const admission = new Admission(directory, { ...limits, ...options.limits }, stream);
  await admission.open();
  const around = options.around?.(stream) ?? stream;
  const ingest = new Ingest({ stream: around, clock, newLineId: newId, timeZone: options.timeZone ?? 'UTC' });
  const errors: unknown[] = [];
  const server = createServer({ onError: (error) => errors.push(error) });
  ingestRoutes(server, ingest, admission);
  await server.listen({ host: '127.0.0.1', port: 0 });
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  const { port } = address;

  const post: Door['post'] = (body, { headers = {}, chunked = false } = {}) => {
    const raw = typeof body === 'string' || Buffer.isBuffer(body);
    const type = raw ? {} : { 'content-type': 'application/json' };
    const data = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    return send(port, data, { ...type, ...headers }, chunked);
  };
  const records: Door['records'] = () => stream.read(null, { recordsMax: 1e6, bytesMax: 1e9 });

  return {
    port,
    stream,
    admission,
    ingest,
    errors,
    post,
    ndjson: (body, headers) => post(body, { headers: { 'content-type': 'application/x-ndjson', ...headers } }),
    records,
    lines: async () => (await records()).flatMap(({ sequence, data }) => parseRecord(sequence, data)),
    async close() {
      admission.close();
      await server.close();
      await stream.close();
      await rm(directory, { recursive: true });
    },
  };
}

function send(port: number, data: Buffer, headers: Record<string, string>, chunked: boolean): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = chunked ? {} : { 'content-length': String(data.length) };
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        method: 'POST',
        path: '/v1/transactions',
        headers: { ...length, ...headers },
        agent: false,
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: JSON.parse(text) });
        });
      },
    );
    sent.on('error', reject);
    if (!chunked) {
      sent.end(data);
      return;
    }
    for (let start = 0; start < data.length; start += 65_536) sent.write(data.subarray(start, start + 65_536));
    sent.end();
  });
}

export const LINE = {
  InvoiceNo: '536365',
  LineNo: 1,
  StockCode: '85123A',
  Description: 'WHITE HANGING HEART T-LIGHT HOLDER',
  Quantity: 6,
  InvoiceDate: '12/1/2010 8:26',
  UnitPrice: 2.55,
  CustomerID: '17850',
  Country: 'United Kingdom',
};

/** Lines of one invoice, numbered from 1. */
export function linesOf(count: number, changed: object = {}): object[] {
  return Array.from({ length: count }, (_, index) => ({ ...LINE, LineNo: index + 1, ...changed }));
}

export function ndjsonOf(lines: readonly unknown[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** What a sender needs to know: status, when to come back, and why. */
export function refusal({ status, headers, json }: Answer): object {
  return { status, retryAfter: headers['retry-after'], ...json };
}
