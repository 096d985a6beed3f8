// `tillstream quarantine` on records that are really there.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLmdbQuarantine } from '../../src/stores/quarantine/lmdb-quarantine.ts';
import { runCli } from '../support/cli.ts';
import { endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';

const GOOD =
  '{"invoiceNo":"536365","lineId":"000001","stockCode":"85123A","description":"WHITE HANGING HEART T-LIGHT HOLDER",' +
  '"quantity":6,"invoiceDate":"2010-12-01T08:26:00","unitPrice":2.55,"customerId":"17850","country":"United Kingdom",' +
  '"receivedAt":1700000000000000,"position":0,"source":"api"}\n';
const BAD = '{"invoiceNo":"5363\u001b[31m';

let data: string;
const shown = async (...commandLine: string[]): Promise<string> => {
  const { code, stdout, stderr } = await runCli(['quarantine', ...commandLine], { env: { TILLSTREAM_DATA_DIR: data } });
  return `${stdout}${stderr}exit ${code}`.replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'YYYY-MM-DD HH:MM:SS');
};

beforeAll(async () => {
  data = join(await freshDirectory('quarantine'), 'data');
  await (await startPlatform(data)).stop();
  await mkdir(join(data, 'state'), { recursive: true });
  const quarantine = openLmdbQuarantine({ directory: join(data, 'state') });
  const entry = { store: 'orders', arrivedAtMs: 0, attempts: 4 };
  await quarantine.put({
    ...entry,
    id: 'orders-0000000000000041',
    sequence: '0000000000000041',
    code: 'pipeline_failed',
    message: 'The order store has no room for invoice 536365.',
    data: Buffer.from(GOOD),
  });
  await quarantine.put({
    ...entry,
    id: 'orders-0000000000000042',
    sequence: '0000000000000042',
    code: 'unusable_record',
    message: `Record 0000000000000042 is not NDJSON: ${BAD}`,
    data: Buffer.from(BAD),
  });
  await quarantine.close();
  await startPlatform(data);
});
afterAll(endPlatforms);

describe('quarantine', () => {
  it('lists what waits, with the reason, harmless to the terminal', async () => {
    expect(await shown('list')).toMatchInlineSnapshot(`
      "  Id                       Since                Tried
        orders-0000000000000041  YYYY-MM-DD HH:MM:SS      4
          pipeline_failed: The order store has no room for invoice 536365.
        orders-0000000000000042  YYYY-MM-DD HH:MM:SS      4
          unusable_record: Record 0000000000000042 is not NDJSON: {"invoiceNo":"5363�[31m
      exit 0"
    `);
  });
  it('shows a record whole', async () => {
    expect(await shown('show', 'orders-0000000000000042')).toMatchInlineSnapshot(`
      "orders-0000000000000042

        Why          unusable_record: Record 0000000000000042 is not NDJSON: {"invoiceNo":"5363�[31m
        State        waiting, tried 4 times
        Arrived      YYYY-MM-DD HH:MM:SS
        Quarantined  YYYY-MM-DD HH:MM:SS

        The record (1 line, 23 B):
        {"invoiceNo":"5363�[31m
      exit 0"
    `);
  });
  it('redrives all: what can be used is in its store, the other waits again with its new reason, exit code 1', async () => {
    expect(await shown('redrive', '--all')).toMatchInlineSnapshot(`
      "orders-0000000000000041  redriven
      orders-0000000000000042  waits again: Record 0000000000000042 is not NDJSON: {"invoiceNo":"5363�[31m
      exit 1"
    `);
    const { code } = await runCli(['invoice', '536365', '--data-dir', data]);
    expect(code).toBe(0);
  });
  it('discards what is not worth keeping, and still lists it', async () => {
    expect(await shown('discard', 'orders-0000000000000042')).toMatchInlineSnapshot(`
      "orders-0000000000000042  discarded
      exit 0"
    `);
    expect(await shown('list')).toMatchInlineSnapshot(`
      "Nothing waits in quarantine.
      exit 0"
    `);
    expect(await shown('list', '--state', 'discarded')).toMatchInlineSnapshot(`
      "  Id                       Since                Tried
        orders-0000000000000042  YYYY-MM-DD HH:MM:SS      5
          unusable_record: Record 0000000000000042 is not NDJSON: {"invoiceNo":"5363�[31m
      exit 0"
    `);
  });
});

describe('quarantine, more than a page of it', () => {
  it('redrives all that wait; of what the lake gives up, it says that nothing else keeps it', async () => {
    const many = join(await freshDirectory('many'), 'data');
    await (await startPlatform(many)).stop();
    const quarantine = openLmdbQuarantine({ directory: join(many, 'state') });
    const entry = { arrivedAtMs: 0, attempts: 4, code: 'pipeline_failed', message: 'No room.' } as const;
    const count = 1_001;
    const puts = Array.from({ length: count }, (_, index) => {
      const sequence = String(index + 1).padStart(16, '0');
      return quarantine.put({ ...entry, id: `orders-${sequence}`, store: 'orders', sequence, data: Buffer.from(GOOD) });
    });
    const sequence = '0000000000000001';
    puts.push(quarantine.put({ ...entry, id: `lake-${sequence}`, store: 'lake', sequence, data: Buffer.from(BAD) }));
    await Promise.all(puts);
    await quarantine.close();
    const { url } = await startPlatform(many);

    const redriven = await runCli(['quarantine', 'redrive', '--all', '--store', 'orders', '--json', '--url', url]);
    expect(redriven.code).toBe(0);
    const states = (JSON.parse(redriven.stdout) as { state: string }[]).map(({ state }) => state);
    expect(states).toEqual(Array(count).fill('redriven'));
    const discarded = await runCli(['quarantine', 'discard', `lake-${sequence}`, '--url', url]);
    expect(discarded.stdout).toMatchInlineSnapshot(`
      "lake-0000000000000001  discarded: The lake could not use it: only the quarantine keeps it.
      "
    `);
  });
});

describe('quarantine of an import', () => {
  it('is left by --all, and given up at once', async () => {
    const directory = await freshDirectory('rejects');
    const { url } = await startPlatform(join(directory, 'data'));
    const rows = Array.from(
      { length: 150 },
      (_, at) => `${700_000 + at},MUG,Blue mug,none,2010-12-13T08:26:00,1.25,,France`,
    );
    const file = join(directory, 'wrong.csv');
    const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
    await writeFile(file, `${header}\n${rows.join('\n')}\n`);
    const { stdout } = await runCli(['import', file, '--max-rejects', '100', '--json', '--url', url]);
    const { id } = JSON.parse(stdout);
    const asked = async (...args: string[]) => {
      const { code, stdout, stderr } = await runCli(['quarantine', ...args, '--url', url]);
      return `${stdout}${stderr}exit ${code}`;
    };
    expect(await asked('redrive', '--all')).toMatchInlineSnapshot(`
      "150 rows of imported files are left, which come back in mended: --from, or --set.
      exit 0"
    `);
    expect(await asked('discard', '--import', '20101213-none')).toMatchInlineSnapshot(`
      "Nothing of it waits in quarantine.
      exit 0"
    `);
    expect(await asked('discard', '--import', id)).toMatchInlineSnapshot(`
      "150 discarded
      exit 0"
    `);
    expect(await asked('list')).toMatchInlineSnapshot(`
      "Nothing waits in quarantine.
      exit 0"
    `);
    expect(await asked('discard', '--import', id, '--store', 'orders')).toMatchInlineSnapshot(`
      "wrong_usage: name what to discard by its id, or say --import or --store.
      See: tillstream quarantine discard --help
      exit 2"
    `);
  });
});
