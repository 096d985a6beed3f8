// Platforms as processes of their own, for tests that start, kill and restart them.
//
// Every process that is started here is remembered by its own handle and ended by endPlatforms(), whatever became of the
// test; should the test process itself end first, they go with it.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { StatusAnswer, VerifyAnswer } from '../../src/cli/answers.ts';
import type { AnyJson } from './any-json.ts';
import { cliEnvironment, cliPath } from './cli.ts';

export interface PlatformOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Of `up`, beside the data directory and the port. */
  readonly args?: readonly string[];
  /** Whether a key is asked for; the answers of Platform come with the one of the data directory then. Default: no. */
  readonly auth?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AnyJson;
}

const running = new Set<ChildProcess>();
const directories = new Set<string>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A new directory, removed by endPlatforms(). */
export async function freshDirectory(name = 'platform'): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `tillstream-${name}-`));
  directories.add(directory);
  return directory;
}

/** For afterEach or afterAll. */
export async function endPlatforms(): Promise<void> {
  await Promise.all([...running].map((child) => ended(child, 'SIGKILL')));
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
  directories.clear();
}

/** Any process of a test, so that it ends with it. */
export function remember(child: ChildProcess): ChildProcess {
  running.add(child);
  child.on('close', () => running.delete(child));
  return child;
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve(child.exitCode);
    child.on('exit', (code) => resolve(code));
    child.kill(signal);
  });
}

export interface Starting {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly output: { stdout: string; stderr: string };
}

/** `tillstream up` on a free port; it may not serve yet, or never. */
export function spawnPlatform(
  directory: string,
  { env = {}, args = [], auth = false }: PlatformOptions = {},
): Starting {
  const keys = auth ? [] : ['--no-auth'];
  const child = spawn(
    process.execPath,
    [cliPath, 'up', '--json', '--port', '0', '--data-dir', directory, ...keys, ...args],
    {
      env: cliEnvironment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  remember(child);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  return { child, output };
}

/** Resolves once it serves. */
export async function startPlatform(directory: string, options: PlatformOptions = {}): Promise<Platform> {
  const starting = spawnPlatform(directory, options);
  const { child, output } = starting;
  while (!output.stdout.includes('\n')) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`up ended with ${child.exitCode ?? child.signalCode}: ${output.stdout}${output.stderr}`);
    }
    await pause(10);
  }
  const { url } = JSON.parse(output.stdout.split('\n', 1)[0] ?? '') as { url: string };
  return new Platform(url, directory, starting);
}

export class Platform {
  readonly url: string;
  readonly directory: string;
  readonly child: ChildProcess;
  readonly output: Starting['output'];

  constructor(url: string, directory: string, { child, output }: Starting) {
    this.url = url;
    this.directory = directory;
    this.child = child;
    this.output = output;
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await ended(this.child, 'SIGKILL');
  }

  /** As Ctrl-C does; its exit code. */
  stop(): Promise<number | null> {
    return ended(this.child, 'SIGINT');
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async request(method: string, path: string, body?: string, contentType?: string): Promise<Answer> {
    const headers = contentType === undefined ? {} : { 'content-type': contentType };
    const answer = await fetch(this.url + path, { method, headers, ...(body === undefined ? {} : { body }) });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? null : JSON.parse(text) };
  }

  get(path: string): Promise<Answer> {
    return this.request('GET', path);
  }

  /** One request of NDJSON. */
  send(lines: readonly object[]): Promise<Answer> {
    const body = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    return this.request('POST', '/v1/transactions', body, 'application/x-ndjson');
  }

  /** The rows of a SELECT on the warehouse. */
  async select(sql: string): Promise<readonly (readonly unknown[])[]> {
    const { status, body } = await this.request('POST', '/v1/query', JSON.stringify({ sql }), 'application/json');
    if (status !== 200) throw new Error(`${sql}: ${JSON.stringify(body)}`);
    return body.rows;
  }

  async status(): Promise<StatusAnswer> {
    return (await this.get('/v1/status')).body;
  }

  /** Throws where the platform cannot compare. */
  async verify(): Promise<VerifyAnswer> {
    const { status, body } = await this.request('POST', '/v1/verify');
    if (status !== 200) throw new Error(`verify: ${JSON.stringify(body)}`);
    return body;
  }

  /** The status, once it is as `wanted` says. */
  async statusWhen(wanted: (status: StatusAnswer) => boolean, timeoutMs = 120_000): Promise<StatusAnswer> {
    const untilMs = Date.now() + timeoutMs;
    for (;;) {
      const status = await this.status();
      // A store that has not been heard of since the start is not among them.
      if (status.consumers.length === STORES && wanted(status)) return status;
      if (Date.now() > untilMs) throw new Error(`Not within ${timeoutMs} ms: ${JSON.stringify(status, null, 1)}`);
      await pause(100);
    }
  }
}

const STORES = 3;

/** How a consumer is. */
export function consumerOf(status: StatusAnswer, store: string): StatusAnswer['consumers'][number] {
  const consumer = status.consumers.find((each) => each.store === store);
  if (consumer === undefined) throw new Error(`There is no consumer of ${store}`);
  return consumer;
}
