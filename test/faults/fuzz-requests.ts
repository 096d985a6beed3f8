// Requests that nobody should send, by the roll of dice: the bytes of each, from its first to its last.
import { gzipSync } from 'node:zlib';
import type { Dice } from '../support/seed.ts';
import { line } from './lines.ts';

export interface FuzzedRequest {
  readonly kind: string;
  readonly bytes: Buffer;
  /** Whether the server has all of a request, and so must answer; otherwise it may wait for more, or hang up. */
  readonly whole: boolean;
}

interface Parts {
  method?: string;
  path?: string;
  headers?: readonly string[];
  body?: Buffer | string;
}

const ROUTES = [
  'POST /v1/transactions',
  'GET /v1/invoices/536365',
  'GET /v1/invoices',
  'GET /v1/customers/17850',
  'GET /v1/customers/17850/invoices',
  'POST /v1/customers/17850/tokens',
  'GET /v1/analytics/sales',
  'GET /v1/analytics/products',
  'GET /v1/analytics/invoices',
  'POST /v1/query',
  'GET /v1/quarantine',
  'POST /v1/quarantine/orders-1/redrive',
  'DELETE /v1/quarantine/orders-1',
  'POST /v1/keys',
  'GET /v1/keys',
  'DELETE /v1/keys/none',
  'GET /v1/status',
  'GET /healthz',
] as const;

const FIELDS = [
  'InvoiceNo',
  'LineNo',
  'LineId',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
  '__proto__',
  'constructor',
  'toString',
  '',
];
const NUMBERS = [
  '0',
  '-0',
  '1e308',
  '1e309',
  '-1e400',
  '9007199254740993',
  '1e-400',
  '0.1e1',
  '12345678901234567890123456789',
  '1.00005',
  'NaN',
  '-',
  '01',
  '1e',
  '0x10',
];
const TEXTS = [
  '',
  ' ',
  '\u0000',
  '\ud800',
  '\u202e',
  '😀'.repeat(50),
  'a'.repeat(70_000),
  '../../etc/passwd',
  '%s%n',
  "' OR 1=1 --",
  '1/1/99999 1:1',
  '2011-02-30T00:00:00',
  '2011-13-01',
  '[]',
  '{}',
  'null',
];
const PATHS = [
  '/..',
  '/%2e%2e/%2e%2e/etc/passwd',
  '//v1//status',
  '/v1/invoices/%00',
  '/v1/invoices/%',
  '/v1/invoices/%ff%fe',
  '/v1/invoices/..%2f..%2f',
  '/v1/customers/__proto__/invoices?cursor=AAAA',
  '/v1/customers/1/invoices?limit=-1&limit=2',
  '/v1/analytics/sales?by[]=day&by=hour',
  '/v1/analytics/sales?from=9999-99-99&to=%F0%9F%98%80',
  '/v1/analytics/products?limit=1e99',
  '/v1/invoices?invoiceNo',
  '/v1/quarantine?state=%00&after=%00',
  '*',
  'http://evil.example/v1/status',
  '/v1/status#x',
  '/\\..\\x',
  '/healthz?constructor=1',
];

/** Of a platform at `port`; with a valid key, a wrong one or none. */
export class Fuzzer {
  readonly #dice: Dice;
  readonly #port: number;
  readonly #keys: readonly string[];

  constructor(dice: Dice, port: number, keys: readonly string[]) {
    this.#dice = dice;
    this.#port = port;
    this.#keys = keys;
  }

  #int(min: number, max: number): number {
    return this.#dice.between(min, max);
  }

  #pick<T>(items: readonly [T, ...T[]] | readonly T[]): T {
    return items[this.#int(0, items.length - 1)] as T; // an item of a list that is never empty
  }

  next(): FuzzedRequest {
    const kinds = [
      () => this.#whole('wrong types', { body: this.#wrongLine() }),
      () => this.#whole('broken JSON', { body: this.#broken(this.#wrongLine()) }),
      () => this.#whole('deep nesting', { body: this.#nested() }),
      () => this.#whole('bytes for text', { body: this.#damaged(Buffer.from(this.#wrongLine())) }),
      () => this.#whole('NDJSON', { headers: ['Content-Type: application/x-ndjson'], body: this.#ndjson() }),
      () => this.#whole('gzip', this.#gzip()),
      () => this.#whole('any route', this.#anyRoute()),
      () =>
        this.#whole('path tricks', {
          method: this.#pick(['GET', 'POST', 'DELETE', 'PUT', 'OPTIONS', 'HEAD']),
          path: this.#path(),
        }),
      () => this.#whole('headers', { path: '/v1/status', method: 'GET', headers: this.#headers() }),
      () => this.#part('broken HTTP', this.#brokenHttp()),
      () => this.#part('noise', this.#noise()),
    ];
    return this.#pick(kinds)();
  }

  #whole(kind: string, { method = 'POST', path = '/v1/transactions', headers = [], body = '' }: Parts): FuzzedRequest {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body);
    const key = this.#pick(this.#keys);
    const head = [
      `${method} ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${this.#port}`,
      'Connection: close',
      ...(key === '' ? [] : [`Authorization: Bearer ${key}`]),
      ...headers,
      ...(method === 'GET' ? [] : [`Content-Length: ${bytes.length}`]),
    ];
    return {
      kind,
      whole: true,
      bytes: Buffer.concat([
        Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'),
        method === 'GET' ? Buffer.alloc(0) : bytes,
      ]),
    };
  }

  #part(kind: string, bytes: Buffer): FuzzedRequest {
    return { kind, whole: false, bytes };
  }

  /** Any JSON value, as text; numbers may be none. */
  #value(depth = 0): string {
    const kinds = [
      () => this.#pick(NUMBERS),
      () => JSON.stringify(this.#pick(TEXTS)),
      () => this.#pick(['null', 'true', 'false']),
      () => `[${Array.from({ length: this.#int(0, 3) }, () => this.#value(depth + 1)).join(',')}]`,
      () =>
        `{${Array.from({ length: this.#int(0, 3) }, () => `${JSON.stringify(this.#pick(FIELDS))}:${this.#value(depth + 1)}`).join(',')}}`,
    ];
    return (depth > 3 ? this.#pick(kinds.slice(0, 3)) : this.#pick(kinds))();
  }

  /** A good line with some of its fields replaced, missing, or there twice. */
  #wrongLine(): string {
    const fields = Object.entries(line('F1', this.#int(1, 20))).map(
      ([name, value]) => [name, JSON.stringify(value)] as const,
    );
    const wrong = Array.from({ length: this.#int(1, 3) }, () => [this.#pick(FIELDS), this.#value()] as const);
    const kept = fields.filter(
      ([name]) => this.#int(0, 9) > 0 && (this.#int(0, 1) > 0 || !wrong.some(([field]) => field === name)),
    );
    const text = `{${[...kept, ...wrong].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
    return this.#pick([text, text, `[${text},${text}]`, this.#value()]);
  }

  #broken(text: string): string {
    const at = this.#int(0, text.length);
    return this.#pick([
      text.slice(0, at),
      text.slice(at),
      text.slice(0, at) + text.slice(at + 1),
      `${text}${text}`,
      `\ufeff${text}`,
      text.replaceAll('"', "'"),
    ]);
  }

  #nested(): string {
    const depth = this.#pick([10, 1000, 100_000]);
    const [open, close] = this.#pick([
      ['[', ']'],
      ['{"a":', '}'],
    ] as const);
    return `{"InvoiceNo":"F1","extra":${open.repeat(depth)}1${close.repeat(this.#int(0, 1) === 0 ? depth : depth - 1)}}`;
  }

  #damaged(bytes: Buffer): Buffer {
    for (let count = this.#int(1, 5); count > 0 && bytes.length > 0; count -= 1) {
      bytes[this.#int(0, bytes.length - 1)] = this.#int(128, 255);
    }
    return bytes;
  }

  #ndjson(): Buffer | string {
    const good = JSON.stringify(line('F2', this.#int(1, 20)));
    const lines = Array.from({ length: this.#int(0, 30) }, () =>
      this.#pick([good, good, this.#wrongLine(), '', ' ', this.#broken(good)]),
    );
    return this.#pick([
      lines.join('\n'),
      lines.join('\r\n'),
      '\n'.repeat(200_000),
      this.#damaged(Buffer.from(lines.join('\n'))),
    ]);
  }

  #gzip(): Parts {
    const type = this.#pick(['application/json', 'application/x-ndjson']);
    // 30 MB of one byte take 30 kB: more than a body may be.
    const zipped = gzipSync(this.#int(0, 9) === 0 ? BOMB : Buffer.from(this.#wrongLine()), { level: 1 });
    const body = this.#pick([
      zipped,
      zipped,
      zipped.subarray(0, this.#int(0, zipped.length)),
      this.#damaged(Buffer.from(zipped)),
      gzipSync(zipped),
    ]);
    return {
      headers: [
        `Content-Type: ${type}`,
        `Content-Encoding: ${this.#pick(['gzip', 'gzip', 'gzip', 'br', 'deflate', 'gzip, gzip', ''])}`,
      ],
      body,
    };
  }

  #anyRoute(): Parts {
    const [method = '', path = ''] = this.#pick(ROUTES).split(' ');
    const type = this.#pick([
      'application/json',
      'text/plain',
      'application/xml',
      'multipart/form-data; boundary=x',
      '',
    ]);
    return {
      method,
      path: path + this.#query(),
      headers: [`Content-Type: ${type}`],
      body: this.#pick([
        this.#value(),
        this.#wrongLine(),
        `{"sql":${this.#value()}}`,
        `{"name":"x","scopes":${this.#value()}}`,
        '',
      ]),
    };
  }

  #query(): string {
    const names = [
      'by',
      'from',
      'to',
      'limit',
      'cursor',
      'country',
      'rank',
      'order',
      'invoiceNo',
      'state',
      'after',
      'constructor',
    ];
    const parameters = Array.from(
      { length: this.#int(0, 3) },
      () =>
        `${this.#pick(names)}=${encodeURIComponent(
          this.#pick([...TEXTS, ...NUMBERS])
            .slice(0, 300)
            .replaceAll(LONE_SURROGATES, ''),
        )}`,
    );
    return parameters.length === 0 ? '' : `?${parameters.join('&')}`;
  }

  #path(): string {
    return this.#pick([
      this.#pick(PATHS),
      `/${'a/'.repeat(this.#int(1, 4000))}`,
      `/v1/invoices/${'9'.repeat(this.#int(1, 10_000))}`,
      `/v1/${encodeURIComponent(this.#pick(TEXTS).slice(0, 300).replaceAll(LONE_SURROGATES, ''))}`,
    ]);
  }

  #headers(): string[] {
    return this.#pick([
      () => Array.from({ length: this.#int(1, 3000) }, (_, index) => `X-${index}: ${index}`),
      () => [`X-Long: ${'a'.repeat(this.#int(1, 20_000))}`],
      () => ['Host: evil.example'],
      () => ['Origin: null', 'X-Forwarded-For: 127.0.0.1', 'X-Forwarded-Host: evil.example'],
      () => ['Content-Length: 5', 'Content-Length: 6'],
      () => ['Transfer-Encoding: chunked', 'Content-Length: 5'],
      () => ['Authorization: Basic Zm9vOmJhcg==', 'X-Api-Key: ', 'Authorization: '],
      () => ['Expect: 100-continue'],
      () => ['Upgrade: websocket', 'Connection: Upgrade'],
      () => ['Idempotency-Key: ', `X-Tillstream-Source: ${'é'.repeat(50)}`],
    ])();
  }

  #brokenHttp(): Buffer {
    const { bytes } = this.#whole('', { body: this.#wrongLine() });
    const text = bytes.toString('latin1');
    return Buffer.from(
      this.#pick([
        text.replace('HTTP/1.1', this.#pick(['HTTP/9.9', 'HTTP/0.9', '', 'FTP'])),
        text.replaceAll('\r\n', '\n'),
        text.replace('POST', this.#pick(['', 'P\u0000ST', 'G'.repeat(100)])),
        text.replace(
          'Content-Length: ',
          this.#pick([
            'Content-Length: -',
            'Content-Length: 9',
            'Content-Length: 0x',
            ' Content-Length: ',
            'Content-Length : ',
          ]),
        ),
        text.replace(/Content-Length: \d+/, 'Transfer-Encoding: chunked') +
          this.#pick(['', '0\r\n\r\n', 'zz\r\n', '5\r\nab', 'ffffffffffffffff\r\n']),
        text.slice(0, this.#int(0, text.length)),
        `${text}${text}${text}`,
      ]),
      'latin1',
    );
  }

  #noise(): Buffer {
    return Buffer.from(Array.from({ length: this.#int(1, 2000) }, () => this.#int(0, 255)));
  }
}

/** What encodeURIComponent throws on. */
const LONE_SURROGATES = /[\ud800-\udfff]/g;
const BOMB = Buffer.alloc(30 * 2 ** 20, ' ');
