// 202 means on disk, and a large request does not hold up a small one.
import { afterEach, describe, expect, test } from 'vitest';
import { delaying } from '../stream/fault-stream.ts';
import { eventually } from '../support/eventually.ts';
import { type Door, LINE, linesOf, ndjsonOf, openDoor } from './door.ts';

/** Processor time of this process: a turn is not longer because others had the processor. */
function workMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

let door: Door;
afterEach(() => door.close());

describe('202 comes only after the flush', () => {
  test.each([
    ['one line', () => door.post(LINE)],
    ['an array', () => door.post(linesOf(3))],
    ['NDJSON', () => door.ndjson(ndjsonOf(linesOf(3)))],
  ])('%s', async (_, post) => {
    let flush = (): void => {};
    const flushed = new Promise<void>((resolve) => {
      flush = resolve;
    });
    door = await openDoor({ around: (stream) => delaying(stream, () => flushed) });
    let answered = false;
    const answer = post().then((given) => {
      answered = true;
      return given;
    });
    await eventually(async () => expect(await door.records(), 'appended').toHaveLength(1));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(answered).toBe(false);
    flush();
    expect((await answer).status).toBe(202);
  });
});

describe('a request of 100,000 lines', () => {
  test('lets others through while it is read', async () => {
    door = await openDoor();
    const { Description: _, CustomerID: __, ...line } = LINE; // shorter: 16 MiB is the most
    const lines = Array.from({ length: 100_000 }, (_, at) => ({ ...line, InvoiceNo: `${at >> 4}`, LineNo: at }));
    const body = ndjsonOf(lines);
    await door.post(LINE);
    let done = false;
    const begun = performance.now();
    const begunWorkMs = workMs();
    let took = Number.NaN;
    let tookWorkMs = Number.NaN;
    const large = door.ndjson(body).finally(() => {
      took = performance.now() - begun;
      tookWorkMs = workMs() - begunWorkMs;
      done = true;
    });
    const waits: number[] = [];
    let turn = begunWorkMs;
    let longestTurn = 0;
    const watch = setInterval(() => {
      longestTurn = Math.max(longestTurn, workMs() - turn);
      turn = workMs();
    }, 1);
    while (!done) {
      const started = performance.now();
      await door.post({ ...LINE, InvoiceNo: 'small' });
      waits.push(performance.now() - started);
    }
    clearInterval(watch);
    expect((await large).json).toMatchObject({ accepted: 100_000, rejected: 0 });
    expect(waits.length, 'requests answered meanwhile').toBeGreaterThan(5);
    const median = waits.sort((a, b) => a - b)[waits.length >> 1] ?? 0;
    // Shares of the whole, which is longer where the machine is busy.
    expect(median / took, 'half of the small requests').toBeLessThan(0.1);
    // The body is looked through once for its lines, and the frame is built once; all else goes by turns of 2 ms.
    expect(longestTurn / tookWorkMs, 'without a turn of the event loop').toBeLessThan(0.5);
  });
});
