// `tillstream quarantine`: what could not be used, why, and what becomes of it.
import { Command, Option } from 'commander';
import { isTillstreamError } from '../model/errors.ts';
import type { QuarantineEntryAnswer, QuarantineListAnswer, SettledAnswer } from './answers.ts';
import { ask } from './connection.ts';
import { reportError } from './failure.ts';
import { type Connection, findPlatform } from './find-platform.ts';
import { type CommonOptions, newCommand, whole, withPlatform } from './options.ts';
import {
  type Correction,
  entryPath,
  redrive,
  redriveFrom,
  rowScreen,
  setPair,
  type WholeEntryAnswer,
} from './quarantine-rows.ts';
import { err, errText, out, outJson, palette, progress, screenWidth } from './screen.ts';
import { facts, table } from './table.ts';
import { bytes, counted, grouped, moment, printable, wrapped } from './text.ts';

/** `imports`: rows of files. */
const ROWS = 'imports';
const STORES = ['lake', 'orders', 'warehouse', ROWS];

export function quarantineCommand(): Command {
  return new Command('quarantine')
    .summary('lists, shows, redrives or discards what could not be used')
    .description(
      'Records that a store could not use, and rows of imported files that are no lines, wait in quarantine, whole, with the reason; the shop goes on without them. ' +
        'Fix the cause, then redrive them; or discard what is not worth keeping in that store (the lake keeps it, if it could use it).',
    )
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(redriveCommand())
    .addCommand(discardCommand());
}

interface ListOptions extends CommonOptions {
  readonly state: string;
  readonly store?: string;
  readonly limit: number;
}

function listCommand(): Command {
  return withPlatform(
    newCommand('list', {
      summary: 'lists what waits',
      description: 'Lists what waits in quarantine, and why.',
      again: 'Reads only: run it as often as you like.',
      examples: [
        { command: 'quarantine list', does: '' },
        { command: 'quarantine list --store orders --state discarded', does: '' },
      ],
    })
      .addOption(
        new Option('--state <state>', 'in which state')
          .choices(['waiting', 'redriven', 'discarded'])
          .default('waiting'),
      )
      .addOption(new Option('--store <store>', 'of one store only').choices(STORES))
      .option('--limit <entries>', 'entries to show at most', whole(1, 1000), 50),
  ).action(async ({ state, store, limit, ...options }: ListOptions) => {
    const answer = await ask<QuarantineListAnswer>(findPlatform(options), '/v1/quarantine', {
      has: 'entries',
      query: { state, store, limit },
    });
    if (options.json === true) return outJson(answer);
    if (answer.entries.length === 0)
      return err(state === 'waiting' ? 'Nothing waits in quarantine.\n' : `Nothing ${state}.\n`);
    out(listScreen(answer.entries, screenWidth()));
    if (answer.next !== null) err(`\n  The first ${grouped(answer.entries.length)}; more with --limit.\n`);
  });
}

/** An entry takes more than a line: the reason says most, and needs the room. */
function listScreen(entries: readonly QuarantineEntryAnswer[], width: number): string {
  const { dim } = palette(process.stdout);
  const rows = table(
    [{ title: 'Id' }, { title: 'Since' }, { title: 'Tried', right: true }],
    entries.map((entry) => [entry.id, moment(entry.quarantinedAt), grouped(entry.attempts)]),
    { width, paintTitles: dim },
  ).split('\n');
  const reasons = entries.map(({ code, message }) => wrapped(printable(`${code}: ${message}`), width - 4));
  const lines = rows
    .slice(1, -1)
    .flatMap((row, index) => [row, ...(reasons[index] ?? []).map((line) => `    ${line}`)]);
  return `${[rows[0], ...lines].join('\n')}\n`;
}

function showCommand(): Command {
  return withPlatform(
    newCommand('show', {
      summary: 'shows one record whole, with the reason',
      description: 'Shows one record whole, with the reason why a store could not use it.',
      again: 'Reads only: run it as often as you like.',
      examples: [{ command: 'quarantine show orders-0000000000000042', does: '' }],
    }).argument('<id>', 'as quarantine list gives it'),
  ).action(async (id: string, options: CommonOptions) => {
    const entry = await ask<WholeEntryAnswer>(findPlatform(options), entryPath(id), { has: 'id' });
    if (options.json === true) return outJson(entry);
    if (entry.store === ROWS) return out(rowScreen(entry));
    const { bold, dim } = palette(process.stdout);
    const about = facts(
      [
        ['Why', `${entry.code}: ${entry.message}`],
        ['State', `${entry.state}, tried ${counted(entry.attempts, 'time')}`],
        ['Arrived', moment(entry.arrivedAt)],
        ['Quarantined', moment(entry.quarantinedAt)],
      ],
      screenWidth(),
    );
    const lines = entry.data.split('\n').filter((line) => line !== '');
    const data = lines.map((line) => `  ${printable(line)}\n`).join('');
    const size = `${counted(lines.length, 'line')}, ${bytes(entry.bytes)}`;
    out(`${bold(printable(entry.id))}\n\n${about}\n  ${dim(`The record (${size}):`)}\n${data}`);
  });
}

interface RedriveOptions extends CommonOptions {
  readonly set?: Correction;
  readonly from?: string;
  readonly all?: boolean;
  readonly store?: string;
}

function redriveCommand(): Command {
  return withPlatform(
    newCommand('redrive', {
      summary: 'brings records back in, once the cause is fixed',
      description:
        'Brings records back into the store that could not use them. A row of an imported file comes back in corrected, as a line with the number that it had: ' +
        'one by one with --set, or all of a file of rejects that was mended with --from.',
      again: 'What fails again waits again, with the new reason; what is in a store already counts once.',
      examples: [
        { command: 'quarantine redrive orders-0000000000000042', does: '' },
        { command: 'quarantine redrive --all --store orders', does: '' },
        { command: 'quarantine redrive imports-20251224-k7mq-0000000002 --set Quantity=6', does: '' },
        { command: 'quarantine redrive --from rejects.csv', does: 'that import --rejects wrote, mended' },
      ],
    })
      .argument('[id...]', 'as quarantine list gives them')
      .option('--all', 'all that wait; rows of files, which come back in mended, only with --store imports')
      .option('--set <column=value>', 'of a row of a file: this instead; may be repeated', setPair)
      .option('--from <csv>', 'a file of rejects whose rows are mended')
      .addOption(new Option('--store <store>', 'with --all: of one store').choices(STORES)),
  ).action(async (ids: string[], options: RedriveOptions, command: Command) => {
    const { all = false, set, from } = options;
    if ([ids.length > 0, all, from !== undefined].filter(Boolean).length !== 1) {
      command.error('name what to redrive by its id, or say --all, or --from with a file.');
    }
    if (set !== undefined && ids.length === 0) command.error('--set belongs to rows that are named by their ids.');
    const connection = findPlatform(options);
    if (from !== undefined) return redriveFile(connection, from, options.json === true);
    const waiting = ids.length > 0 ? [] : await waitingEntries(connection, options.store);
    const wanted = waiting.filter(({ store }) => store !== ROWS || options.store === ROWS).map(({ id }) => id);
    if (ids.length + waiting.length === 0) return err('Nothing waits in quarantine.\n');
    await settleEach([...ids, ...wanted], options, (id) => redrive(connection, id, set));
    const left = waiting.length - wanted.length;
    if (left > 0)
      errText(`${counted(left, 'row')} of imported files are left, which come back in mended: --from, or --set.\n`);
  });
}

async function redriveFile(connection: Connection, path: string, json: boolean): Promise<void> {
  const { bold } = palette(process.stdout);
  const line = progress();
  const result = await redriveFrom(connection, path, line).finally(() => line.end(''));
  if (result.failed.length > 0) process.exitCode = 1;
  if (json) return outJson(result);
  out(`${bold(`${counted(result.redriven, 'row')} redriven, ${grouped(result.failed.length)} wait again`)}\n`);
  for (const { id, reason } of result.failed.slice(0, FAILED_SHOWN)) {
    for (const [at, text] of wrapped(printable(`${id}  ${reason}`), screenWidth() - 4).entries()) {
      err(`  ${at === 0 ? '' : '  '}${text}\n`);
    }
  }
  const more = result.failed.length - FAILED_SHOWN;
  if (more > 0) err(`  … and ${grouped(more)} more\n`);
}

/** A screenful. */
const FAILED_SHOWN = 20;

interface DiscardOptions extends CommonOptions {
  readonly import?: string;
  readonly store?: string;
}

function discardCommand(): Command {
  return withPlatform(
    newCommand('discard', {
      summary: 'gives records up for a store',
      description:
        'Gives records up for the store that could not use them. They stay in the list of discarded ones, and in the ' +
        'lake; what the lake itself could not use, only the quarantine keeps.',
      again: 'A discarded record can still be redriven.',
      examples: [
        { command: 'quarantine discard orders-0000000000000042', does: '' },
        { command: 'quarantine discard --import 20251224-k7mq', does: 'all rows of its files that wait' },
      ],
    })
      .argument('[id...]', 'as quarantine list gives them')
      .option('--import <id>', 'all that wait of one import')
      .addOption(new Option('--store <store>', 'all that wait of one store').choices(STORES)),
  ).action(async (ids: string[], options: DiscardOptions, command: Command) => {
    const { store, import: ofImport } = options;
    if ([ids.length > 0, store !== undefined, ofImport !== undefined].filter(Boolean).length !== 1) {
      command.error('name what to discard by its id, or say --import or --store.');
    }
    const connection = findPlatform(options);
    const waiting = ids.length > 0 ? [] : await waitingEntries(connection, store ?? ROWS);
    const wanted = waiting.filter(({ id }) => ofImport === undefined || id.startsWith(`${ROWS}-${ofImport}-`));
    if (ids.length + wanted.length === 0) return err('Nothing of it waits in quarantine.\n');
    await settleEach([...ids, ...wanted.map(({ id }) => id)], options, (id) =>
      ask<SettledAnswer>(connection, entryPath(id), { method: 'DELETE', has: 'state' }),
    );
  });
}

/** Of so many, each that goes well is no longer told of. */
const TOLD_MAX = 100;

/** One after the other; one that fails does not keep the others from being tried. Exit code 1 if any did. */
async function settleEach(
  ids: readonly string[],
  options: CommonOptions,
  settle: (id: string) => Promise<SettledAnswer>,
): Promise<void> {
  const { green, red } = palette(process.stdout);
  const settled: SettledAnswer[] = [];
  const line = progress();
  const isMany = ids.length > TOLD_MAX;
  const tell = ({ id, state, message }: SettledAnswer): void => {
    // What a redriven record says beyond its state, the state says.
    const reason = state === 'redriven' || message === undefined ? '' : `: ${printable(message)}`;
    line.end('');
    out(`${printable(id)}  ${state === 'waiting' ? red('waits again') : green(printable(state))}${reason}\n`);
  };
  for (const [at, id] of ids.entries()) {
    try {
      const answer = await settle(id);
      settled.push(answer);
      const failed = answer.state === 'waiting';
      if (failed) process.exitCode = 1;
      if (options.json !== true && (failed || !isMany)) tell(answer);
    } catch (error) {
      line.end('');
      if (isTillstreamError(error, 'unreachable')) throw error;
      process.exitCode = reportError(error);
    }
    if (isMany) line.show(`${grouped(at + 1)} of ${grouped(ids.length)}`);
  }
  line.end('');
  if (options.json === true) return outJson(settled);
  if (isMany) out(`${countsOf(settled)}\n`);
}

/** `1,998 redriven, 2 wait again` */
function countsOf(settled: readonly SettledAnswer[]): string {
  const words = { redriven: 'redriven', discarded: 'discarded', waiting: 'wait again' } as const;
  return Object.entries(words)
    .map(([state, word]) => ({ word, count: settled.filter((each) => each.state === state).length }))
    .filter(({ count }) => count > 0)
    .map(({ word, count }) => `${grouped(count)} ${word}`)
    .join(', ');
}

/** As many as an answer may have. */
const PAGE_ENTRIES = 1000;

/** All of them before the first is tried: one that fails waits again, and would come up again. */
async function waitingEntries(
  connection: Connection,
  store: string | undefined,
): Promise<QuarantineListAnswer['entries'][number][]> {
  const waiting: QuarantineListAnswer['entries'][number][] = [];
  let after: string | undefined;
  do {
    const { entries, next } = await ask<QuarantineListAnswer>(connection, '/v1/quarantine', {
      has: 'entries',
      query: { state: 'waiting', store, limit: PAGE_ENTRIES, after },
    });
    waiting.push(...entries);
    after = next ?? undefined;
  } while (after !== undefined);
  return waiting;
}
