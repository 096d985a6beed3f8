// Where the platform is that a command is to ask, and the key that it asks for.
//
// A running platform leaves its address and a key in its data directory, so on the same machine nothing need be typed.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TillstreamError } from '../model/errors.ts';
import { ADMIN_KEY_FILE, RUNNING_FILE, type RunningPlatform } from '../platform/running-platform.ts';
import { program } from './invocation.ts';
import { err } from './screen.ts';

export interface ConnectionOptions {
  readonly url?: string;
  readonly key?: string;
  readonly dataDir?: string;
}

export interface Connection {
  /** Without a slash at the end. */
  readonly url: string;
  readonly key: string | undefined;
  /** PEM, where the platform's own is known. */
  readonly certificate: string | undefined;
}

export const DEFAULT_URL = 'http://127.0.0.1:8080';
export const DEFAULT_DIRECTORIES = ['tillstream-data', 'tillstream-sample'];

/** @throws wrong_usage, unreachable */
export function findPlatform(options: ConnectionOptions): Connection {
  const { dataDir, key } = options;
  const url = options.url === undefined ? null : checkedUrl(options.url);
  const running = (dataDir === undefined ? DEFAULT_DIRECTORIES : [dataDir]).flatMap((directory) => {
    const platform = runningIn(directory);
    return platform === null || (url !== null && url !== platform.url) ? [] : [{ ...platform, directory }];
  });
  const [first, second] = running;
  if (first !== undefined) {
    if (second !== undefined && url === null) {
      err(
        `Two platforms run here. This is that of ./${first.directory}; for the other: --data-dir ${second.directory}\n`,
      );
    }
    return { url: first.url, key: key ?? keyIn(first.directory), certificate: first.certificate ?? undefined };
  }
  if (url === null && dataDir !== undefined) {
    throw new TillstreamError('unreachable', `no platform runs on the data directory ${resolve(dataDir)}.`, {
      hint: `Start one with: ${program()} up --data-dir ${dataDir}`,
    });
  }
  return { url: url ?? DEFAULT_URL, key, certificate: undefined };
}

/** What it says of itself, unless the process that left it is gone. */
function runningIn(directory: string): Pick<RunningPlatform, 'url' | 'certificate'> | null {
  const file = join(directory, RUNNING_FILE);
  if (!existsSync(file)) return null;
  try {
    const { url, pid, certificate = null } = JSON.parse(readFileSync(file, 'utf8')) as Partial<RunningPlatform>;
    return typeof url === 'string' && (typeof pid !== 'number' || isRunning(pid)) ? { url, certificate } : null;
  } catch {
    return null; // Half written, at the moment a platform starts: as good as not there yet.
  }
}

/** undefined where there is none, or it is another user's: the platform will say that it needs one. */
function keyIn(directory: string): string | undefined {
  try {
    return readFileSync(join(directory, ADMIN_KEY_FILE), 'utf8').trim();
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function checkedUrl(text: string): string {
  // "localhost:8080" as a person types it would parse as a scheme of its own.
  const full = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new TillstreamError('wrong_usage', `"${text}" is not the URL of a platform; expected e.g. ${DEFAULT_URL}.`);
  }
  return url.href.replace(/\/+$/, '');
}
