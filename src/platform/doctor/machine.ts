// The machine under a platform: Node.js, the system, open files, memory.
import { readFileSync } from 'node:fs';
import { freemem, release, totalmem } from 'node:os';
import { type Finding, failed, megabytes, ok, warning } from './finding.ts';

/** Each connection takes one; the stores some hundred. Fewer, and a busy day ends at "too many open files". */
const OPEN_FILES_MIN = 4096;
/** The platform stays within 700 MB; the rest is for the system, and to keep what was just written at hand. */
const MEMORY_BYTES_MIN = 1_000_000_000;
/** What a platform needs at its start. */
const FREE_BYTES_MIN = 400_000_000;

/** @param nodeNeeded as `engines` has it: `>=20.19.0` */
export function checkMachine(nodeNeeded: string, isRunning: boolean): Finding[] {
  return [checkNode(process.versions.node, nodeNeeded), checkSystem(), ...checkOpenFiles(), checkMemory(isRunning)];
}

export function checkNode(version: string, needed: string): Finding {
  const least = needed.replace(/^>=/, '');
  const found = `${version}; needs ${least} or later`;
  if (compareVersions(version, least) >= 0) return ok('Node.js', found);
  return failed('Node.js', found, 'Install a newer Node.js, and start the platform with it.');
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (const index of [0, 1, 2]) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function checkSystem(): Finding {
  const found = `${process.platform} ${release()}, ${process.arch}`;
  if (process.platform === 'linux') return ok('System', found);
  return warning('System', `${found}; tests run on Linux only`, 'Run a shop on Linux; elsewhere, try things out.');
}

/** Node has raised it to what the system allows by now; nothing where the system does not say. */
function checkOpenFiles(): Finding[] {
  let limits: string;
  try {
    limits = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return [];
  }
  const most = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  const found = `at most ${most.toLocaleString('en-US')}`;
  if (most >= OPEN_FILES_MIN) return [ok('Open files', found)];
  const remedy = `Raise the limit to ${OPEN_FILES_MIN} or more: LimitNOFILE= of the service, or ulimit -n.`;
  return [warning('Open files', found, remedy)];
}

function checkMemory(isRunning: boolean): Finding {
  // Of the container, where there is one; else beyond all memory.
  const most = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const free = Math.min(freemem(), most);
  const found = `${megabytes(most)}, ${megabytes(free)} of it available`;
  if (most < MEMORY_BYTES_MIN) {
    const remedy = `Give the machine or container ${megabytes(MEMORY_BYTES_MIN)} or more.`;
    return warning('Memory', found, remedy);
  }
  if (!isRunning && free < FREE_BYTES_MIN) {
    return warning('Memory', found, 'End what takes it, before the platform starts.');
  }
  return ok('Memory', found);
}
