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
    const nice = readdirSync(`/proc/${pid}/task`).flatMap((threadId) => {
      try {
        return [niceOf(pid, threadId)];
      } catch {
        return []; // it has ended meanwhile
      }
    });
    expect(niceOf(pid, String(pid)), 'as that of who started it').toBe(niceOf(process.pid, String(process.pid)));
    const door = niceOf(pid, String(pid));
    expect(
      nice.filter((value) => value === Math.min(19, door + 5)),
      'the pipeline thread',
    ).toHaveLength(1);
    // And those that DuckDB started from them, where there are more than two processors.
    const second = nice.filter((value) => value === Math.min(19, door + 10));
    expect(second.length, "the warehouse thread and libuv's four").toBeGreaterThanOrEqual(5);
    expect(nice.filter((value) => value === door).length, 'the stream thread, beside the door').toBeGreaterThanOrEqual(
      2,
    );
  });
});
