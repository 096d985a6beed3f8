// `tillstream backup` and `tillstream restore`: a copy of everything from a running platform, and a data directory from it.
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import type { RestoreReport } from '../platform/restore.ts';
import type { BackupAnswer, BackupsAnswer } from './answers.ts';
import { ask } from './connection.ts';
import { type Connection, findPlatform } from './find-platform.ts';
import { program } from './invocation.ts';
import { type CommonOptions, newCommand, withJson, withPlatform } from './options.ts';
import { err, errText, out, outJson, type Progress, palette, progress, screenWidth } from './screen.ts';
import { INTERRUPTED, listenForShutdown } from './shutdown.ts';
import { facts } from './table.ts';
import { bytes, counted, duration, moment } from './text.ts';
import { storesTable } from './verify.ts';

export function backupCommand(): Command {
  return withPlatform(
    newCommand('backup', {
      summary: 'copies everything, while the platform runs',
      description:
        'Makes a consistent copy of all stores, at one moment, and compares what it holds. The platform writes it, on its own machine; lines are accepted all the while. Exit code 1 when the stores differ: the copy holds them as they are.',
      again: 'Each run makes a new backup; it never overwrites one. What a run that was killed has left is removed.',
      examples: [
        { command: 'backup /mnt/backup/monday', does: 'a new directory' },
        { command: 'backup /mnt/backup/monday.tar', does: 'one file' },
        { command: 'restore /mnt/backup/monday --data-dir ./restored', does: '' },
      ],
    }).argument('<path>', 'a new or empty directory, or a new file that ends in .tar'),
  ).action(async (path: string, options: CommonOptions) => {
    const connection = findPlatform(options);
    // Who goes away cancels it: see query/backup-routes.ts.
    listenForShutdown(() => {
      err('\nCancelled: the platform removes what it has written.\n');
      process.exit(INTERRUPTED);
    });
    const line = progress();
    const done = new AbortController();
    const watching = watch(connection, line, done.signal);
    const report = await ask<BackupAnswer>(connection, '/v1/backups', {
      method: 'POST',
      body: { path: resolve(path) },
      has: 'stores',
      timeoutMs: Number.POSITIVE_INFINITY,
    }).finally(async () => {
      done.abort();
      await watching;
      line.end('');
    });
    if (options.json === true) outJson(report);
    else out(backupScreen(report));
    errText(options.json === true && report.agrees ? '' : `\n${afterBackup(report)}\n`);
    if (!report.agrees) process.exitCode = 1;
  });
}

const WATCH_INTERVAL_MS = 500;

/** Shows how far the platform is, until told to stop. What cannot be asked is not shown: the backup itself says why. */
async function watch(connection: Connection, line: Progress, signal: AbortSignal): Promise<void> {
  let step = '';
  let startedMs = 0;
  while (!signal.aborted) {
    await pause(WATCH_INTERVAL_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const { running } = await ask<BackupsAnswer>(connection, '/v1/backups', { has: 'running' }).catch(() => ({
      running: null,
    }));
    if (running !== null && running.step !== step) {
      step = running.step;
      startedMs = Date.now();
    }
    const { bytes: done = null, bytesTotal = null } = running ?? {};
    const what = running === null ? 'waiting for what is under way' : STEPS[running.step];
    line.show(bytesLine(what, done, bytesTotal, Date.now() - startedMs));
  }
}

const STEPS: Readonly<Record<NonNullable<BackupsAnswer['running']>['step'], string>> = {
  preparing: 'preparing',
  holding: 'copying the stores, delivery is held',
  comparing: 'comparing the copies',
  copying: 'copying and hashing',
  packing: 'packing',
};

/** `copying 45 % · 1.2 GB of 2.6 GB · 300 MB/s · 5 s left` */
export function bytesLine(what: string, done: number | null, total: number | null, elapsedMs: number): string {
  if (done === null || total === null) return `  ${what}`;
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const parts = [`${what} ${Math.floor(share * 100)} %`, `${bytes(done)} of ${bytes(total)}`];
  if (elapsedMs > 0 && done > 0) {
    const perSecond = done / (elapsedMs / 1000);
    parts.push(`${bytes(perSecond)}/s`, `${duration(Math.ceil(Math.max(0, total - done) / perSecond))} left`);
  }
  return `  ${parts.join(' · ')}`;
}

function backupScreen(report: BackupAnswer): string {
  const { bold } = palette(process.stdout);
  const head = `Backed up ${sizeText(report)} to ${report.path} in ${duration(report.seconds)}.`;
  const about = facts([
    ['Everything up to', report.sequence ?? 'nothing has come in yet'],
    ['Delivery held', `for ${duration(report.heldSeconds)}; lines were accepted all the while`],
  ]);
  return `${bold(head)}\n\n${about}\n${storesTable(report.stores, screenWidth())}`;
}

function sizeText({ bytes: size, files }: Pick<BackupAnswer, 'bytes' | 'files'>): string {
  return `${bytes(size)} in ${counted(files, 'file')}`;
}

function afterBackup({ path, agrees }: BackupAnswer): string {
  const { green, red } = palette(process.stderr);
  if (!agrees) {
    return `${red('verify_difference')}: the stores differ, and the backup holds them as they are. ${program()} verify says more.`;
  }
  return `${green('All copies agree.')} Restore it with: ${program()} restore ${path} --data-dir <new directory>`;
}

interface RestoreCommandOptions {
  readonly dataDir: string;
  readonly newKeys?: boolean;
  readonly json?: boolean;
}

export function restoreCommand(): Command {
  return withJson(
    newCommand('restore', {
      summary: 'makes a data directory from a backup',
      description:
        'Makes a data directory from a backup, by itself: no platform needs to run. Every file is checked on its way; of a backup that is damaged or not whole, nothing is restored.',
      again: 'It never overwrites anything. Cut off, it leaves nothing that a platform would start on: run it again.',
      examples: [
        { command: 'restore /mnt/backup/monday', does: 'into ./tillstream-data' },
        { command: 'restore monday.tar --data-dir /srv/shop', does: '' },
        { command: 'restore monday.tar --new-keys', does: 'and no key or token of then opens anything' },
        { command: 'up --data-dir /srv/shop', does: 'goes on where the backup was taken' },
      ],
    })
      .argument('<backup>', 'a directory or a tar, as backup made it')
      .addOption(
        new Option('--data-dir <directory>', 'a new or empty directory')
          .env('TILLSTREAM_DATA_DIR')
          .default('./tillstream-data'),
      )
      .option('--new-keys', 'revokes all keys and tokens of the backup; the first start makes a new admin key'),
  ).action(async (backup: string, { dataDir, newKeys = false, json }: RestoreCommandOptions) => {
    const { restore } = await import('../platform/restore.ts');
    const stop = listenForShutdown(() => {});
    const line = progress();
    const startedMs = Date.now();
    let report: RestoreReport;
    try {
      report = await restore({
        backup,
        dataDirectory: dataDir,
        newKeys,
        onProgress: (done, total) => {
          stop.signal.throwIfAborted();
          line.show(bytesLine('restoring', done, total, Date.now() - startedMs));
        },
      }).finally(() => line.end(''));
    } catch (error) {
      if (!stop.signal.aborted) throw error;
      err('Cancelled: nothing was restored.\n');
      process.exitCode = INTERRUPTED;
      return;
    }
    if (json === true) return outJson(report);
    out(restoreScreen(report));
    errText(`\n${aboutKeys(report)}\nGo on with: ${program()} up --data-dir ${dataDir}\n`);
  });
}

function aboutKeys({ newKeys, createdAt }: RestoreReport): string {
  if (newKeys)
    return 'No key or token of the backup opens anything: the first start makes an admin key; make the others anew.';
  return (
    `Keys and tokens are as of ${moment(createdAt)}: what was revoked since is good again. ` +
    `Revoke it again (${program()} keys list), or restore with --new-keys.`
  );
}

function restoreScreen(report: RestoreReport): string {
  const { bold } = palette(process.stdout);
  const head = `Restored ${sizeText(report)} into ${report.dataDirectory} in ${duration(report.seconds)}.`;
  const later = report.streamNewest !== report.sequence;
  const about = facts([
    ['Backup', `of ${moment(report.createdAt)}, by Tillstream ${report.tillstream}`],
    ['Stores are at', report.sequence ?? 'the beginning'],
    ...(later ? [['Then delivered', `what came during the backup, up to ${report.streamNewest}`] as const] : []),
  ]);
  return `${bold(head)}\n\n${about}\n${storesTable(report.stores, screenWidth())}`;
}
