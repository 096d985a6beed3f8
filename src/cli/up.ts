// `tillstream up`: runs the platform until Ctrl-C; with --sample, a trial with generated lines.
import type { Command } from 'commander';
import type { Target } from '../client/connection.ts';
import type { AdminKey } from '../platform/access.ts';
import { CLOSE_TIMEOUT_MS, LINGER_TIMEOUT_MS } from '../platform/closing.ts';
import { type Config, readConfig } from '../platform/config.ts';
import type { SampleWish } from '../platform/data-directory.ts';
import type { Platform } from '../platform/local.ts';
import { openBrowser } from './browser.ts';
import { reportError } from './failure.ts';
import { version } from './invocation.ts';
import { newCommand, whole, withJson } from './options.ts';
import { latency, progressLine } from './replay.ts';
import { playSample, SAMPLE_LINES, tryNext, tryNextInSample } from './sample.ts';
import { err, errText, out, outliveReaders, palette, progress, screenWidth } from './screen.ts';
import { flaggedIn, settingLines, withSettings } from './settings.ts';
import { INTERRUPTED, listenForShutdown, type Shutdown } from './shutdown.ts';
import { facts } from './table.ts';
import { counted, duration, grouped } from './text.ts';
import { storesScreen, verdict } from './verify.ts';

const SAMPLE_DIRECTORY = './tillstream-sample';

interface UpOptions {
  readonly sample?: number | true;
  readonly exit?: boolean;
  readonly open?: boolean;
  readonly json?: boolean;
}

export function upCommand(): Command {
  const command = newCommand('up', {
    summary: 'runs the platform',
    description:
      'Runs the platform: accepts invoice lines over HTTP, keeps them, and serves shop and analysts. Ctrl-C ends it; nothing accepted is lost.',
    again: 'Started again on the same data directory, it goes on where it was.',
    examples: [
      { command: 'up', does: 'your own, in ./tillstream-data' },
      { command: 'up --sample', does: 'with sample lines, in ./tillstream-sample' },
      { command: 'up --sample=100000 --exit', does: 'a trial: 0 when every store agrees' },
      { command: 'up --data-dir /srv/shop --port 9000', does: '' },
    ],
  });
  return withJson(
    withSettings(command)
      .option('--sample [lines]', `play generated lines through HTTP (${grouped(SAMPLE_LINES)} of them)`, whole(1))
      .option('--exit', 'end once all lines are in every store and verify agrees')
      .option('--open', 'open its documentation in the browser')
      .addHelpText('after', `\nMore settings, by environment variable:\n${settingLines()}`),
  ).action(async (options: UpOptions) => {
    const flagged = flaggedIn(command);
    // A shop's own directory, named once for all by the variable, is not meant for a sample.
    const dataDirectory =
      options.sample === undefined ? flagged.dataDirectory : (flagged.dataDirectory ?? SAMPLE_DIRECTORY);
    await run(options, readConfig(process.env, { ...flagged, dataDirectory }));
  });
}

async function run(options: UpOptions, config: Config): Promise<void> {
  outliveReaders();
  const stop = listenForShutdown(() => err('\nDraining … Ctrl-C again ends at once; either loses nothing.\n'));
  const { startPlatform } = await import('../platform/local.ts');
  let failure: unknown = null;
  const platform = await startPlatform({
    config,
    sample: options.sample === undefined ? null : sampleWish(options.sample),
    onFatal: (error) => {
      failure ??= error;
      stop.now();
    },
  }).catch((error: unknown) => {
    endSoon();
    throw error;
  });
  try {
    await serve(platform, options, stop);
  } catch (error) {
    failure ??= error;
  }
  // What has not been drained by then is delivered after the next start.
  const late = setTimeout(() => process.exit(failure === null ? undefined : reportError(failure)), CLOSE_TIMEOUT_MS);
  await platform.close().catch((error: unknown) => {
    failure ??= error;
  });
  clearTimeout(late);
  endSoon();
  if (failure !== null) throw failure;
}

function sampleWish(sample: number | true): SampleWish {
  return sample === true ? { lines: SAMPLE_LINES, isNamed: false } : { lines: sample, isNamed: true };
}

/** Resolves when the platform is to end. */
async function serve(platform: Platform, options: UpOptions, stop: Shutdown): Promise<void> {
  const { sample } = options;
  announce(platform, options);
  if (options.open === true) openBrowser(docsOf(platform));
  const done = sample === undefined || (await trySample(platform, options, stop));
  if (options.exit === true) {
    const agreed = sample === undefined ? await verified(platform, options, stop) : done;
    if (!agreed) process.exitCode = stop.signal.aborted ? INTERRUPTED : 1;
  } else if (!stop.signal.aborted) {
    if (options.json !== true) out(platform.sample === null ? tryNext(platform) : `\n${tryNextInSample(platform)}`);
    await stop.asked;
  }
}

function docsOf({ url }: Platform): string {
  return `${url}/docs`;
}

function announce(platform: Platform, options: UpOptions): void {
  const { url, dataDirectory, sample, adminKey } = platform;
  if (sample !== null && options.sample === undefined) {
    err(
      `${dataDirectory} holds sample lines: a shop's own would mix with them. Name another with --data-dir for those.\n`,
    );
  }
  if (options.json === true) {
    const { file = null, key = null, isNew = false } = adminKey ?? {};
    out(
      `${JSON.stringify({ url, dataDirectory, pid: process.pid, adminKeyFile: file, adminKey: isNew ? key : null })}\n`,
    );
    return;
  }
  const { bold } = palette(process.stdout);
  const data = sample === null ? dataDirectory : `${dataDirectory} (sample data)`;
  out(
    `${bold(`Tillstream ${version()} is running.`)}\n\n${facts([
      ['HTTP', url],
      ['Docs', docsOf(platform)],
      ['Data', data],
      ...keyFacts(adminKey),
    ])}\n`,
  );
}

function keyFacts(adminKey: AdminKey | null): (readonly [string, string])[] {
  if (adminKey === null) return [['Key', 'none is asked for (--no-auth)']];
  const { key, file, isNew } = adminKey;
  if (!isNew) return [['Key', `in ${file}`]];
  return [
    ['Key', key],
    ['', `shown this once; kept in ${file} for the commands on this machine`],
  ];
}

function targetOf({ url, adminKey, certificate }: Platform): Target {
  return { url, key: adminKey?.key, certificate: certificate ?? undefined };
}

/** Plays the sample and compares the stores; answers whether all of it arrived and they agree. */
async function trySample(platform: Platform, options: UpOptions, stop: Shutdown): Promise<boolean> {
  const lines = platform.sample?.lines ?? SAMPLE_LINES;
  const quiet = options.json === true;
  if (!quiet) err(`Playing ${counted(lines, 'sample line')} through HTTP, each a request of its own …\n`);
  const line = progress();
  const startedMs = Date.now();
  const summary = await playSample({
    directory: platform.dataDirectory,
    target: targetOf(platform),
    lines,
    signal: stop.signal,
    onProgress: (now) => line.show(progressLine(now, undefined, Date.now() - startedMs)),
  }).finally(() => line.end(''));
  if (stop.signal.aborted) return false;
  const { p50, p99 } = summary.latencyMs;
  const rate = `${counted(Math.round(summary.linesPerSecond), 'line')}/s`;
  const accepted = `${counted(summary.accepted, 'line')} accepted in ${duration(summary.seconds)}: ${rate}`;
  if (!quiet) out(`${accepted} (p50 ${latency(p50)}, p99 ${latency(p99)})\n\n`);
  return (await verified(platform, options, stop)) && summary.accepted === lines;
}

/** False also when Ctrl-C comes first: it never waits for stores that are behind. */
async function verified(platform: Platform, options: UpOptions, stop: Shutdown): Promise<boolean> {
  const verifying = platform.verify();
  verifying.catch(() => {}); // Closing the platform ends it.
  const report = await Promise.race([verifying, stop.asked]);
  if (report === undefined) return false;
  if (options.json === true) out(`${JSON.stringify(report)}\n`);
  else {
    out(storesScreen(report, screenWidth()));
    errText(`\n${verdict(report)}\n`);
  }
  if (!report.agrees) process.exitCode = 1;
  return report.agrees;
}

function endSoon(): void {
  setTimeout(() => process.exit(), LINGER_TIMEOUT_MS).unref();
}
