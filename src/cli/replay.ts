import type { Command } from 'commander';
import { newCommand, positive, whole, withPlatform } from './options.ts';

export function replayCommand(): Command {
  return withPlatform(
    newCommand('replay', {
      summary: 'plays a CSV as live traffic: each row is POSTed as a line',
      description:
        "The shop's client: reads CSV files (gzipped or not) and POSTs each row as JSON, as tills and web shops would.\n" +
        'Lines of an invoice stay in order. Exit code 3 when some lines were refused.',
      again: 'Lines that are there already count once: run it again in full, or go on with --resume.',
      examples: [
        { command: 'replay shop.csv', does: 'as fast as it goes' },
        { command: 'replay shop.csv --speed 3600', does: 'an hour of the file a second' },
        { command: 'replay may.csv june.csv.gz --batch 1000', does: 'in requests of 1,000 lines' },
        { command: 'replay shop.csv --resume', does: 'after Ctrl-C' },
      ],
    })
      .argument('<csv...>', 'files, in this order')
      .option('--rate <lines>', 'lines a second at most', positive)
      .option('--speed <factor>', 'in the rhythm of the invoice dates, this much faster', positive)
      .option('--batch <lines>', 'lines a request', whole(1, 5000), 1)
      .option('--concurrency <requests>', 'requests at once', whole(1, 1024), 64)
      .option('--limit <rows>', 'stop after this row, counted from the first', whole(1))
      .option('--resume', 'go on after the last row that the platform has acknowledged')
      .option('--rejects <file>', 'write refused rows, with the reason, to this file'),
  ).action(async () => {});
}
