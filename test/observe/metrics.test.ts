// What /metrics says of a running platform: every metric is documented, is there, and moves with what it counts.
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { metrics } from '../../src/observe/metrics.ts';
import { readDocument, tableRows } from '../docs/markdown.ts';
import { accept, line, lines } from '../faults/lines.ts';
import { eventually } from '../support/eventually.ts';
import { endPlatforms, freshDirectory, type Platform, startPlatform } from '../support/platform.ts';
import { type Scrape, samplesOf, scrape, sum } from './exposition.ts';

/** The invoice that buggy-release.mjs cannot take. */
const POISON = '666666';
const imports = ['../faults/buggy-release.mjs', './away-store.mjs']
  .map((file) => `--import=${new URL(file, import.meta.url)}`)
  .join(' ');
const MIB = 2 ** 20;

let platform: Platform;
let awayFile: string;
let hangFile: string;
/** Everything that was scraped, in order. */
const scrapes: Scrape[] = [];

async function look(): Promise<Scrape> {
  const seen = await scrape(platform.url);
  scrapes.push(seen);
  return seen;
}

/** Scrapes until it is so. */
async function lookUntil(so: (seen: Scrape) => void): Promise<Scrape> {
  return eventually(async () => {
    const seen = await look();
    so(seen);
    return seen;
  });
}

beforeAll(async () => {
  const directory = await freshDirectory('metrics');
  const faults = await freshDirectory('faults');
  awayFile = join(faults, 'away');
  hangFile = join(faults, 'hang');
  platform = await startPlatform(directory, {
    env: {
      NODE_OPTIONS: imports,
      ORDERS_AWAY: awayFile,
      ORDERS_HANG: hangFile,
      TILLSTREAM_STREAM_BYTES_MAX: String(MIB),
    },
  });
  await look();
});
afterAll(endPlatforms);

describe('docs/METRICS.md', () => {
  it('lists every metric with its type, its labels and what it means, and no other', () => {
    const rows = tableRows(readDocument('docs/METRICS.md')).filter((row) => row.length === 4);
    expect(rows).toEqual(
      metrics.map(({ name, type, labels = [], help }) => [
        `\`${name}\``,
        type,
        labels.map((label) => `\`${label}\``).join(', '),
        help,
      ]),
    );
  });

  it('lists what /metrics answers', async () => {
    const { types } = await look();
    expect([...types]).toEqual(metrics.map(({ name, type }) => [name, type]));
  });
});

// In this order: each goes on from the one before.
describe('a shop', () => {
  it('sends lines, some wrong, some again with a change', async () => {
    await accept(platform, lines('800001', 50));
    const wrong = await platform.send([line('800001', 51, { Quantity: 'many' }), line('800001', 52)]);
    expect(wrong.body).toMatchObject({ accepted: 1, rejected: 1 });
    const alone = await platform.request('POST', '/v1/transactions', JSON.stringify({ InvoiceNo: '1' }));
    expect(alone.body.code).toBe('missing_field');
    expect((await platform.request('POST', '/v1/transactions', '{')).body.code).toBe('invalid_json');
    const seen = await lookUntil((now) => {
      for (const store of ['lake', 'orders', 'warehouse']) {
        expect(sum(now, 'tillstream_freshness_seconds_count', { store })).toBe(2);
      }
    });
    expect(sum(seen, 'tillstream_lines_accepted_total')).toBe(51);
    expect(sum(seen, 'tillstream_lines_rejected_total', { code: 'invalid_quantity' })).toBe(1);
    expect(sum(seen, 'tillstream_lines_rejected_total', { code: 'missing_field' })).toBe(1);
    expect(sum(seen, 'tillstream_lines_rejected_total')).toBe(2);
    expect(sum(seen, 'tillstream_requests_refused_total', { code: 'invalid_json' })).toBe(1);
    expect(sum(seen, 'tillstream_stream_records')).toBe(2);
    expect(sum(seen, 'tillstream_stream_bytes')).toBeGreaterThan(51 * 100);

    await accept(platform, [line('800001', 1, { Quantity: 2 })]);
    await lookUntil((now) => expect(sum(now, 'tillstream_lines_replaced_total')).toBe(1));
  });

  it('is answered: by route, never by address', async () => {
    await Promise.all([1, 2, 3].map(() => platform.get('/v1/invoices/800001')));
    await platform.get('/v1/invoices/nobodys');
    await platform.get('/v1/customers/17850');
    await platform.get('/nowhere/17850');
    await platform.get('/v1/%zz');
    const seen = await look();
    const count = (labels: Record<string, string>): number =>
      sum(seen, 'tillstream_http_request_duration_seconds_count', labels);
    const route = '/v1/invoices/:invoiceNo';
    expect(count({ method: 'GET', route, status: '2xx' })).toBe(3);
    expect(count({ method: 'GET', route, status: '4xx' })).toBe(1);
    expect(count({ method: 'GET', route: 'none', status: '4xx' })).toBe(2);
    expect(count({ method: 'POST', route: '/v1/transactions', status: '2xx' })).toBe(3);
    expect(count({ method: 'POST', route: '/v1/transactions', status: '4xx' })).toBe(2);
    const seconds = sum(seen, 'tillstream_http_request_duration_seconds_sum', { route, status: '2xx' });
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(60);
    expect(seen.text).not.toMatch(/"[^"]*(?:800001|17850|nobodys)[^"]*"/);
  });
});

describe('delivery', () => {
  it('of what a store cannot use: it waits in quarantine', async () => {
    await accept(platform, lines(POISON, 1));
    await lookUntil((now) => expect(sum(now, 'tillstream_quarantine_entries', { state: 'waiting' })).toBe(3));
    const { status } = await platform.request('DELETE', `/v1/quarantine/orders-${'4'.padStart(16, '0')}`);
    expect(status).toBe(200);
    const seen = await look();
    expect(sum(seen, 'tillstream_quarantine_entries', { state: 'waiting' })).toBe(2);
    expect(sum(seen, 'tillstream_quarantine_entries', { state: 'discarded' })).toBe(1);
  });

  it('to a store that is away: it lags, the stream fills, the door closes; and opens when the store is back', async () => {
    await writeFile(awayFile, '');
    await accept(platform, lines('800002', 100));
    const away = await lookUntil((now) => {
      expect(sum(now, 'tillstream_consumer_state', { store: 'orders', state: 'waiting' })).toBe(1);
      expect(sum(now, 'tillstream_consumer_lag_seconds', { store: 'orders' })).toBeGreaterThan(0.5);
    });
    expect(sum(away, 'tillstream_consumer_state', { store: 'orders', state: 'running' })).toBe(0);
    expect(sum(away, 'tillstream_consumer_state', { store: 'warehouse', state: 'running' })).toBe(1);
    expect(sum(away, 'tillstream_consumer_lag_records', { store: 'orders' })).toBe(1);
    expect(sum(away, 'tillstream_door_open')).toBe(1);

    for (let invoice = 0; (await platform.send(lines(`81000${invoice}`, 2000))).status === 202; invoice += 1) {
      expect(invoice).toBeLessThan(9);
    }
    const full = await lookUntil((now) => {
      expect(sum(now, 'tillstream_door_open')).toBe(0);
      expect(sum(now, 'tillstream_requests_refused_total', { code: 'stream_full' })).toBeGreaterThan(0);
    });
    expect(sum(full, 'tillstream_stream_bytes')).toBeGreaterThan(1.25 * sum(full, 'tillstream_stream_max_bytes'));
    expect(sum(full, 'tillstream_stream_oldest_record_age_seconds')).toBeGreaterThan(0.5);

    await rm(awayFile);
    const back = await lookUntil((now) => {
      expect(sum(now, 'tillstream_door_open')).toBe(1);
      expect(sum(now, 'tillstream_consumer_lag_records')).toBe(0);
    });
    expect(sum(back, 'tillstream_consumer_lag_seconds')).toBe(0);
    expect(sum(back, 'tillstream_stream_bytes')).toBeLessThanOrEqual(MIB);
    const count = sum(back, 'tillstream_freshness_seconds_count', { store: 'orders' });
    const slow = count - sum(back, 'tillstream_freshness_seconds_bucket', { store: 'orders', le: '0.5' });
    expect(slow, 'what waited for the store').toBeGreaterThan(0);
  });

  it('in a thread that is held up: what it said last is told, as silent, and the door stays open', async () => {
    await writeFile(hangFile, '');
    await accept(platform, lines('800003', 10));
    const silent = await lookUntil((now) => {
      expect(sum(now, 'tillstream_consumer_state', { state: 'silent' })).toBe(2);
      expect(sum(now, 'tillstream_consumer_lag_records', { store: 'orders' })).toBe(1);
    });
    expect(sum(silent, 'tillstream_consumer_state', { store: 'warehouse', state: 'running' })).toBe(1);
    expect(sum(silent, 'tillstream_freshness_seconds_count', { store: 'orders' })).toBeGreaterThan(3);
    await platform.statusWhen(
      ({ consumers }) => String(consumers.map(({ state }) => state)) === 'silent,silent,running',
    );
    await rm(hangFile);
    await lookUntil((now) => {
      expect(sum(now, 'tillstream_consumer_state', { state: 'running' })).toBe(3);
      expect(sum(now, 'tillstream_consumer_lag_records')).toBe(0);
    });
  });
});

describe('the machine', () => {
  it('a request that holds the thread up shows in the event loop', async () => {
    const slowSeconds = (seen: Scrape): number =>
      sum(seen, 'tillstream_event_loop_delay_seconds_count') -
      sum(seen, 'tillstream_event_loop_delay_seconds_bucket', { le: '0.025' });
    const before = slowSeconds(await look());
    // JSON.parse of 15 MiB takes the thread for longer than that.
    const body = JSON.stringify(Array.from({ length: 5_000_000 }, () => []));
    expect((await platform.request('POST', '/v1/transactions', body)).status).toBe(413);
    await lookUntil((now) => expect(slowSeconds(now)).toBeGreaterThan(before));
  });

  it('what cannot move is right', async () => {
    const seen = await look();
    expect(sum(seen, 'tillstream_stream_max_bytes')).toBe(MIB);
    expect(sum(seen, 'tillstream_disk_reserve_bytes')).toBe(512 * MIB);
    expect(samplesOf(seen, 'tillstream_build_info')).toMatchObject([
      { labels: { version: '0.1.0', node: process.versions.node }, value: 1 },
    ]);
    const startedSeconds = sum(seen, 'process_start_time_seconds');
    expect(Date.now() / 1000 - startedSeconds).toBeGreaterThan(0);
    expect(Date.now() / 1000 - startedSeconds).toBeLessThan(600);
    const memory = sum(seen, 'process_resident_memory_bytes');
    expect(memory).toBeGreaterThan(50 * MIB);
    if (process.platform === 'linux') expect(sum(seen, 'tillstream_memory_bytes')).toBeLessThan(memory);
    expect(sum(seen, 'tillstream_disk_free_bytes')).toBeGreaterThan(512 * MIB);
  });
});

test('a file that is imported: it asks, and ends, with its rows', async () => {
  const rows = Array.from({ length: 20 }, (_, at) => `900001,MUG,${at === 3 ? 'six' : 6},5/6/2011 9:12,2.5,France`);
  const file = ['InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,Country', ...rows].join('\n');
  const { body } = await platform.request('POST', '/v1/imports?name=may.csv', file, 'text/csv');
  await lookUntil((now) => expect(sum(now, 'tillstream_imports_open', { state: 'needs_answer' })).toBe(1));
  const answer = JSON.stringify({ dateOrder: 'day-first' });
  await platform.request('POST', `/v1/imports/${body.id}/answer`, answer, 'application/json');
  const ended = await lookUntil((now) => expect(sum(now, 'tillstream_imports_ended_total', { state: 'done' })).toBe(1));
  expect(sum(ended, 'tillstream_imports_open')).toBe(0);
  expect(sum(ended, 'tillstream_import_rows_total')).toBe(20);
  expect(sum(ended, 'tillstream_import_rejected_rows_total')).toBe(1);
  expect(sum(ended, 'tillstream_import_seconds_total')).toBeGreaterThan(0);
});

test('every other metric has moved', async () => {
  await pause(1000); // the disk is looked at twice a second
  await look();
  const constant = [
    'tillstream_stream_max_bytes',
    'tillstream_disk_reserve_bytes',
    'tillstream_build_info',
    'process_start_time_seconds',
    ...(process.platform === 'linux' ? [] : ['tillstream_memory_bytes']),
  ];
  const unmoved = metrics
    .map(({ name }) => name)
    .filter((name) => new Set(scrapes.map((seen) => JSON.stringify(samplesOf(seen, name)))).size < 2);
  expect(unmoved.sort()).toEqual(constant.sort());
});
