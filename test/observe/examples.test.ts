// The examples for Prometheus and Grafana: they ask for what is there, and Prometheus's own tool takes them.
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { metrics } from '../../src/observe/metrics.ts';
import { createExposition } from '../../src/observe/prometheus.ts';
import { endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';
import { scrape } from './exposition.ts';
import { groupingOf, selectorsOf } from './promql.ts';

const examples = fileURLToPath(new URL('../../examples/', import.meta.url));
const read = (file: string): string => readFileSync(join(examples, file), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const rules: readonly Rule[] = parseYaml(read('prometheus/tillstream.rules.yml')).groups[0].rules;
const panels: readonly Panel[] = JSON.parse(read('grafana/tillstream.json')).panels;
const asked = [
  ...rules.map(({ alert, expr }) => ({ where: `alert ${alert}`, expr })),
  ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ where: `panel ${title}`, expr }))),
];

/** Name of a series → the labels it has. */
const series = new Map<string, readonly string[]>([
  ['up', []],
  ...metrics.flatMap(({ name, type, labels = [] }) =>
    (type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']).map((end) => [name + end, labels] as const),
  ),
]);

describe('what an expression asks for', () => {
  it('is found in it', () => {
    const expr = `histogram_quantile(0.99, sum by (le, store) (rate(a_bucket{x="b c", y=~"d"}[5m]))) > on(z) e offset 15m and (f)`;
    expect(selectorsOf(expr)).toEqual([
      { name: 'a_bucket', labels: ['x', 'y'] },
      { name: 'e', labels: [] },
      { name: 'f', labels: [] },
    ]);
    expect(groupingOf(expr)).toEqual(['store']);
  });

  it.each(asked)('is there, with its labels: $where', ({ expr }) => {
    const selectors = selectorsOf(expr);
    expect(selectors.length).toBeGreaterThan(0);
    for (const { name, labels } of selectors) {
      expect([...series.keys()]).toContain(name);
      expect(series.get(name)).toEqual(expect.arrayContaining([...labels]));
    }
    const known = selectors.flatMap(({ name }) => series.get(name) ?? []);
    expect(known).toEqual(expect.arrayContaining(groupingOf(expr)));
  });

  it('between them, is every metric', () => {
    const used = new Set(asked.flatMap(({ expr }) => selectorsOf(expr).map(({ name }) => name)));
    const unused = metrics.map(({ name }) => name).filter((name) => ![...used].some((of) => of.startsWith(name)));
    expect(unused).toEqual([]);
  });
});

describe('an alert', () => {
  it.each(rules)('$alert says how bad it is, what is wrong and what to do', ({ labels, annotations }) => {
    expect(['critical', 'warning']).toContain(labels.severity);
    expect(annotations.summary).toMatch(/\.$/);
    expect(annotations.description.length).toBeGreaterThan(60);
  });
});

describe('the dashboard', () => {
  const shown = panels.filter(({ type }) => type !== 'row');

  it('gives every panel a place of its own', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
      expect(x + w).toBeLessThanOrEqual(24);
      return Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`);
    });
    expect(new Set(cells).size).toBe(cells.length);
  });

  it('tells the lines of a panel apart', () => {
    for (const { title, targets = [] } of shown) {
      const legends = targets.map(({ legendFormat }) => legendFormat);
      expect(new Set(legends).size, title).toBe(legends.length);
      for (const { expr, legendFormat } of targets) {
        for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
          expect(groupingOf(expr), title).toContain(label);
      }
    }
  });
});

/** Whether Prometheus's tool is here (Debian: `prometheus`). */
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

function promtool(
  command: readonly string[],
  input?: string,
): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', command, { encoding: 'utf8', input: input ?? '' });
  return { status, said: `${stdout}${stderr}` };
}

describe.runIf(hasPromtool)('promtool', () => {
  afterEach(endPlatforms);

  test('takes the rules', () => {
    const { status, said } = promtool(['check', 'rules', join(examples, 'prometheus/tillstream.rules.yml')]);
    expect(status, said).toBe(0);
    expect(said).toContain(`${rules.length} rules found`);
  });

  test('takes the configuration, with a key beside it', async () => {
    const directory = await freshDirectory('prometheus');
    cpSync(join(examples, 'prometheus'), directory, { recursive: true });
    writeFileSync(join(directory, 'tillstream.key'), 'tsk_…');
    const { status, said } = promtool(['check', 'config', join(directory, 'prometheus.yml')]);
    expect(status, said).toBe(0);
  });

  test('takes the questions of the dashboard', async () => {
    const file = join(await freshDirectory('dashboard'), 'rules.yml');
    const questions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    const recorded = questions.map((expr, at) => ({
      record: `question:${at}`,
      expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'),
    }));
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: recorded }] }));
    const { status, said } = promtool(['check', 'rules', file]);
    expect(status, said).toBe(0);
    expect(said).toContain(`${questions.length} rules found`);
  });

  test('sees the alerts fire when they should, and only then', () => {
    const { status, said } = promtool(['test', 'rules', fileURLToPath(new URL('rules.promtool.yml', import.meta.url))]);
    expect(status, said).toBe(0);
  });

  test('takes what a platform answers', async () => {
    const platform = await startPlatform(await freshDirectory('promtool'));
    await platform.get('/v1/status');
    const { text } = await scrape(platform.url);
    const { status, said } = promtool(['check', 'metrics'], text);
    expect({ status, said }).toEqual({ status: 0, said: '' });
  });

  test('would see a metric that is named or written wrongly', async () => {
    const wrong = createExposition<null>([
      { name: 'tillstream_lag_milliseconds', type: 'counter', help: 'Wrong.', samples: () => [{ value: 1 }] },
    ]);
    const { status, said } = promtool(['check', 'metrics'], await wrong.text(null));
    expect(status).not.toBe(0);
    expect(said).toContain('tillstream_lag_milliseconds');
  });
});
