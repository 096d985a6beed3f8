// What /metrics answers, as tests read it.
import { expect } from 'vitest';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Scrape {
  readonly text: string;
  /** Name → type, of those that are described. */
  readonly types: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];
}

const SAMPLE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/;

export async function scrape(url: string): Promise<Scrape> {
  const answer = await fetch(`${url}/metrics`);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  return parse(await answer.text());
}

export function parse(text: string): Scrape {
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const [, described, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (described !== undefined && type !== undefined) types.set(described, type);
    if (line === '' || line.startsWith('#')) continue;
    const [, name, labels, value] = SAMPLE.exec(line) ?? [];
    if (name === undefined) throw new Error(`Not a sample: ${line}`);
    const pairs = [...(labels ?? '').matchAll(/([a-z]+)="([^"]*)"/g)].map(([, key, of]) => [key, of]);
    samples.push({ name, labels: Object.fromEntries(pairs), value: Number(value) });
  }
  return { text, types, samples };
}

/** Sum of the samples of a name that have these labels; 0 when there are none. */
export function sum({ samples }: Scrape, name: string, labels: Readonly<Record<string, string>> = {}): number {
  return samples
    .filter((sample) => sample.name === name && Object.entries(labels).every(([key, of]) => sample.labels[key] === of))
    .reduce((total, { value }) => total + value, 0);
}

/** The samples of a metric; those of a histogram have names of their own. */
export function samplesOf({ samples, types }: Scrape, metric: string): Sample[] {
  const names = types.get(metric) === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => metric + end) : [metric];
  return samples.filter(({ name }) => names.includes(name));
}
