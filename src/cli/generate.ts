// `tillstream generate`: sample data as a file.
import { createWriteStream } from 'node:fs';
import type { Command } from 'commander';
import { messageOf, TillstreamError } from '../model/errors.ts';
import { newCommand, whole } from './options.ts';
import { SAMPLE_LINES, SAMPLE_SEED } from './sample.ts';
import { err } from './screen.ts';
import { counted, duration } from './text.ts';

interface GenerateOptions {
  readonly lines: number;
  readonly seed: number;
  readonly out?: string;
}

export function generateCommand(): Command {
  return newCommand('generate', {
    summary: 'writes sample data as a CSV',
    description:
      'Writes sample data as a CSV in the form of the real data set: sizes of invoices, hours, seasons, cancellations, guests, countries, repeated lines.',
    again:
      'The same number of lines and seed give the same file, byte for byte. A file that is there is not overwritten.',
    examples: [
      { command: 'generate --lines 1000', does: 'to the screen' },
      { command: 'generate --lines 1000000 --out sample.csv', does: '' },
      { command: 'generate --seed 7 | gzip > other.csv.gz', does: 'another shop' },
    ],
  })
    .option('--lines <lines>', 'how many lines', whole(1, 1_000_000_000), SAMPLE_LINES)
    .option('--seed <number>', 'another seed, another shop', whole(0), SAMPLE_SEED)
    .option('--out <file>', 'where to write it (default: standard output)')
    .action(async ({ lines, seed, out }: GenerateOptions) => {
      const { writeSample } = await import('../client/sample-csv.ts');
      const startedMs = Date.now();
      try {
        await writeSample(
          { lines, seed },
          out === undefined ? process.stdout : createWriteStream(out, { flags: 'wx' }),
        );
      } catch (error) {
        throw out === undefined ? error : fileError(error, out);
      }
      if (out !== undefined)
        err(`${counted(lines, 'line')} in ${out}, in ${duration((Date.now() - startedMs) / 1000)}\n`);
    });
}

function fileError(cause: unknown, file: string): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === undefined || cause instanceof TillstreamError) return cause;
  if (code === 'EEXIST') {
    return new TillstreamError('wrong_usage', `${file} is there already, and is not overwritten.`, {
      hint: 'Name another with --out, or remove it first.',
      cause,
    });
  }
  const full = code === 'ENOSPC';
  return new TillstreamError(full ? 'disk_full' : 'wrong_usage', `${file} cannot be written: ${messageOf(cause)}`, {
    cause,
  });
}
