// Makes a fresh clone ready: the right Node.js, the dependencies, the build. Does nothing, fast, when all is there.
//
// Everything is installed, the tools too, because the build needs some of them. Messages go to stderr.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Ends the process with a message when something cannot be made ready. */
export async function prepare() {
  checkNode();
  if (!installed()) install();
  // Only now: whatever build.mjs may import one day is there.
  const { buildIfStale } = await import('./build.mjs');
  const startedMs = Date.now();
  try {
    if (buildIfStale()) say(`built in ${seconds(startedMs)}`);
  } catch (error) {
    fail(`The build failed. ${error.message}`);
  }
}

function checkNode() {
  const wanted = [20, 19];
  const actual = process.versions.node.split('.').map(Number);
  if (actual[0] > wanted[0] || (actual[0] === wanted[0] && actual[1] >= wanted[1])) return;
  fail(
    `Tillstream needs Node.js ${wanted.join('.')} or later; this is ${process.versions.node}.\n` +
      'Get it from https://nodejs.org, then run the same command again.',
  );
}

/** Whether node_modules holds what the lock file says: npm keeps its own list of what it installed, written last. */
function installed() {
  const list = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(list)) return false;
  const actual = JSON.parse(readFileSync(list, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true;
    const found = actual[path];
    return found === undefined ? optional === true : found.version === version;
  });
}

function install() {
  const startedMs = Date.now();
  say('installing dependencies (once, about half a minute) …');
  // Not `npm ci`: it refuses a lock file without the binaries for other systems, which not every registry has. What the
  // lock file names is installed as it says all the same, and --no-save leaves it as it is.
  // --include=dev: NODE_ENV=production would leave out the compiler.
  const options = ['install', '--no-save', '--include=dev', '--no-progress', '--loglevel=error'];
  const cli = process.env.npm_execpath;
  const [command, first] = cli?.endsWith('npm-cli.js') ? [process.execPath, [cli]] : ['npm', []];
  const run = spawnSync(command, [...first, ...options], {
    cwd: root,
    stdio: ['ignore', 'ignore', 2],
    shell: command === 'npm' && process.platform === 'win32',
  });
  if (run.status !== 0) fail('npm could not install the dependencies; its message is above.');
  say(`installed in ${seconds(startedMs)}`);
}

function seconds(sinceMs) {
  return `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;
}

function say(message) {
  console.error(`tillstream: ${message}`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await prepare();
