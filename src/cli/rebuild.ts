// `tillstream rebuild`: a store of a running platform anew, from the lake alone.
import { setTimeout as pause } from 'node:timers/promises';
import { Argument, type Command } from 'commander';
import type { RebuildAnswer, RebuildsAnswer } from './answers.ts';
import { bytesLine } from './backup.ts';
import { ask } from './connection.ts';
import { type Connection, findPlatform } from './find-platform.ts';
import { program } from './invocation.ts';
import { type CommonOptions, newCommand, withPlatform } from './options.ts';
import { err, errText, out, outJson, type Progress, palette, progress } from './screen.ts';
import { INTERRUPTED, listenForShutdown } from './shutdown.ts';
import { facts } from './table.ts';
import { duration, exactMoney, grouped } from './text.ts';

export function rebuildCommand(): Command {
  return withPlatform(
    newCommand('rebuild', {
      summary: 'builds a store anew, from the lake',
      description:
        'Builds the order store or the warehouse anew from the lake alone, beside the one that is there: that one answers, and lines are accepted, until the new one takes its place. For a store that has stopped with stream_gap, was lost or damaged, or that verify finds to differ.',
      again: 'Each run builds anew, to the same end. Cut off, it changes nothing: the old store goes on.',
      examples: [
        { command: 'rebuild warehouse', does: '' },
        { command: 'rebuild orders --json', does: '' },
        { command: 'verify', does: 'proves what was built' },
      ],
    }).addArgument(new Argument('<store>', 'the store').choices(['orders', 'warehouse'])),
  ).action(async (store: RebuildAnswer['store'], options: CommonOptions) => {
    const connection = findPlatform(options);
    // Who goes away cancels it: see query/rebuild-routes.ts.
    listenForShutdown(() => {
      err('\nCancelled: the store that is there goes on.\n');
      process.exit(INTERRUPTED);
    });
    const line = progress();
    const done = new AbortController();
    const watching = watch(connection, line, done.signal);
    const report = await ask<RebuildAnswer>(connection, `/v1/rebuild/${store}`, {
      method: 'POST',
      has: 'revenue',
      timeoutMs: Number.POSITIVE_INFINITY,
    }).finally(async () => {
      done.abort();
      await watching;
      line.end('');
    });
    if (options.json === true) return outJson(report);
    out(screen(report));
    errText(`\nProve it with: ${program()} verify\n`);
  });
}

const WATCH_INTERVAL_MS = 500;

/** Shows how far the platform is, until told to stop. What cannot be asked is not shown: the rebuild itself says why. */
async function watch(connection: Connection, line: Progress, signal: AbortSignal): Promise<void> {
  let known = '';
  let startedMs = 0;
  while (!signal.aborted) {
    await pause(WATCH_INTERVAL_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const { running } = await ask<RebuildsAnswer>(connection, '/v1/rebuild', { has: 'running' }).catch(() => ({
      running: null,
    }));
    // Each round is counted from its own beginning.
    const round = running === null ? '' : `${running.step} ${running.bytesTotal}`;
    if (round !== known) startedMs = Date.now();
    known = round;
    line.show(lineOf(running, Date.now() - startedMs));
  }
}

const STEPS: Readonly<Record<NonNullable<RebuildsAnswer['running']>['step'], string>> = {
  preparing: 'bringing the stores to one record',
  building: 'reading the lake',
  'catching up': 'catching up',
};

function lineOf(running: RebuildsAnswer['running'], elapsedMs: number): string {
  if (running === null) return bytesLine('waiting for what is under way', null, null, 0);
  const { step, bytes, bytesTotal } = running;
  const isCounted = step === 'building' && bytesTotal > 0;
  return bytesLine(STEPS[step], isCounted ? bytes : null, isCounted ? bytesTotal : null, elapsedMs);
}

function screen({ store, lines, invoices, revenue, seconds, sequence }: RebuildAnswer): string {
  const { bold } = palette(process.stdout);
  const name = store === 'orders' ? 'The order store' : 'The warehouse';
  const about = facts([
    ['Lines', grouped(lines)],
    ['Invoices', grouped(invoices)],
    ['Revenue', exactMoney(revenue)],
    ['As of record', sequence ?? 'none yet'],
  ]);
  return `${bold(`${name} was built anew from the lake in ${duration(seconds)}.`)}\n\n${about}`;
}
