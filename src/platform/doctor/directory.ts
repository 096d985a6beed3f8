// The data directory: there, writable, ours, of a format we read, and whether a platform has it.
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { isTillstreamError, messageOf } from '../../model/errors.ts';
import { COPIED_STORES, VERSION_FILE } from '../../stores/layout.ts';
import { FORMAT, formatOf } from '../data-directory.ts';
import { keepOut } from '../directory-lock.ts';
import { ADMIN_KEY_FILE, RUNNING_FILE } from '../running-platform.ts';
import { type Finding, failed, ok, warning } from './finding.ts';

export interface DirectoryState {
  readonly findings: readonly Finding[];
  /** There, and ours: its stores can be looked at. */
  readonly isOurs: boolean;
  /** A platform has it. */
  readonly isRunning: boolean;
  /** This user may not write there: the rest is not to be seen. */
  readonly isClosed: boolean;
  /** When it was made; null where that is not known. */
  readonly createdAtMs: number | null;
  /** Lets platforms start on it again. */
  release(): void;
}

const CHECK = 'Data directory';
const NOBODY = { isOurs: false, isRunning: false, isClosed: false, createdAtMs: null, release: () => {} };

/** Keeps platforms out, where none runs, until release(): what is looked at then stands still. */
export async function checkDirectory(path: string): Promise<DirectoryState> {
  const root = resolve(path);
  if (!existsSync(root)) return { ...NOBODY, findings: [checkParent(root)] };
  const access = checkAccess(root, () => [root, ...within(root)]);
  if (access !== null) return { ...NOBODY, isClosed: isClosedTo(root), findings: [access] };
  let createdAtMs: number | null;
  try {
    const format = formatOf(root);
    if (format === null) return { ...NOBODY, findings: [ok(CHECK, `${root}, empty; the first start fills it`)] };
    createdAtMs = Number.isNaN(format.createdAtMs) ? null : format.createdAtMs;
  } catch (error) {
    return { ...NOBODY, findings: [formatFinding(error, root)] };
  }
  const lock = await checkLock(root);
  const findings = [ok(CHECK, root), lock.finding, checkOwner(root), ...checkModes(root)];
  return { findings, isOurs: true, isClosed: false, isRunning: lock.isRunning, createdAtMs, release: lock.release };
}

function isClosedTo(root: string): boolean {
  try {
    accessSync(root, constants.R_OK | constants.W_OK | constants.X_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}

/** The nearest directory above that is there. */
export function existingAbove(path: string): string {
  return existsSync(path) ? path : existingAbove(dirname(path));
}

function checkParent(root: string): Finding {
  const above = existingAbove(root);
  const access = checkAccess(above, () => [above]);
  if (access === null) return ok(CHECK, `${root} is not there yet; the first start makes it`);
  return failed(CHECK, `${root} is not there, and cannot be made: ${above} is not writable`, remedyOfAccess(root));
}

/** null: all of it can be written. */
function checkAccess(directory: string, written: () => readonly string[]): Finding | null {
  try {
    if (!statSync(directory).isDirectory()) {
      return failed(CHECK, `${directory} is no directory`, 'Name another with --data-dir or TILLSTREAM_DATA_DIR.');
    }
    for (const path of written()) accessSync(path, constants.R_OK | constants.W_OK);
    return null;
  } catch (error) {
    return failed(CHECK, `${directory} cannot be written: ${messageOf(error)}`, remedyOfAccess(directory));
  }
}

function remedyOfAccess(directory: string): string {
  const { uid } = statSync(existingAbove(directory));
  return (
    `Run this as the user of the platform: sudo -u '#${uid}' …; or, while no platform runs, let ${userName()} write there: ` +
    `sudo chown -R ${userName()} ${directory}`
  );
}

/** What is directly in it and in its stores; the lake's objects may be millions. */
function within(root: string): string[] {
  const names = readdirSync(root, { withFileTypes: true });
  return names.flatMap((entry) => {
    const path = join(root, entry.name);
    const isStore = entry.isDirectory() && COPIED_STORES.some((name) => name === entry.name);
    return isStore ? [path, ...readdirSync(path).map((name) => join(path, name))] : [path];
  });
}

function formatFinding(error: unknown, root: string): Finding {
  if (isTillstreamError(error, 'directory_too_new')) return failed(CHECK, error.message, error.hint ?? '');
  const remedy = existsSync(join(root, VERSION_FILE))
    ? `Put ${VERSION_FILE} back from a backup; or write {"format": ${FORMAT}} there, if this version made the directory.`
    : 'Name the right directory with --data-dir or TILLSTREAM_DATA_DIR, or an empty one.';
  return failed(CHECK, messageOf(error), remedy);
}

async function checkLock(root: string): Promise<{ finding: Finding; isRunning: boolean; release(): void }> {
  const leftBehind = existsSync(join(root, RUNNING_FILE));
  try {
    const { release } = await keepOut(root);
    const found = leftBehind ? 'no platform runs; the last one was killed' : 'no platform runs';
    return { finding: ok('Lock', found), isRunning: false, release };
  } catch (error) {
    const release = (): void => {};
    if (!isTillstreamError(error, 'directory_locked')) {
      const remedy = `Remove ${join(root, 'lock')}, which holds nothing, while no platform runs.`;
      return { finding: failed('Lock', messageOf(error), remedy), isRunning: false, release };
    }
    const pid = /process (\d+)/.exec(error.message)?.[1];
    const found = `a platform runs${pid === undefined ? '' : ` (process ${pid})`}`;
    if (leftBehind) return { finding: ok('Lock', found), isRunning: true, release };
    const remedy = 'Wait until it is up; if it stays so, end that process and start the platform again.';
    const finding = warning('Lock', `${found}, but does not say where: it is starting, or another program`, remedy);
    return { finding, isRunning: true, release };
  }
}

/** One user for all of it: what another one owns, the platform cannot write. */
function checkOwner(root: string): Finding {
  const { uid } = statSync(root);
  const foreign = within(root).find((path) => statSync(path).uid !== uid);
  if (foreign !== undefined) {
    const remedy = `Give it to the owner of the directory: sudo chown -R ${uid} ${root}`;
    return failed('Owner', `${foreign} belongs to user ${statSync(foreign).uid}, the directory to ${uid}`, remedy);
  }
  if (uid === process.geteuid?.()) return ok('Owner', `user ${userName()}`);
  const remedy = `Run the platform, and this, as that user: files that ${userName()} makes would be closed to it.`;
  return warning('Owner', `user ${uid}; this is run by ${userName()}`, remedy);
}

const SECRETS = [
  { name: ADMIN_KEY_FILE, mode: 0o600, why: 'a key to everything' },
  { name: 'state', mode: 0o700, why: 'the secret that signs tokens' },
];

function checkModes(root: string): Finding[] {
  const open = (path: string, mode: number): boolean => (statSync(path).mode & 0o777 & ~mode) !== 0;
  const exposed = SECRETS.filter(({ name }) => existsSync(join(root, name)))
    .filter(({ name, mode }) => open(join(root, name), mode))
    .map(({ name, mode, why }) => {
      const path = join(root, name);
      const remedy = `chmod ${mode.toString(8)} ${path}; if others use this machine, make new keys and revoke the old.`;
      return failed('Modes', `others may read ${path}: ${why}`, remedy);
    });
  if (exposed.length > 0) return exposed;
  if (!open(root, 0o700)) return [ok('Modes', 'for the owner alone')];
  return [warning('Modes', `others may look into ${root}: customers' data is in it`, `chmod 700 ${root}`)];
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.geteuid?.() ?? 'this user'); // Without an entry in /etc/passwd, as in containers.
  }
}
