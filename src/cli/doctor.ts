// `tillstream doctor`: what is wrong with a platform, or would be if it were started; and how to mend it.
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { checkConfig, type Flagged } from '../platform/config.ts';
import type { Finding } from '../platform/doctor/finding.ts';
import type { StatusAnswer, VerifyAnswer } from './answers.ts';
import { ask } from './connection.ts';
import { DEFAULT_DIRECTORIES, findPlatform } from './find-platform.ts';
import { nodeNeeded, version } from './invocation.ts';
import { newCommand, withJson } from './options.ts';
import { errText, out, outJson, palette, screenWidth } from './screen.ts';
import { flaggedIn, withSettings } from './settings.ts';
import { counted, printable, wrapped } from './text.ts';

interface DoctorOptions {
  readonly quick?: boolean;
  readonly json?: boolean;
}

export function doctorCommand(): Command {
  const command = newCommand('doctor', {
    summary: 'finds what is wrong, and says how to mend it',
    description:
      'Checks Node.js, machine, settings, data directory, disk, clock, port and stores; and, of a platform that runs, whether it answers, keeps up and agrees. Give it the options and variables that up gets. Exit code 1 when a check failed.',
    again:
      'Changes nothing: run it as often as you like, before the first start, while it runs, and when it does not start.',
    examples: [
      { command: 'doctor', does: '' },
      { command: 'doctor --quick', does: 'without comparing the stores' },
      { command: 'doctor --data-dir /srv/shop --json', does: 'for a program' },
    ],
  });
  return withJson(
    withSettings(command).option('--quick', 'leave out verify, which reads everything that is stored'),
  ).action(async ({ quick = false, json = false }: DoctorOptions) => {
    const flagged = flaggedIn(command);
    const findings: Finding[] = [];
    for await (const finding of await findingsOf(flagged, quick)) {
      findings.push(finding);
      if (!json) out(findingText(finding, screenWidth()));
    }
    const isWell = findings.every(({ result }) => result !== 'failed');
    if (json) outJson({ ok: isWell, findings });
    else errText(`\n${summary(findings)}\n`);
    if (!isWell) process.exitCode = 1;
  });
}

async function findingsOf(flagged: Flagged, quick: boolean): Promise<AsyncIterable<Finding>> {
  const named = flagged.dataDirectory ?? process.env.TILLSTREAM_DATA_DIR;
  // Where nothing is named, the directory in which the other commands would find a platform.
  const dataDirectory = named || DEFAULT_DIRECTORIES.find((each) => existsSync(each));
  const { config, wrong } = checkConfig(process.env, { ...flagged, dataDirectory });
  const { examine } = await import('../platform/doctor/doctor.ts');
  return examine({
    config,
    wrong,
    environment: process.env,
    version: version(),
    nodeNeeded: nodeNeeded(),
    quick,
    platform: () => {
      const connection = findPlatform({ dataDir: config.dataDirectory });
      return {
        url: connection.url,
        health: () => ask<{ status: string }>(connection, '/healthz', { timeoutMs: ANSWER_TIMEOUT_MS, has: 'status' }),
        status: () => ask<StatusAnswer>(connection, '/v1/status', { timeoutMs: ANSWER_TIMEOUT_MS, has: 'consumers' }),
        verify: () =>
          ask<VerifyAnswer>(connection, '/v1/verify', {
            method: 'POST',
            timeoutMs: Number.POSITIVE_INFINITY,
            has: 'stores',
          }),
      };
    },
  });
}

/** A platform that is only busy answers these at once. */
const ANSWER_TIMEOUT_MS = 10_000;

const RESULT_WIDTH = 'warning'.length;
/** As wide as `Consumer warehouse`. */
const CHECK_WIDTH = 18;

/** A line with what was found, and below it how to mend it. */
function findingText({ check, result, found, remedy }: Finding, width: number): string {
  const { green, yellow, red } = palette(process.stdout);
  const paint = { ok: green, warning: yellow, failed: red }[result];
  const indent = ' '.repeat(RESULT_WIDTH + CHECK_WIDTH + 4);
  const lines = [found, ...(remedy === null ? [] : [`→ ${remedy}`])]
    .flatMap((text) => wrapped(printable(text), width - indent.length))
    .map((line, index) => (index === 0 ? line : indent + line));
  return `${paint(result.padEnd(RESULT_WIDTH))}  ${check.padEnd(CHECK_WIDTH)}  ${lines.join('\n')}\n`;
}

function summary(findings: readonly Finding[]): string {
  const { green, yellow, red } = palette(process.stderr);
  const count = (wanted: Finding['result']): number => findings.filter(({ result }) => result === wanted).length;
  const failures = count('failed');
  const warnings = count('warning');
  if (failures + warnings === 0) return green(`All ${findings.length} checks are well.`);
  const said = [
    ...(failures === 0 ? [] : [red(`${counted(failures, 'check')} failed`)]),
    ...(warnings === 0 ? [] : [yellow(counted(warnings, 'warning'))]),
  ];
  return `${said.join(', ')}, of ${findings.length}.`;
}
