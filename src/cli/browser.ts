import { spawn } from 'node:child_process';
import { err } from './screen.ts';

const openers: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/** Opens a page in the person's browser; where there is none, says so and goes on. */
export function openBrowser(url: string): void {
  const [command, ...first] = openers[process.platform] ?? ['xdg-open'];
  const child = spawn(command, [...first, url], { stdio: 'ignore', detached: true });
  child.on('error', () => err(`No browser could be opened; it is at ${url}\n`));
  child.unref();
}
