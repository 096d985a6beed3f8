import type { Command } from 'commander';
import { newCommand, whole } from './options.ts';

export const SAMPLE_LINES = 25_000;
export const SAMPLE_SEED = 1;

export function generateCommand(): Command {
  return newCommand('generate', {
    summary: 'writes sample data as a CSV',
    description:
      'Writes sample data as a CSV in the form of the real data set: sizes of invoices, hours, seasons, cancellations, guests, countries, repeated lines.',
    again: 'The same number of lines and seed give the same file, byte for byte.',
    examples: [
      { command: 'generate --lines 1000', does: 'to the screen' },
      { command: 'generate --lines 1,000,000 --seed 7 --out sample.csv', does: '' },
    ],
  })
    .option('--lines <lines>', 'how many lines', whole(1), SAMPLE_LINES)
    .option('--seed <number>', 'another seed, another shop', whole(0, 0xffffffff), SAMPLE_SEED)
    .option('--out <file>', 'where to write it (default: standard output)')
    .action(async () => {});
}
