// `tillstream status`: how the platform is, at a glance.
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import type { StatusAnswer } from './answers.ts';
import { ask } from './connection.ts';
import { type Connection, findPlatform } from './find-platform.ts';
import { type CommonOptions, newCommand, withPlatform } from './options.ts';
import { out, outJson, palette, screenWidth } from './screen.ts';
import { facts, table } from './table.ts';
import { bytes, counted, duration, grouped, printable, wrapped } from './text.ts';

const WATCH_INTERVAL_MS = 1000;

interface StatusOptions extends CommonOptions {
  readonly watch?: boolean;
}

export function statusCommand(): Command {
  return withPlatform(
    newCommand('status', {
      summary: 'shows how the platform is',
      description:
        'Shows what was accepted, how far each store is behind the stream, what waits in quarantine, and room left.',
      again: 'Reads only: run it as often as you like.',
      examples: [
        { command: 'status', does: '' },
        { command: 'status --watch', does: 'again every second, until Ctrl-C' },
      ],
    }).option('--watch', 'show it again every second'),
  ).action(async (options: StatusOptions) => {
    const connection = findPlatform(options);
    if (options.watch === true) return watch(connection, options.json === true);
    const status = await ask<StatusAnswer>(connection, '/v1/status');
    if (options.json === true) outJson(status);
    else out(statusScreen(connection.url, status, screenWidth()));
  });
}

/** Until Ctrl-C. On a terminal in its place, else one after the other; JSON one a line. */
async function watch(connection: Connection, json: boolean): Promise<void> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  while (!stop.signal.aborted) {
    const status = await ask<StatusAnswer>(connection, '/v1/status');
    if (json) out(`${JSON.stringify(status)}\n`);
    else {
      const screen = statusScreen(connection.url, status, screenWidth());
      out(process.stdout.isTTY === true ? `\u001b[H\u001b[J${screen}` : `${screen}\n`);
    }
    await pause(WATCH_INTERVAL_MS, undefined, { signal: stop.signal }).catch(() => undefined);
  }
}

function statusScreen(url: string, status: StatusAnswer, width: number): string {
  const { bold, dim, green, red, yellow } = palette(process.stdout);
  const { accepting, accepted, stream, quarantine, disk } = status;
  const state = accepting.open ? green('accepting') : red(`not accepting: ${printable(accepting.reason ?? 'unknown')}`);
  const up = `up ${duration(status.uptimeSeconds)}`;
  const settled = [
    ...(quarantine.redriven > 0 ? [`${grouped(quarantine.redriven)} redriven`] : []),
    ...(quarantine.discarded > 0 ? [`${grouped(quarantine.discarded)} discarded`] : []),
  ];
  const waiting = quarantine.waiting === 0 ? 'nothing waits' : `${counted(quarantine.waiting, 'record')} waiting`;
  const about = facts([
    ['Accepted', acceptedText(accepted)],
    ['Replaced', `${counted(status.replaced, 'line')} by a version that differs`],
    ['Stream', `${counted(stream.records, 'record')}, ${bytes(stream.bytes)} of ${bytes(stream.bytesMax)}`],
    ['Quarantine', [waiting, ...settled].join(', ')],
    ['Disk', `${bytes(disk.freeBytes)} free; stops accepting at ${bytes(disk.reserveBytes)}`],
    ['Data', status.dataDirectory],
    ['Time zone', status.timeZone],
  ]);
  const rows = status.consumers.map((consumer) => [
    consumer.store,
    consumer.state,
    counted(consumer.lagRecords, 'record'),
    consumer.lagRecords === 0 ? '-' : duration(consumer.lagSeconds),
    consumer.freshnessMs === null ? '-' : duration(consumer.freshnessMs / 1000),
  ]);
  const stores = table(
    [
      { title: 'Store' },
      { title: 'State' },
      { title: 'Behind', right: true },
      { title: 'For', right: true },
      { title: 'Visible after', right: true },
    ],
    rows,
    {
      width,
      paintTitles: dim,
      paintRow: (line, row) => {
        const consumer = status.consumers[row];
        if (consumer?.state === 'stopped') return red(line);
        return consumer?.error ? yellow(line) : line;
      },
    },
  );
  const troubles = status.consumers
    .filter(({ error }) => error !== null)
    .map(({ store, error }) => {
      const said = [`${store}: ${error?.code}: ${error?.message ?? ''}`, ...(error?.hint ? [error.hint] : [])];
      const [first = '', ...rest] = said.flatMap((text) => wrapped(printable(text), width - 2));
      return `  ${red(first)}\n${rest.map((line) => `  ${line}\n`).join('')}`;
    });
  const head = `${bold(`Tillstream ${status.version}`)} at ${url}, ${up}, ${state}\n\n`;
  return `${head}${about}\n${stores}${troubles.length === 0 ? '' : `\n${troubles.join('')}`}`;
}

function acceptedText({ lines, requests, linesPerSecond }: StatusAnswer['accepted']): string {
  return `${counted(lines, 'line')} in ${counted(requests, 'request')} since the start, ${counted(linesPerSecond, 'line')}/s now`;
}
