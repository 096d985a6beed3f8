// `tillstream import`: files go up, and round the stream into all stores; what was found, progress, questions, a summary.
import { type Command, Option } from 'commander';
import type { ImportReport } from '../imports/import.ts';
import { TillstreamError } from '../model/errors.ts';
import { bytesLine } from './backup.ts';
import { ask, download } from './connection.ts';
import { type Connection, findPlatform } from './find-platform.ts';
import { type FileToSend, filesToSend, uploadOf } from './import-files.ts';
import { type Following, follow, importPath } from './import-follow.ts';
import { type GivenOptions, importOptions, withImportOptions } from './import-options.ts';
import { askPerson, canAsk } from './import-question.ts';
import { answersOf, questionScreen, rejectsText, resultScreen } from './import-screen.ts';
import { program } from './invocation.ts';
import { type CommonOptions, newCommand, withPlatform } from './options.ts';
import { checkPlace, writeTo } from './output-file.ts';
import { err, errText, out, outJson, progress, screenWidth } from './screen.ts';
import { INTERRUPTED, listenForShutdown } from './shutdown.ts';

interface ImportCommandOptions extends CommonOptions, GivenOptions {
  readonly rejects?: string;
}

export function importCommand(): Command {
  return withPlatform(
    withImportOptions(
      newCommand('import', {
        summary: 'imports files of any size, round the stream into all stores',
        description:
          'Sends files (CSV, NDJSON, Parquet; plain, gzip or zstd) to the platform, which reads them by itself: what was found is shown before anything is stored. ' +
          'What only you can know is asked; where nobody can be asked, the import is cancelled, and the flag named that answers. ' +
          'A row that cannot be used does not stop it: it waits in quarantine. Exit code 3 when there were some.\n\n' +
          'Files without a LineNo column are numbered within each invoice, on across all files of the command: name the parts of one export in one command, in their order.',
        again:
          'The same files again do nothing; --again imports them once more, and changes nothing. Once they are sent, the import goes on without this command.',
        examples: [
          { command: 'import shop.csv', does: '' },
          { command: 'import may.csv june.csv.gz --dry-run', does: 'counts and looks only' },
          { command: 'import shop.csv --date-format DD/MM/YYYY', does: 'which is day-first' },
          { command: 'import shop.csv --map price=Amount --rejects rejects.csv', does: '' },
        ],
      }).argument('<file...>', 'files, in this order; - is standard input'),
    ).addOption(new Option('--rejects <csv>', 'write rows that cannot be used, with the reason, to this file')),
  ).action(async (paths: string[], options: ImportCommandOptions, command: Command) => {
    if (options.replace === true && options.continueNumbering === true) {
      command.error('--replace and --continue-numbering are two answers to one question.');
    }
    const files = await filesToSend(paths);
    if (options.rejects !== undefined) await checkPlace('--rejects', options.rejects, paths);
    const connection = findPlatform(options);
    const uploaded = await upload(connection, files, options);
    if (uploaded === null) return;
    const report = await seeThrough({ id: uploaded.id, find: () => findPlatform(options), hasFound: false }, options);
    if (report !== null) await conclude(report, connection, options);
  });
}

/** null: interrupted; nothing of it is left. */
async function upload(
  connection: Connection,
  files: readonly FileToSend[],
  options: ImportCommandOptions,
): Promise<ImportReport | null> {
  const stop = listenForShutdown(() => err('\n'));
  const line = progress();
  const startedMs = Date.now();
  const total = files.reduce<number | null>(
    (sum, { bytes }) => (sum === null || bytes === null ? null : sum + bytes),
    0,
  );
  const sending = uploadOf(files, importOptions(options), (done) =>
    line.show(bytesLine('sending', done, total, Date.now() - startedMs)),
  );
  try {
    return await ask<ImportReport>(connection, '/v1/imports', {
      method: 'POST',
      upload: sending,
      signal: stop.signal,
      has: 'files',
      timeoutMs: Number.POSITIVE_INFINITY,
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    err(
      `Cancelled while the files were sent: nothing is imported, unless the last byte was there. See: ${program()} imports\n`,
    );
    process.exitCode = INTERRUPTED;
    return null;
  } finally {
    line.end('');
    stop.release();
  }
}

/** Through all its questions, to its end. null: whoever looked has gone; the import goes on. */
async function seeThrough(
  following: Omit<Following, 'signal'>,
  options: ImportCommandOptions,
): Promise<ImportReport | null> {
  const { find, id } = following;
  const stop = listenForShutdown(() => err('\n'));
  const whole: Following = { ...following, signal: stop.signal };
  try {
    for (;;) {
      const report = await follow(whole);
      if (report === null) return goneFrom(id, false);
      if (report.state !== 'needs_answer' || report.question === null) return report;
      const rejects = rejectsText(report, null, screenWidth());
      if (!canAsk() || options.json === true) {
        err(`${questionScreen(report.question, screenWidth())}\n`);
        err(rejects === '' ? '' : `${rejects}\n`);
        await cancel(find(), id);
        throw unanswered(report.question);
      }
      err(rejects === '' ? '' : `${rejects}\n`);
      const answer = await askPerson(report.question);
      if (answer === undefined) return goneFrom(id, true);
      if (answer === null) {
        await cancel(find(), id);
        err('Cancelled: nothing of it is stored.\n');
        process.exitCode = 1;
        return null;
      }
      await ask<ImportReport>(find(), `${importPath(id)}/answer`, { method: 'POST', body: answer, has: 'files' });
    }
  } finally {
    stop.release();
  }
}

function cancel(connection: Connection, id: string): Promise<ImportReport> {
  return ask<ImportReport>(connection, `${importPath(id)}/cancel`, { method: 'POST', has: 'files' });
}

/** Says how to come back to it. */
function goneFrom(id: string, isAsking: boolean): null {
  const ways = isAsking
    ? `The import waits for an answer in the platform. Answer it with: ${program()} imports answer ${id}`
    : `The import goes on in the platform. Look at it with: ${program()} imports show ${id}`;
  errText(`${ways}\nEnd it with: ${program()} imports cancel ${id}\n`);
  process.exitCode = INTERRUPTED;
  return null;
}

function unanswered(question: NonNullable<ImportReport['question']>): TillstreamError {
  const { flags, why } = answersOf(question);
  const message = 'the import asks what nobody here can answer; it is cancelled, and nothing of it is stored.';
  return new TillstreamError('needs_answer', message, { hint: `${why}: ${flags.join(' or ')}` });
}

/** What came of it, and the exit code. */
async function conclude(
  report: ImportReport,
  connection: Connection,
  { json, rejects }: ImportCommandOptions,
): Promise<void> {
  const { id, state, error, counts } = report;
  const rejected = counts?.rejected ?? 0;
  const hasFile = rejects !== undefined && rejected > 0 && (state === 'done' || state === 'checked');
  if (hasFile) await writeTo('--rejects', rejects, download(connection, `${importPath(id)}/rejects`, 'text/csv'));
  if (json === true) outJson(report);
  if (state === 'failed' && error !== null)
    throw new TillstreamError(error.code, error.message, { ...(error.hint === undefined ? {} : { hint: error.hint }) });
  if (state === 'cancelled') throw new TillstreamError('conflict', `the import ${id} was cancelled.`);
  if (json !== true) out(resultScreen(report));
  const text = rejectsText(report, hasFile ? rejects : null, screenWidth());
  err(text === '' ? '' : `\n${text}`);
  if (state === 'already_imported')
    errText(`\nTo import them once more: --again. That changes nothing that is there.\n`);
  if (report.question !== null) {
    err(`\n${questionScreen(report.question, screenWidth())}`);
    errText(
      `\nThe import will ask for this. ${answersOf(report.question).why}: ${answersOf(report.question).flags.join(' or ')}\n`,
    );
    process.exitCode = 1;
  } else if (rejected > 0) process.exitCode = 3;
}
