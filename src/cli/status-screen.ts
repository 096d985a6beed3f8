// The screen of `tillstream status`, and what it shares with the one that is painted over. Pure.
import type { StatusAnswer } from './answers.ts';
import { progressText } from './import-screen.ts';
import { palette } from './screen.ts';
import { facts, table } from './table.ts';
import { bytes, counted, duration, grouped, printable, wrapped } from './text.ts';

export function statusScreen(url: string, status: StatusAnswer, width: number): string {
  const { bold, dim, green, red, yellow } = palette(process.stdout);
  const { accepting, accepted, stream } = status;
  const state = accepting.open ? green('accepting') : red(`not accepting: ${printable(accepting.reason ?? 'unknown')}`);
  const up = `up ${duration(status.uptimeSeconds)}`;
  const about = facts([
    ['Accepted', acceptedText(accepted)],
    ['Replaced', `${counted(status.replaced, 'line')} by a version that differs`],
    ['Stream', `${counted(stream.records, 'record')}, ${bytes(stream.bytes)} of ${bytes(stream.bytesMax)}`],
    ['Quarantine', quarantineText(status)],
    ...importFacts(status),
    ['Disk', diskText(status)],
    ['Data', status.dataDirectory],
    ['Time zone', status.timeZone],
  ]);
  const rows = status.consumers.map((consumer) => [
    consumer.store,
    consumer.state,
    counted(consumer.lagRecords, 'record'),
    ...lagTexts(consumer),
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
  const troubles = troublesText(status, width);
  const head = `${bold(`Tillstream ${status.version}`)} at ${url}, ${up}, ${state}\n\n`;
  return `${head}${about}\n${stores}${troubles === '' ? '' : `\n${troubles}`}`;
}

/** For how long a store is behind, and how long its newest record took. */
export function lagTexts(consumer: StatusAnswer['consumers'][number]): [string, string] {
  const { lagRecords, lagSeconds, freshnessMs } = consumer;
  return [lagRecords === 0 ? '-' : duration(lagSeconds), freshnessMs === null ? '-' : duration(freshnessMs / 1000)];
}

export function quarantineText({ quarantine }: StatusAnswer): string {
  const settled = [
    ...(quarantine.redriven > 0 ? [`${grouped(quarantine.redriven)} redriven`] : []),
    ...(quarantine.discarded > 0 ? [`${grouped(quarantine.discarded)} discarded`] : []),
  ];
  const waiting = quarantine.waiting === 0 ? 'nothing waits' : `${counted(quarantine.waiting, 'record')} waiting`;
  return [waiting, ...settled].join(', ');
}

/** Those that have not ended; nothing where there are none. */
export function importFacts({ imports }: StatusAnswer): [string, string][] {
  const asking = imports.filter(({ state }) => state === 'needs_answer');
  const waiting = imports.filter(({ state }) => state === 'waiting').length;
  const running = imports.find(({ state }) => state !== 'needs_answer' && state !== 'waiting');
  const parts = [
    ...(running === undefined ? [] : [`${running.id} is ${progressText(running).trim().split(' · ', 1)[0]}`]),
    ...(waiting === 0 ? [] : [`${grouped(waiting)} waiting`]),
    ...(asking.length === 0 ? [] : [`for an answer waits ${asking.map(({ id }) => id).join(', ')}`]),
  ];
  return parts.length === 0 ? [] : [['Imports', parts.join('; ')]];
}

export function diskText({ disk }: StatusAnswer): string {
  return `${bytes(disk.freeBytes)} free; stops accepting at ${bytes(disk.reserveBytes)}`;
}

/** What keeps stores from going on; empty when nothing does. */
export function troublesText(status: StatusAnswer, width: number): string {
  const { red } = palette(process.stdout);
  return status.consumers
    .flatMap(({ store, error }) => {
      if (error === null) return [];
      const said = [`${store}: ${error.code}: ${error.message}`, ...(error.hint ? [error.hint] : [])];
      const [first = '', ...rest] = said.flatMap((text) => wrapped(printable(text), width - 2));
      return `  ${red(first)}\n${rest.map((line) => `  ${line}\n`).join('')}`;
    })
    .join('');
}

function acceptedText({ lines, requests, linesPerSecond }: StatusAnswer['accepted']): string {
  return `${counted(lines, 'line')} in ${counted(requests, 'request')} since the start, ${counted(linesPerSecond, 'line')}/s now`;
}
