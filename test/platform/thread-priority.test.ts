// Linux alone has a priority for each thread.
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';

afterEach(endPlatforms);

/** Field of /proc/<process>/task/<thread>/stat, counted after the name, which may hold blanks. */
const NICE_AFTER_NAME = 16;

function niceOf(processId: number, threadId: string): number {
  const stat = readFileSync(`/proc/${processId}/task/${threadId}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[NICE_AFTER_NAME]);
}

describe.runIf(process.platform === 'linux')('where processors are short', () => {
  test('the consumers and libuv go second, the door and the stream do not', async () => {
    const { pid } = (await startPlatform(await freshDirectory())).child;
    if (pid === undefined) throw new Error('The platform has no process');
    const nice = readdirSync(`/proc/${pid}/task`).map((threadId) => niceOf(pid, threadId));
    const own = niceOf(process.pid, String(process.pid));
    expect(niceOf(pid, String(pid))).toBe(own);
    // The pipeline thread, the warehouse thread, and libuv's four.
    expect(nice.filter((value) => value === 10)).toHaveLength(own === 10 ? nice.length : 6);
  });
});
