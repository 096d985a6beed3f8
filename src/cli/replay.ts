// `tillstream replay`: the simulated shop, with progress and a summary.
import { type Command, Option } from 'commander';
import type { ReplayProgress, ReplaySummary } from '../client/replay-options.ts';
import { findPlatform } from './find-platform.ts';
import { program } from './invocation.ts';
import { type CommonOptions, newCommand, positive, whole, withPlatform } from './options.ts';
import { err, out, outJson, palette, progress, screenWidth } from './screen.ts';
import { INTERRUPTED, listenForShutdown } from './shutdown.ts';
import { facts } from './table.ts';
import { counted, duration, grouped, printable, wrapped } from './text.ts';

interface ReplayCommandOptions extends CommonOptions {
  readonly rate?: number;
  readonly speed?: number;
  readonly batch: number;
  readonly concurrency?: number;
  readonly limit?: number;
  readonly resume?: boolean;
  readonly rejects?: string;
}

export function replayCommand(): Command {
  return withPlatform(
    newCommand('replay', {
      summary: 'plays a CSV as live traffic: each row is POSTed as a line',
      description:
        "The shop's client: reads CSV files (gzipped or not) and POSTs each row as JSON, as tills and web shops would. " +
        'Lines of an invoice stay in order. Exit code 3 when some lines were refused.\n\n' +
        'Files without a LineNo column are numbered within each invoice, on across all files of the command: name the parts ' +
        'of one export in one command, in their order.',
      again: 'Lines that are there already count once: run it again in full, or go on with --resume.',
      examples: [
        { command: 'replay shop.csv', does: 'as fast as it goes' },
        { command: 'replay shop.csv --speed 3600', does: 'an hour of the file a second' },
        { command: 'replay may.csv june.csv.gz --batch 1000', does: 'in requests of 1,000' },
        { command: 'replay shop.csv --resume', does: 'after Ctrl-C' },
      ],
    })
      .argument('<csv...>', 'files, in this order')
      .option('--rate <lines>', 'lines a second at most', positive)
      .option('--speed <factor>', 'in the rhythm of the invoice dates, this much faster', positive)
      .option('--batch <lines>', 'lines a request', whole(1, 10_000), 1)
      .addOption(
        new Option('--concurrency <requests>', 'requests at once')
          .argParser(whole(1, 512))
          .default(undefined, '64; 8 with --batch'),
      )
      .option('--limit <rows>', 'stop after this row, counted from the first', whole(1))
      .option('--resume', 'go on after the last row that the platform has acknowledged')
      .option('--rejects <file>', 'write refused rows, with the reason, to this file'),
  ).action(async (files: string[], { rejects, json, ...options }: ReplayCommandOptions) => {
    const connection = findPlatform(options);
    const { replay } = await import('../client/replay.ts');
    const stop = listenForShutdown(() => err('\nStopping: waiting for what is under way …\n'));
    const line = progress();
    const startedMs = Date.now();
    const summary = await replay({
      ...options,
      ...connection,
      files,
      rejectsFile: rejects,
      signal: stop.signal,
      onProgress: (now) => line.show(progressLine(now, options.limit, Date.now() - startedMs)),
    }).finally(() => line.end(''));
    if (json === true) outJson(summary);
    else out(summaryScreen(summary));
    err(afterwards(summary));
    if (summary.interrupted) process.exitCode = INTERRUPTED;
    else if (summary.rejected > 0) process.exitCode = 3;
  });
}

/** `49 % · 12,345 lines · 5,123 lines/s · 0 refused · 3 s left` */
export function progressLine(now: ReplayProgress, limit: number | undefined, elapsedMs: number): string {
  // Reading runs ahead of sending, on a small file to its end at once.
  const rows = now.share === 0 ? 0 : Math.min(now.row / now.share, limit ?? Number.POSITIVE_INFINITY);
  const share = rows === 0 ? 0 : Math.min(1, now.finished / rows);
  const lines = now.accepted + now.rejected;
  const parts = [
    `${Math.floor(share * 100)} %`,
    counted(now.accepted, 'line'),
    // Since the start: with batches, the last half second says little.
    `${counted(Math.round(lines / (elapsedMs / 1000)), 'line')}/s`,
    `${grouped(now.rejected)} refused`,
  ];
  if (now.waiting !== null) {
    parts.push(`waiting for ${duration(now.waiting.seconds)}: ${printable(now.waiting.reason)}`);
  } else if (share > 0.01 && lines > 0) {
    const seconds = Math.ceil(((rows - now.finished) / lines) * (elapsedMs / 1000));
    parts.push(`${seconds < 10 ? `${seconds} s` : duration(seconds)} left`);
  }
  return `  ${parts.join(' · ')}`;
}

function summaryScreen(summary: ReplaySummary): string {
  const { bold } = palette(process.stdout);
  if (summary.lastRow === 0 && !summary.interrupted)
    return `${bold('Nothing was sent: there are no rows below the header.')}\n`;
  const { p50, p99, max } = summary.latencyMs;
  const rate = `${counted(Math.round(summary.linesPerSecond), 'line')}/s`;
  const head = `${counted(summary.accepted, 'line')} accepted in ${duration(summary.seconds)}: ${rate}`;
  const about: [string, string][] = [
    ['Refused', counted(summary.rejected, 'line')],
    ['Answers', `p50 ${latency(p50)}, p99 ${latency(p99)}, longest ${latency(max)}`],
  ];
  if (summary.replacedMeanwhile !== null && summary.replacedMeanwhile > 0) {
    about.push([
      'Replaced',
      `${counted(summary.replacedMeanwhile, 'line')} by a version that differs, other senders' included`,
    ]);
  }
  if (summary.retries > 0) about.push(['Sent again', counted(summary.retries, 'request')]);
  if (summary.resumedAfterRow > 0) about.push(['Resumed', `after row ${grouped(summary.resumedAfterRow)}`]);
  return `${bold(head)}\n\n${facts(about)}`;
}

export function latency(ms: number): string {
  return ms < 9.95 ? `${ms.toFixed(1)} ms` : duration(ms / 1000);
}

const REPLACED =
  'Lines were replaced by others with the same number. Corrections do that; but so does a part of an export that is replayed ' +
  'by a command of its own, where an invoice goes on from the part before: its lines are numbered from 1 again. ' +
  'Then replay all parts again in one command, in their order, or give the rows a LineNo: that puts it right.';
const REPLACED_UNKNOWN = `Whether lines were replaced is not known yet, as the order store is behind: ${program()} status counts them.`;

function paragraph(text: string): string {
  return wrapped(text, screenWidth())
    .map((line) => `${line}\n`)
    .join('');
}

/** What the person may want to know or do next. */
function afterwards(summary: ReplaySummary): string {
  const { dim } = palette(process.stderr);
  let text = '';
  if (summary.firstRejects.length > 0) {
    // What the reader of the file refuses is known before what the platform does.
    for (const { file, row, refusal } of [...summary.firstRejects].sort((a, b) => a.row - b.row)) {
      text += `\n  ${dim(`${printable(file)}, row ${grouped(row)}`)}\n`;
      const reason = printable(`${refusal.code}: ${refusal.message}`);
      for (const line of wrapped(reason, screenWidth() - 4)) text += `    ${line}\n`;
    }
    const more = summary.rejected - summary.firstRejects.length;
    if (more > 0) text += `\n  … and ${grouped(more)} more\n`;
    text +=
      summary.rejectsFile === null
        ? '\nAll of them go to a file with --rejects <file>.\n'
        : `\nAll of them are in ${summary.rejectsFile}.\n`;
  }
  if (summary.replacedMeanwhile !== null && summary.replacedMeanwhile > 0) text += `\n${paragraph(REPLACED)}`;
  if (summary.replacedMeanwhile === null && !summary.interrupted) text += `\n${paragraph(REPLACED_UNKNOWN)}`;
  if (summary.resumeFile !== null) {
    // Lines of an invoice wait for one another, so later rows may be there before earlier ones.
    const how = summary.interrupted
      ? `All rows to ${grouped(summary.lastRow)} are settled; those sent beyond it count once all the same.`
      : 'There are more rows.';
    text += `\n${how} Go on with: ${program()} replay … --resume\n`;
  }
  return text;
}
