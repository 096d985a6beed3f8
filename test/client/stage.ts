// The stage of a replay's tests: a directory and a platform of their own for each, and one seed for all.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { replay } from '../../src/client/replay.ts';
import type { ReplayOptions, ReplaySummary } from '../../src/client/replay-options.ts';
import { csvOf, identity, type Line, Platform, type PlatformOptions, type ShopRow, seeded } from './shop.ts';

export const seed = Number(process.env.TILLSTREAM_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32));
export const random = seeded(seed);

export const REFUSED = {
  code: 'invalid_price',
  field: 'UnitPrice',
  value: '"free"',
  message: 'UnitPrice is "free"; expected a number.',
};

/** Every seventh row. */
export const isRefused = (line: Line) => Number(line.StockCode.slice(1)) % 7 === 0;

export interface Stage {
  directory: string;
  platform: Platform;
}

export const stage: Stage = { directory: '', platform: new Platform() };

/** Call once in a file of tests. */
export function setStage(): void {
  beforeEach(async () => {
    stage.directory = await mkdtemp(join(tmpdir(), 'tillstream-replay-'));
  });
  afterEach(async () => {
    await stage.platform.close();
    await rm(stage.directory, { recursive: true, force: true });
  });
}

export async function listen(options: PlatformOptions = {}, port = 0): Promise<string> {
  stage.platform = new Platform(options);
  return await stage.platform.listen(port);
}

export async function shop(rows: readonly ShopRow[], name = 'shop.csv'): Promise<string> {
  const path = join(stage.directory, name);
  await writeFile(path, csvOf(rows));
  return path;
}

export function run(file: string, url: string, options: Partial<ReplayOptions> = {}): Promise<ReplaySummary> {
  return replay({ files: [file], url, resumeFile: join(stage.directory, 'resume.json'), random, ...options });
}

/** What should arrive: `invoice-number of the line` → stock code. */
export function expected(rows: readonly ShopRow[]): Map<string, string> {
  const counts = new Map<string, number>();
  return new Map(
    rows.map(({ invoiceNo, stockCode }) => {
      const lineNo = (counts.get(invoiceNo) ?? 0) + 1;
      counts.set(invoiceNo, lineNo);
      return [`${invoiceNo}-${lineNo}`, stockCode];
    }),
  );
}

export function arrived(): Map<string, string> {
  return new Map(stage.platform.stored.map((line) => [identity(line), line.StockCode]));
}

/** Within an invoice, a line first arrives after all before it. */
export function expectOrder(): void {
  const last = new Map<string, number>();
  const seen = new Set<string>();
  for (const line of stage.platform.stored) {
    if (seen.has(identity(line))) continue;
    seen.add(identity(line));
    const number = Number(line.LineNo);
    if (number <= (last.get(line.InvoiceNo) ?? 0)) expect(line).toBe('after those before it');
    last.set(line.InvoiceNo, number);
  }
}
