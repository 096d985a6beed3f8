// Runs the built command as a process of its own, the way a person does: no terminal, no colours, 100 columns.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const cliPath = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** What stderr holds of a command that has nothing to say: progress, where it takes its time. */
export const PROGRESS = /^(?: {2}.*\n)*$/;

export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** The environment of a command: nothing of who runs the tests, so that screens are the same everywhere. */
export function cliEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: process.env.PATH ?? '', NO_COLOR: '1', COLUMNS: '100', TZ: 'UTC', ...more };
}

export function runCli(commandLine: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cliPath, ...commandLine], {
      cwd: options.cwd,
      env: cliEnvironment(options.env),
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...output }));
    child.stdin.end(options.input ?? '');
  });
}
