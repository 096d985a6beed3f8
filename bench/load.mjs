// The load generator: a process of its own, the same for all sides. Requests are made before the clock starts.
//
// Closed loop (`lines`, `bodies`, `paths`): each connection sends its next request when it has the answer. Open loop
// (`paced`): requests fall due by the clock, whether or not earlier ones are answered, and latency counts from then.
import { setTimeout as pause } from 'node:timers/promises';
import { answerParent } from './children.mjs';
import { Lines } from './lines.mjs';
import { latencies, randomFrom } from './numbers.mjs';
import { requestBytes, Wire } from './wire.mjs';

const PATH = '/v1/transactions';
/** More requests than a connection-bound run gets through on any machine of today. */
const REQUESTS_A_SECOND_MAX = 40_000;
const PACE_TICK_MS = 1;
/** Requests are measured here, not how long connections wait that all come in one moment: libuv takes one a turn. */
const OPENED_AT_ONCE = 256;
const TAKEN_MS = 50;
let lines = null;
let stopPaced = () => {};

answerParent({
  open({ file }) {
    lines = new Lines(file);
  },

  /** One line a request, for some seconds. */
  lines({ at, connections, seconds, from }) {
    const requests = Array.from({ length: Math.ceil(seconds * REQUESTS_A_SECOND_MAX) }, (_, index) => from + index);
    const prepared = requests.map((index) => requestBytes(at, 'POST', PATH, lines.at(index), 'application/json'));
    return closedLoop({ at, connections, seconds, prepared, status: 202 });
  },

  /** `count` requests of `linesEach` lines, or as many as `seconds` allow. */
  bodies({ at, connections, count, linesEach, from, seconds }) {
    const prepared = Array.from({ length: count }, (_, index) =>
      requestBytes(at, 'POST', PATH, lines.body(from + index * linesEach, linesEach), 'application/x-ndjson'),
    );
    return closedLoop({ at, connections, seconds: seconds ?? Number.POSITIVE_INFINITY, prepared, status: 202 });
  },

  /** Look-ups, all of them in random order, over and over, for some seconds. */
  paths({ at, connections, seconds, paths, seed }) {
    const random = randomFrom(seed);
    const prepared = paths
      .map((path) => ({ path, order: random() }))
      .sort((a, b) => a.order - b.order)
      .map(({ path }) => requestBytes(at, 'GET', path));
    return closedLoop({ at, connections, seconds, prepared, status: 200, again: true });
  },

  /** One line a request, from clients that send the next one at once, also when they are told to come back later. */
  async flood({ at, connections, seconds, from }) {
    const requests = Array.from({ length: Math.ceil(seconds * REQUESTS_A_SECOND_MAX) }, (_, index) => from + index);
    const prepared = requests.map((index) => requestBytes(at, 'POST', PATH, lines.at(index), 'application/json'));
    let refused = 0;
    const accepted = await closedLoop({
      at,
      connections,
      seconds,
      prepared,
      status: 202,
      onRefused: () => (refused += 1),
    });
    return { ...accepted, refused };
  },

  /** `rate` lines a second, one a request; until `stop`, if that comes first. */
  paced({ at, connections, seconds, rate, from }) {
    const prepared = Array.from({ length: Math.ceil(seconds * rate) }, (_, index) =>
      requestBytes(at, 'POST', PATH, lines.at(from + index), 'application/json'),
    );
    return openLoop({ at, connections, rate, prepared });
  },

  /** What is due by now is still sent. */
  stop() {
    stopPaced();
  },
});

async function closedLoop({ at, connections, seconds, prepared, status: expected, again = false, onRefused = null }) {
  const tookMs = new Float64Array(again ? Math.ceil(seconds * REQUESTS_A_SECOND_MAX) : prepared.length);
  let sent = 0;
  let done = 0;
  let inFlight = 0;
  let startMs = 0;
  let endMs = 0;
  let finish = () => {};
  const finished = new Promise((resolve, reject) => {
    finish = (error) => (error instanceof Error ? reject(error) : resolve());
  });
  const newClient = () => {
    let sentMs = 0;
    const wire = new Wire(
      at,
      (status, body) => {
        const now = performance.now();
        if (status === 503 && onRefused !== null) onRefused();
        else if (status !== expected) return finish(unexpected(status, body));
        else {
          tookMs[done] = now - sentMs;
          done += 1;
        }
        inFlight -= 1;
        next(now);
      },
      finish,
    );
    const next = (now) => {
      if (now < endMs && sent < tookMs.length) {
        sentMs = now;
        inFlight += 1;
        wire.send(prepared[again ? sent % prepared.length : sent]);
        sent += 1;
      } else if (inFlight === 0) finish();
    };
    return { wire, next };
  };
  const clients = [];
  while (clients.length < connections) {
    const group = Array.from({ length: Math.min(OPENED_AT_ONCE, connections - clients.length) }, newClient);
    await Promise.all(group.map(({ wire }) => wire.opened()));
    clients.push(...group);
    if (clients.length < connections) await pause(TAKEN_MS);
  }
  const cpu = process.cpuUsage();
  startMs = performance.now();
  endMs = startMs + seconds * 1000;
  for (const { next } of clients) next(startMs);
  await finished;
  const took = performance.now() - startMs;
  for (const { wire } of clients) wire.close();
  return summary(tookMs.subarray(0, done), took, cpu);
}

async function openLoop({ at, connections, rate, prepared }) {
  const tookMs = new Float64Array(prepared.length);
  let total = prepared.length;
  let sent = 0;
  let done = 0;
  let startMs = 0;
  let finish = () => {};
  const finished = new Promise((resolve, reject) => {
    finish = (error) => (error instanceof Error ? reject(error) : resolve());
  });
  const dueBy = (now) => Math.min(total, Math.floor(((now - startMs) * rate) / 1000));
  const idle = [];
  const clients = Array.from({ length: connections }, () => {
    const client = { dueMs: 0, wire: null };
    client.wire = new Wire(
      at,
      (status, body) => {
        if (status !== 202) return finish(unexpected(status, body));
        tookMs[done] = performance.now() - client.dueMs;
        done += 1;
        idle.push(client);
        if (done === total) finish();
      },
      finish,
    );
    idle.push(client);
    return client;
  });
  await Promise.all(clients.map(({ wire }) => wire.opened()));
  const cpu = process.cpuUsage();
  startMs = performance.now();
  const timer = setInterval(() => {
    const due = dueBy(performance.now());
    while (sent < due && idle.length > 0) {
      const client = idle.shift(); // in turn: a connection that never sends is closed by the server
      client.dueMs = startMs + (sent * 1000) / rate;
      client.wire.send(prepared[sent]);
      sent += 1;
    }
  }, PACE_TICK_MS);
  stopPaced = () => {
    total = Math.max(sent, dueBy(performance.now()));
    if (done === total) finish();
  };
  await finished;
  clearInterval(timer);
  const took = performance.now() - startMs;
  for (const { wire } of clients) wire.close();
  return summary(tookMs.subarray(0, done), took, cpu);
}

function summary(tookMs, totalMs, cpuBefore) {
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    requests: tookMs.length,
    seconds: totalMs / 1000,
    generatorCpuSeconds: (user + system) / 1e6,
    latencyMs: latencies(tookMs),
  };
}

function unexpected(status, body) {
  return new Error(`An answer with status ${status}: ${body.toString('utf8', 0, 300)}`);
}
