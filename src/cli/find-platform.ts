// Where the platform is that a command is to ask, and the key that it asks for.
//
// A running platform leaves its address and a key in its data directory, so on the same machine nothing need be typed.
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { TillstreamError } from '../model/errors.ts';
import { ADMIN_KEY_FILE, RUNNING_FILE, type RunningPlatform, startOf } from '../platform/running-platform.ts';
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
    const platform = runningIn(directory, url !== null);
    return platform === null || (url !== null && !isSame(url, platform.url)) ? [] : [{ ...platform, directory }];
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

/**
 * What it says of itself, unless the process that left it is gone.
 * @param isNamed  another way to the platform is given
 * @throws unreachable  this user may not look, and no other way is given
 */
function runningIn(directory: string, isNamed: boolean): Pick<RunningPlatform, 'url' | 'certificate'> | null {
  try {
    const text = readFileSync(join(directory, RUNNING_FILE), 'utf8');
    const { url, pid, pidStart, certificate = null } = JSON.parse(text) as Partial<RunningPlatform>;
    if (typeof url !== 'string' || typeof pid !== 'number' || pidStart === undefined) return null;
    return isRunning(pid, pidStart) ? { url, certificate } : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES' && !isNamed) throw closedDirectory(directory);
    return null; // Not there; or half written, at the moment a platform starts: as good as not there yet.
  }
}

function closedDirectory(directory: string): TillstreamError {
  const path = resolve(directory);
  return new TillstreamError(
    'unreachable',
    `${path} is closed to this user: whether a platform runs is not to be seen.`,
    {
      hint: `Run this as its owner: sudo -u '#${ownerOf(path)}' ${program()} …; or name the platform with --url and --key.`,
    },
  );
}

/** Of a directory; or, where that is not to be seen either, of the nearest above. */
function ownerOf(path: string): number {
  try {
    return statSync(path).uid;
  } catch {
    return ownerOf(dirname(path));
  }
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Also where one says localhost and the other 127.0.0.1. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [new URL(one), new URL(other)];
  const isSameHost = a.hostname === b.hostname || (LOOPBACK.test(a.hostname) && LOOPBACK.test(b.hostname));
  return isSameHost && a.port === b.port && a.protocol === b.protocol && a.pathname === b.pathname;
}

/** undefined where there is none, or it is another user's: the platform will say that it needs one. */
function keyIn(directory: string): string | undefined {
  try {
    return readFileSync(join(directory, ADMIN_KEY_FILE), 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** @param start of the process that is meant; null: not known */
function isRunning(pid: number, start: string | null): boolean {
  const itsStart = startOf(pid);
  if (start !== null && itsStart !== null && start !== itsStart) return false;
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
