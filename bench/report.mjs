// What was measured, for people: a table a row, budgets, and whether each is met.
import { median } from './numbers.mjs';

export function rateOf({ requests, seconds }) {
  return requests / seconds;
}

/** Medians over the rounds of one side; the maximum is that of all rounds. */
export function measuredSide({ side, rounds }, unitsEach = 1) {
  const over = (value) => median(rounds.map(value));
  return {
    name: side.name,
    perSecond: over(rateOf) * unitsEach,
    latencyMs: {
      p50: over(({ latencyMs }) => latencyMs.p50),
      p99: over(({ latencyMs }) => latencyMs.p99),
      max: Math.max(...rounds.map(({ latencyMs }) => latencyMs.max)),
    },
    cpuMicrosEach: over(({ cpuSeconds, requests }) => (cpuSeconds * 1e6) / (requests * unitsEach)),
    /** Share of one core; near 1 the generator itself is the limit. */
    generatorCpu: over(({ generatorCpuSeconds, seconds }) => generatorCpuSeconds / seconds),
  };
}

/** Of imports and rebuilds: medians over the rounds, and the most memory of any. */
export function measuredLoad(name, rounds) {
  return {
    name,
    lines: rounds[0].lines,
    seconds: median(rounds.map(({ seconds }) => seconds)),
    cpuSeconds: median(rounds.map(({ cpuSeconds }) => cpuSeconds)),
    memoryBytes: Math.max(...rounds.map(({ memoryBytes = Number.NaN }) => memoryBytes)),
  };
}

/** A measure beside its budget, `atLeast` or `below`; null: it has none. */
export function judged(name, { value, min = null, max = null }, budget) {
  const met = budget === null ? null : budget.atLeast === undefined ? value < budget.below : value >= budget.atLeast;
  return { name, value, min, max, budget, met };
}

export function printed(row) {
  const lines = [row.title];
  if (row.sides !== undefined) {
    lines.push(
      ...table(
        ['', row.unit, 'p50 ms', 'p99 ms', 'max ms', 'CPU µs each', 'generator'],
        row.sides.map(({ name, perSecond, latencyMs, cpuMicrosEach, generatorCpu }) => [
          name,
          grouped(perSecond),
          ...millis(latencyMs),
          Number.isFinite(cpuMicrosEach) ? cpuMicrosEach.toFixed(cpuMicrosEach < 10 ? 2 : 1) : '',
          generatorCpu === undefined ? '' : `${Math.round(generatorCpu * 100)} %`,
        ]),
      ),
    );
  }
  if (row.latencies !== undefined) {
    lines.push(
      ...table(
        ['', 'measured', 'p50 ms', 'p99 ms', 'max ms'],
        row.latencies.map(({ name, count, ...latencyMs }) => [name, grouped(count), ...millis(latencyMs)]),
      ),
    );
  }
  if (row.loads !== undefined) {
    lines.push(
      ...table(
        ['', 'lines', 'seconds', 'lines/s', 'CPU s', 'memory MB'],
        row.loads.map(({ name, lines: count, seconds, cpuSeconds, memoryBytes }) => [
          name,
          grouped(count),
          seconds.toFixed(2),
          grouped(count / seconds),
          Number.isFinite(cpuSeconds) ? cpuSeconds.toFixed(2) : '',
          Number.isFinite(memoryBytes) ? grouped(memoryBytes / 1e6) : '',
        ]),
      ),
    );
  }
  if (row.phases !== undefined) {
    lines.push(
      ...table(
        ['', 'offered/s', 'accepted/s', 'refused/s', 'p50 ms', 'p99 ms', 'max ms', 'memory MB'],
        row.phases.map(({ name, offered, accepted, refused, latencyMs, memoryBytes }) => [
          name,
          ...[offered, accepted, refused].map(grouped),
          ...millis(latencyMs),
          grouped(memoryBytes / 1e6),
        ]),
      ),
    );
  }
  lines.push(
    ...row.ratios.map(
      ({ name, value, min, max, budget, met }) =>
        `  ${met === null ? ' ' : met ? '✓' : '✗'} ${name}: ${short(value)}` +
        `${min === null ? '' : ` (${short(min)} to ${short(max)})`}${budget === null ? '' : `, ${budgetText(budget)}`}`,
    ),
    ...row.notes.map((note) => `    ${note}`),
  );
  return `${lines.join('\n')}\n`;
}

function budgetText({ atLeast, below }) {
  return atLeast === undefined
    ? `budget below ${Number.isInteger(below) ? grouped(below) : below}`
    : `budget at least ${short(atLeast)}`;
}

function table(head, rows) {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  return [head, ...rows].map((row) =>
    `    ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  ')}`.trimEnd(),
  );
}

function millis({ p50, p99, max }) {
  return [p50, p99, max].map((value) => value.toFixed(value < 10 ? 2 : 1));
}

function short(value) {
  return value >= 100 ? grouped(value) : value.toFixed(2);
}

function grouped(value) {
  return Math.round(value).toLocaleString('en-US');
}
