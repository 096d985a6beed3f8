// `tillstream verify`: proves that the stores agree, or names the first day on which they do not.
import type { Command } from 'commander';
import type { VerifyAnswer } from './answers.ts';
import { ask } from './connection.ts';
import { findPlatform } from './find-platform.ts';
import { type CommonOptions, newCommand, withPlatform } from './options.ts';
import { errText, out, outJson, palette, screenWidth } from './screen.ts';
import { table } from './table.ts';
import { counted, duration, exactMoney, grouped, printable } from './text.ts';

export function verifyCommand(): Command {
  return withPlatform(
    newCommand('verify', {
      summary: 'proves that all stores hold the same lines',
      description:
        'Compares lake, order store and warehouse, day by day: lines, sums to the ten-thousandth, and a hash of every line. Exit code 1 when they differ.',
      again: 'Changes nothing, and the door stays open meanwhile: run it as often as you like.',
      examples: [
        { command: 'verify', does: '' },
        { command: 'verify --json', does: 'with the first difference of each store' },
      ],
    }),
  ).action(async (options: CommonOptions) => {
    const connection = findPlatform(options);
    const report = await ask<VerifyAnswer>(connection, '/v1/verify', {
      method: 'POST',
      has: 'stores',
      timeoutMs: Number.POSITIVE_INFINITY,
    });
    if (options.json === true) outJson(report);
    else {
      out(storesScreen(report, screenWidth()));
      errText(`\n${verdict(report)}\n`);
    }
    if (!report.agrees) process.exitCode = 1;
  });
}

/** What each store holds, and where they differ. */
export function storesScreen(report: VerifyAnswer, width: number): string {
  return storesTable(report.stores, width) + differences(report, width);
}

type StoreFigures = Omit<VerifyAnswer['stores'][number], 'store' | 'firstDifference' | 'wrongHeader'> & {
  readonly store: string;
};

/** What each store holds. */
export function storesTable(stores: readonly StoreFigures[], width: number): string {
  const { dim, red } = palette(process.stdout);
  const apart = stores.some(({ quarantined, discarded }) => quarantined > 0 || discarded > 0);
  const rows = stores.map((store) => [
    store.store,
    grouped(store.lines),
    grouped(store.invoices),
    exactMoney(store.revenue),
    ...(apart ? [grouped(store.quarantined), grouped(store.discarded)] : []),
    store.agrees ? 'yes' : 'NO',
  ]);
  const right = ['Lines', 'Invoices', 'Revenue', ...(apart ? ['Quarantined', 'Discarded'] : [])];
  const columns = [{ title: 'Store' }, ...right.map((title) => ({ title, right: true })), { title: 'Agrees' }];
  return table(columns, rows, {
    width,
    paintTitles: dim,
    paintRow: (line, row) => (stores[row]?.agrees === false ? red(line) : line),
  });
}

function differences(report: VerifyAnswer, width: number): string {
  const { dim } = palette(process.stdout);
  return report.stores
    .map(({ store, firstDifference, wrongHeader }) => {
      const header =
        wrongHeader === null ? '' : `\n  ${store}: invoice ${printable(wrongHeader)} does not fit its lines\n`;
      if (firstDifference === null) return header;
      const { day, expected, actual } = firstDifference;
      const figures = (name: string, side: typeof expected): string[] =>
        side === null ? [name, '0', '', ''] : [name, grouped(side.lines), exactMoney(side.revenue), side.hash];
      const columns = [
        { title: `${store}, ${day}` },
        { title: 'Lines', right: true },
        { title: 'Revenue', right: true },
        { title: 'Hash of the lines' },
      ];
      const rows = [figures('expected', expected), figures('is', actual)];
      return `${header}\n${table(columns, rows, { width, paintTitles: dim })}`;
    })
    .join('');
}

export function verdict(report: VerifyAnswer): string {
  const { green, red } = palette(process.stderr);
  const replaced =
    report.replaced === 0 ? '' : ` ${counted(report.replaced, 'line')} replaced an older version that differed.`;
  if (report.agrees) return `${green('All stores agree.')} Compared in ${duration(report.seconds)}.${replaced}`;
  const apart = report.stores.filter(({ agrees }) => !agrees).map(({ store }) => store);
  return `${red('verify_difference')}: ${apart.join(' and ')} differ${apart.length === 1 ? 's' : ''} from the lake.${replaced}`;
}
