// Processes of the benchmark: each is ended by its own pid, and ends by itself when the benchmark does.
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const END_WAIT_MS_MAX = 10_000;
/** Of /proc: fixed at 100 on Linux, whatever the kernel's own. */
const TICKS_A_SECOND = 100;

/** Starts a file of this directory; its methods are called by name. */
export function startChild(file, parameters = []) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), parameters, { stdio: ['ignore', 2, 2, 'ipc'] });
  const waiting = new Map();
  let lastId = 0;
  child.on('message', ({ id, result, error }) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(error));
  });
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended with ${code ?? signal}`));
    waiting.clear();
  });
  return {
    pid: child.pid,
    call: (method, argument = {}) =>
      new Promise((resolve, reject) => {
        lastId += 1;
        waiting.set(lastId, { resolve, reject });
        child.send({ id: lastId, method, argument });
      }),
    end: () => endProcess(child, 'SIGTERM'),
  };
}

/** The other side: answers calls until the benchmark is gone. */
export function answerParent(methods) {
  process.on('disconnect', () => process.exit());
  process.on('message', async ({ id, method, argument }) => {
    try {
      process.send({ id, result: (await methods[method](argument)) ?? null });
    } catch (error) {
      process.send({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
}

/** Resolves when it is gone. */
export function endProcess(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const hard = setTimeout(() => child.kill('SIGKILL'), END_WAIT_MS_MAX);
    child.once('exit', () => {
      clearTimeout(hard);
      resolve();
    });
    child.kill(signal);
  });
}

/** CPU time of a process with all its threads; NaN where there is no /proc. */
export function cpuSeconds(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  } catch {
    return Number.NaN;
  }
}

/** RssAnon: LMDB's mapped file is not the process's own. NaN where there is no /proc. */
export function memoryBytes(pid) {
  try {
    return Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;
  } catch {
    return Number.NaN;
  }
}
