// `tillstream imports`: those there were and are; one of them shown, answered, cancelled, its rejects.
import { Command, Option } from 'commander';
import { ENDED, type ImportReport } from '../imports/import.ts';
import type { Answer } from '../imports/imports.ts';
import type { ImportsAnswer } from './answers.ts';
import { ask, download } from './connection.ts';
import { findPlatform } from './find-platform.ts';
import { follow, importOf, importPath } from './import-follow.ts';
import { dateOrderOf, type GivenOptions, importOptions, mapped, percent } from './import-options.ts';
import { answersOf, foundScreen, progressText, questionScreen, rejectsText, resultScreen } from './import-screen.ts';
import { program } from './invocation.ts';
import { type CommonOptions, newCommand, whole, withPlatform, withReaching } from './options.ts';
import { checkPlace, writeTo } from './output-file.ts';
import { err, errText, out, outJson, palette, screenWidth } from './screen.ts';
import { listenForShutdown } from './shutdown.ts';
import { facts, table } from './table.ts';
import { bytes, counted, duration, exactMoney, grouped, moment, printable } from './text.ts';

export function importsCommand(): Command {
  return new Command('imports')
    .summary('lists imports, shows one, answers or cancels it')
    .description('Imports run one after another in the platform, whoever looks. Without a command, they are listed.')
    .addCommand(listCommand(), { isDefault: true })
    .addCommand(showCommand())
    .addCommand(answerCommand())
    .addCommand(cancelCommand())
    .addCommand(rejectsCommand());
}

const ID = ['<id>', 'as imports list gives it'] as const;

interface ListOptions extends CommonOptions {
  readonly limit: number;
}

function listCommand(): Command {
  return withPlatform(
    newCommand('list', {
      summary: 'lists imports, newest first',
      description: 'Lists imports, newest first: when, how they ended or how far they are, and what they brought.',
      again: 'Reads only: run it as often as you like.',
      examples: [
        { command: 'imports', does: '' },
        { command: 'imports list --limit 500', does: '' },
      ],
    }).option('--limit <imports>', 'imports to show at most', whole(1, 1000), 20),
  ).action(async ({ limit, ...options }: ListOptions) => {
    const answer = await ask<ImportsAnswer>(findPlatform(options), '/v1/imports', { has: 'imports', query: { limit } });
    if (options.json === true) return outJson(answer);
    if (answer.imports.length === 0) return err('Nothing was imported yet.\n');
    out(listScreen(answer.imports, screenWidth()));
    if (answer.next !== null) err(`\n  The newest ${grouped(answer.imports.length)}; more with --limit.\n`);
  });
}

/** Columns give way in a narrow terminal, the least telling first. */
function listScreen(imports: readonly ImportReport[], width: number): string {
  const { dim, red, yellow } = palette(process.stdout);
  const columns = [
    { title: 'Id', cell: ({ id }: ImportReport) => id, least: 0 },
    { title: 'When', cell: ({ createdAt }: ImportReport) => moment(createdAt).slice(0, 16), least: 70 },
    { title: 'State', cell: stateText, least: 0 },
    { title: 'Files', cell: filesText, least: 0, flexible: true },
    { title: 'Lines', cell: ({ counts }: ImportReport) => countText(counts?.lines), least: 0, right: true },
    { title: 'Rejected', cell: ({ counts }: ImportReport) => countText(counts?.rejected), least: 0, right: true },
    {
      title: 'Revenue',
      cell: ({ counts }: ImportReport) => (counts === null ? '-' : exactMoney(counts.revenue)),
      least: 90,
      right: true,
    },
    {
      title: 'Took',
      cell: ({ seconds }: ImportReport) => (seconds === null ? '-' : duration(seconds)),
      least: 80,
      right: true,
    },
  ].filter(({ least }) => width >= least);
  return table(
    columns,
    imports.map((each) => columns.map(({ cell }) => cell(each))),
    {
      width,
      paintTitles: dim,
      paintRow: (line, row) => {
        const state = imports[row]?.state;
        return state === 'failed' ? red(line) : state === 'needs_answer' ? yellow(line) : line;
      },
    },
  );
}

function countText(count: number | undefined): string {
  return count === undefined ? '-' : grouped(count);
}

function stateText({ state, progress }: ImportReport): string {
  if (progress === null || (state !== 'staging' && state !== 'loading')) return state.replaceAll('_', ' ');
  return progressText({ state, progress }).split(' · ', 1)[0]?.trim() ?? state;
}

function filesText({ files }: Pick<ImportReport, 'files'>): string {
  const [first] = files;
  if (first === undefined) return '-';
  return files.length === 1 ? first.name : `${first.name} and ${counted(files.length - 1, 'more', 'more')}`;
}

function showCommand(): Command {
  return withPlatform(
    newCommand('show', {
      summary: 'shows one import, and follows one that runs',
      description:
        'Shows one import: how its files are read, what it asks, what came of it. One that runs is followed to its end; Ctrl-C ends the looking, not the import.',
      again: 'Reads only: run it as often as you like.',
      examples: [{ command: 'imports show 20251224-k7mq', does: '' }],
    }).argument(...ID),
  ).action(async (id: string, options: CommonOptions) => {
    const connection = findPlatform(options);
    let report = await importOf(connection, id);
    if (options.json === true) return outJson(report);
    if (report.readings.length > 0) err(`${foundScreen(report, screenWidth())}\n`);
    if (!ENDED.has(report.state) && report.state !== 'needs_answer') {
      const stop = listenForShutdown(() => err('\n'));
      const hasFound = report.readings.length > 0;
      const ended = await follow({ find: () => findPlatform(options), id, signal: stop.signal, hasFound });
      stop.release();
      if (ended === null) return errText(`The import goes on. End it with: ${program()} imports cancel ${id}\n`);
      report = ended;
    }
    showEnd(report);
  });
}

function showEnd(report: ImportReport): void {
  const { id, state, files, error, createdAt, seconds, question } = report;
  const result = resultScreen(report);
  const size = files.reduce((sum, each) => sum + each.bytes, 0);
  const about = facts(
    [
      ['State', state.replaceAll('_', ' ')],
      ['Files', `${filesText(report)}, ${bytes(size)}`],
      ['Came in', moment(createdAt)],
      ...(seconds === null ? [] : [['Took', duration(seconds)] as const]),
      ...(error === null ? [] : [['Why', `${error.code}: ${error.message}`] as const]),
      ...(error?.hint === undefined ? [] : [['Then', error.hint] as const]),
    ],
    screenWidth(),
  );
  out(result === '' ? `${palette(process.stdout).bold(printable(id))}\n\n${about}` : `${result}\n${about}`);
  const rejects = rejectsText(report, null, screenWidth());
  err(rejects === '' ? '' : `\n${rejects}`);
  if (question === null) return;
  err(`\n${questionScreen(question, screenWidth())}`);
  const { why, flags } = answersOf(question);
  errText(`\n${why}: ${program()} imports answer ${id} ${flags.join(' or ')}\n`);
}

interface AnswerOptions
  extends CommonOptions,
    Pick<GivenOptions, 'dateFormat' | 'map' | 'replace' | 'continueNumbering' | 'maxRejects'> {
  readonly dateOrder?: GivenOptions['dateFormat'];
  readonly acceptRejects?: boolean;
}

function answerCommand(): Command {
  return withPlatform(
    newCommand('answer', {
      summary: 'answers what an import asks',
      description:
        'Answers what an import asks; it goes on then, when its turn comes. `imports show` says what it asks.',
      again: 'An import that asks nothing any more refuses.',
      examples: [
        { command: 'imports answer 20251224-k7mq --date-format day-first', does: '' },
        { command: 'imports answer 20251224-k7mq --replace', does: '' },
      ],
    })
      .argument(...ID)
      .option(
        '--date-format <format>',
        'month-first, day-first, or how dates are written: DD/MM/YYYY HH:mm',
        dateOrderOf,
      )
      .addOption(new Option('--date-order <order>', 'the same').argParser(dateOrderOf).hideHelp())
      .option('--map <field=column>', 'column of a field; may be repeated', mapped)
      .option('--replace', 'lines of other sources that would change are replaced')
      .option('--continue-numbering', 'lines are numbered on after those that are there')
      .option('--accept-rejects', 'what can be used is imported, however much cannot')
      .option('--max-rejects <percent>', 'as long as no more cannot be used', percent),
  ).action(async (id: string, given: AnswerOptions, command: Command) => {
    const { dateOrder, acceptRejects, ...options } = given;
    const { dateFormat = dateOrder, maxRejects = acceptRejects === true ? 100 : undefined } = options;
    const {
      dateOrder: order,
      map,
      conflicts,
      maxRejects: most,
    } = importOptions({
      ...options,
      ...(dateFormat === undefined ? {} : { dateFormat }),
      ...(maxRejects === undefined ? {} : { maxRejects }),
    });
    const answer: Answer = {
      ...(order === undefined ? {} : { dateOrder: order }),
      ...(map === undefined ? {} : { map }),
      ...(conflicts === undefined ? {} : { conflicts }),
      ...(most === undefined ? {} : { maxRejects: most }),
    };
    if (Object.keys(answer).length === 0 || (options.replace === true && options.continueNumbering === true)) {
      command.error('say one answer: --date-format, --map, --replace, --continue-numbering or --accept-rejects.');
    }
    const report = await ask<ImportReport>(findPlatform(options), `${importPath(id)}/answer`, {
      method: 'POST',
      body: answer,
      has: 'files',
    });
    if (options.json === true) return outJson(report);
    out(`${printable(id)}  answered\n`);
    errText(`It goes on in its turn: ${program()} imports show ${id}\n`);
  });
}

function cancelCommand(): Command {
  return withPlatform(
    newCommand('cancel', {
      summary: 'ends an import',
      description: 'Ends an import. What is in the stores already stays there, and counts; the rest does not come.',
      again: 'An import that has ended refuses.',
      examples: [{ command: 'imports cancel 20251224-k7mq', does: '' }],
    }).argument(...ID),
  ).action(async (id: string, options: CommonOptions) => {
    const report = await ask<ImportReport>(findPlatform(options), `${importPath(id)}/cancel`, {
      method: 'POST',
      has: 'files',
    });
    if (options.json === true) outJson(report);
    else out(`${printable(id)}  ${report.state === 'cancelled' ? 'cancelled' : 'is being cancelled'}\n`);
  });
}

interface RejectsOptions extends CommonOptions {
  readonly out?: string;
}

function rejectsCommand(): Command {
  return withReaching(
    newCommand('rejects', {
      summary: 'writes the rows that could not be used, as CSV',
      description:
        'Writes the rows that could not be used: the columns of the file, then id, row, code and reason. Mended, `quarantine redrive --from` brings them back in.',
      again: 'Reads only: run it as often as you like.',
      examples: [
        { command: 'imports rejects 20251224-k7mq --out rejects.csv', does: '' },
        { command: 'quarantine redrive --from rejects.csv', does: 'once they are mended' },
      ],
    })
      .argument(...ID)
      .option('--out <file>', 'into this file instead of standard output'),
  ).action(async (id: string, options: RejectsOptions) => {
    if (options.out !== undefined) await checkPlace('--out', options.out, []);
    const rows = download(findPlatform(options), `${importPath(id)}/rejects`, 'text/csv');
    if (options.out !== undefined) return writeTo('--out', options.out, rows);
    for await (const piece of rows) {
      if (!process.stdout.write(piece)) await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
  });
}
