// Threads that write one order store: turns come to all of them, and nothing that one has written is lost by another.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { DigestBuilder } from '../../src/model/digest.ts';
import type { AcceptedLine } from '../../src/model/line.ts';
import { WriterTurns } from '../../src/stores/writer-turns.ts';
import { columnsOf, newestOf } from './orders-columns.ts';
import { lineIdOf, orderLine } from './orders-lines.ts';
import { makeLmdbOrders } from './orders-lmdb.ts';

// Worker threads run compiled code only; the tests' set-up has built it.
const compiled = (file: string) => new URL(`../../dist/stores/${file}.js`, import.meta.url).href;
const COMPILED = { turns: compiled('writer-turns'), orders: compiled('orders/lmdb-orders') };

/** What the threads of a test share: how many are ready, whether one has ended, turns of the first. */
const READY = 0;
/** Of the places of turns, the number of those that wait (writer-turns.ts). */
const WAITING = 1;
const ENDED = 1;
const GREEDY_TURNS = 2;
const newShared = () => new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT);

/** Runs `body`, of an async function, in a thread of its own; it posts one message. */
function inThread(body: string, data: Record<string, unknown>): Promise<unknown> {
  const code = `
    const { parentPort, workerData: data } = require('node:worker_threads');
    const shared = new Int32Array(data.shared);
    const bothAreReady = () => {
      if (Atomics.add(shared, ${READY}, 1) === 1) Atomics.notify(shared, ${READY});
      else Atomics.wait(shared, ${READY}, 1, 20_000);
    };
    const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    (async () => {
      const { WriterTurns } = await import(data.compiled.turns);
      const { openLmdbOrders } = await import(data.compiled.orders);
      const turns = new WriterTurns(data.turns);
      ${body}
    })().then((answer) => parentPort.postMessage(answer));`;
  const worker = new Worker(code, { eval: true, workerData: { ...data, compiled: COMPILED } });
  return once(worker, 'message')
    .then(([answer]) => answer)
    .finally(() => worker.terminate());
}

test('turns: who throws gives the turn back, and what was thrown comes out', () => {
  const turns = new WriterTurns(WriterTurns.newBuffer());
  expect(() =>
    turns.take(() => {
      throw new RangeError('in its turn');
    }),
  ).toThrow('in its turn');
  expect(turns.take(() => 'again')).toBe('again');
});

test('turns: who waits too long is told that the store is away, and does not count as waiting any more', async () => {
  const buffer = WriterTurns.newBuffer();
  const shared = newShared();
  const holding = inThread('turns.take(() => { bothAreReady(); sleep(1_000); });', { turns: buffer, shared });
  const places = new Int32Array(shared);
  while (Atomics.load(places, READY) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const impatient = new WriterTurns(buffer, 50);
  expect(() => impatient.take(() => 'mine')).toThrow(expect.objectContaining({ code: 'unavailable' }));
  Atomics.add(places, READY, 1);
  Atomics.notify(places, READY);
  expect(new WriterTurns(buffer).take(() => 'mine')).toBe('mine');
  await holding;
  expect(new Int32Array(buffer)[WAITING], 'nobody is waited for').toBe(0);
});

test('turns: a thread that writes without a pause leaves every other turn to one that waits', async () => {
  const data = { turns: WriterTurns.newBuffer(), shared: newShared() };
  const greedy = inThread(
    `bothAreReady();
     while (Atomics.load(shared, ${ENDED}) === 0) {
       turns.take(() => { Atomics.add(shared, ${GREEDY_TURNS}, 1); sleep(3); });
     }`,
    data,
  );
  const passed = (await inThread(
    `bothAreReady();
     const passed = [];
     for (let time = 0; time < 40; time += 1) {
       const before = Atomics.load(shared, ${GREEDY_TURNS});
       passed.push(turns.take(() => Atomics.load(shared, ${GREEDY_TURNS})) - before);
       sleep(2);
     }
     Atomics.store(shared, ${ENDED}, 1);
     return passed;`,
    data,
  )) as number[];
  await greedy;
  // Between asking and waiting the machine may leave a thread alone for some turns, but not most times.
  expect(passed.sort((a, b) => a - b)[20]).toBeLessThanOrEqual(1);
  expect(passed.slice(20).filter((turns) => turns > 3).length).toBeLessThan(8);
});

const INVOICES = 150;
const LINES = 12;
const ROUNDS = 12;

/** Of every invoice some lines of its own for the round, and some that all rounds have. */
function linesOf(round: number): AcceptedLine[] {
  const lines = Array.from({ length: INVOICES * LINES }, (_, index) =>
    orderLine(round, {
      invoiceNo: `5${lineIdOf(index % INVOICES)}`,
      lineId: lineIdOf(index < (INVOICES * LINES) / 2 ? index : index + round * 10_000),
      description: 'x'.repeat(900),
      quantity: round,
      position: index,
    }),
  );
  return newestOf(lines);
}

test('orders (lmdb): one thread applies and one loads lines of the same invoices: none is lost, and the newest stand', async () => {
  const backend = await makeLmdbOrders();
  try {
    const data = { turns: WriterTurns.newBuffer(), shared: newShared(), directory: backend.directory };
    const rounds = Array.from({ length: ROUNDS }, (_, round) => linesOf(round + 1));
    const isApplied = (round: number) => round % 2 === 0;
    const open = 'const store = openLmdbOrders({ directory: data.directory, turns }); bothAreReady();';
    const applying = inThread(
      `${open}
       let applies = 0;
       let slowestMs = 0;
       for (const lines of data.rounds) {
         for (let start = 0; start < lines.length; start += 100, applies += 1) {
           const startMs = performance.now();
           await store.apply(lines.slice(start, start + 100));
           slowestMs = Math.max(slowestMs, performance.now() - startMs);
         }
       }
       await store.close();
       return { applies, slowestMs };`,
      { ...data, rounds: rounds.filter((_, round) => isApplied(round)) },
    );
    const loading = inThread(
      `${open}
       for (const columns of data.rounds) await store.load(columns);
       await store.close();
       return null;`,
      { ...data, rounds: rounds.filter((_, round) => !isApplied(round)).map(columnsOf) },
    );
    const [applied] = (await Promise.all([applying, loading])) as [{ applies: number; slowestMs: number }, null];
    expect(applied.applies).toBe((ROUNDS / 2) * ((INVOICES * LINES) / 100));
    expect(applied.slowestMs).toBeLessThan(30_000); // far from the minute, on any machine
    const expected = new DigestBuilder();
    for (const line of newestOf(rounds.flat())) expected.add(line);
    const store = await backend.open();
    expect(await store.digest()).toMatchObject({ days: expected.days(), invoices: INVOICES, wrongHeader: null });
  } finally {
    await backend.dispose();
  }
});
