// The sample of `up --sample`: generated lines, kept as a CSV in the data directory and replayed through HTTP.
//
// They never mix with a shop's own lines: the platform refuses a data directory that did not begin as a sample's.
import { closeSync, createWriteStream, existsSync, openSync, readSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Target } from '../client/connection.ts';
import type { ReplayProgress, ReplaySummary } from '../client/replay-options.ts';
import type { AdminKey } from '../platform/access.ts';
import type { Platform } from '../platform/local.ts';
import { program } from './invocation.ts';
import { palette } from './screen.ts';

export const SAMPLE_LINES = 25_000;
export const SAMPLE_SEED = 1;

const CSV = 'sample.csv';

export interface SamplePlay {
  readonly directory: string;
  readonly target: Target;
  readonly lines: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ReplayProgress) => void;
}

/** The same lines every time, so playing them again changes nothing. */
export async function playSample(play: SamplePlay): Promise<ReplaySummary> {
  const { directory, target, lines, signal, onProgress } = play;
  const file = join(directory, CSV);
  const { writeSample } = await import('../client/sample-csv.ts');
  const { replay } = await import('../client/replay.ts');
  await writeSample({ lines, seed: SAMPLE_SEED }, createWriteStream(file));
  return await replay({ ...target, files: [file], signal, onProgress, resumeFile: `${file}.resume` });
}

type Running = Pick<Platform, 'url' | 'dataDirectory' | 'adminKey'>;

/** What a person may do with a platform of their own. */
export function tryNext({ url, adminKey }: Running): string {
  return screen([
    [
      'Send it a line:',
      [
        ...takeKey(adminKey),
        `${curl(adminKey)} ${url}/v1/transactions -d '`,
        '  {"InvoiceNo": "100001", "StockCode": "MUG", "Description": "Blue mug",',
        '   "Quantity": 6, "UnitPrice": 2.55, "CustomerID": 17850,',
        '   "InvoiceDate": "2025-12-24T09:00:00", "Country": "France"}\'',
      ],
    ],
    ['Or a CSV, each row as a line:', [`${program()} replay shop.csv`]],
    ['Look at it:', [`${program()} invoice 100001`, `${program()} sales --by day`, `${program()} status`]],
  ]);
}

/** What a person may do with the sample, by the number of an invoice that is in it. */
export function tryNextInSample({ url, dataDirectory, adminKey }: Running): string {
  const { invoiceNo, customerId } = invoiceOfSample(join(dataDirectory, CSV));
  return screen([
    [
      'Look at it, in another terminal:',
      [
        `${program()} invoice ${invoiceNo}`,
        `${program()} customer ${customerId}`,
        `${program()} sales --by day`,
        `${program()} products --rank revenue`,
        `${program()} query "SELECT country, sum(amount) FROM sales GROUP BY 1"`,
      ],
    ],
    [
      'Over HTTP:',
      [
        ...takeKey(adminKey),
        `${curl(adminKey)} ${url}/v1/invoices/${invoiceNo}`,
        `${curl(adminKey)} '${url}/v1/analytics/sales?by=month'`,
      ],
    ],
    // The sample's own numbers begin at 600000; a letter would make it an adjustment, which is no order.
    [
      'Send it a line of your own:',
      [
        `${curl(adminKey)} ${url}/v1/transactions -d '`,
        '  {"InvoiceNo": "100001", "StockCode": "MUG", "Quantity": 2, "UnitPrice": 4.95,',
        '   "InvoiceDate": "2025-12-24T09:00:00", "Country": "France"}\'',
      ],
    ],
  ]);
}

/** What a shell needs once, before `curl`. */
function takeKey(adminKey: AdminKey | null): string[] {
  if (adminKey === null) return [];
  return [`KEY=$(cat ${relative('.', adminKey.file)})`];
}

function curl(adminKey: AdminKey | null): string {
  return adminKey === null ? 'curl' : 'curl -H "X-Api-Key: $KEY"';
}

function screen(groups: readonly (readonly [string, readonly string[]])[]): string {
  const { bold, cyan, dim } = palette(process.stdout);
  const texts = groups.map(
    ([title, commands]) => `${bold(title)}\n${commands.map((each) => `  ${cyan(each)}\n`).join('')}`,
  );
  return `${texts.join('\n')}\n${dim('Ctrl-C ends it.')}\n`;
}

const NOT_KNOWN = { invoiceNo: '600000', customerId: '20000' };

/** The first row that has a customer; customer and country stand last in it, and neither has a comma. */
function invoiceOfSample(file: string): { invoiceNo: string; customerId: string } {
  if (!existsSync(file)) return NOT_KNOWN;
  const head = Buffer.alloc(65_536);
  const descriptor = openSync(file, 'r');
  const length = readSync(descriptor, head);
  closeSync(descriptor);
  for (const row of head.toString('utf8', 0, length).split(/\r?\n/).slice(1)) {
    const fields = row.split(',');
    const [invoiceNo = '', customerId = ''] = [fields[0], fields.at(-2)];
    if (/^\d+$/.test(invoiceNo) && /^\d+$/.test(customerId)) return { invoiceNo, customerId };
  }
  return NOT_KNOWN;
}
