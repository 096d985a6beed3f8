// Metrics in the text format of Prometheus, by prom-client: values are read when they are asked for, never before.
import { Counter, Gauge, Registry } from 'prom-client';
import type { HistogramCounts } from '../model/histogram.ts';

type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels?: Labels;
  readonly value: HistogramCounts;
}

interface Described {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

/** What one metric is, and its samples at a moment of kind `M`. */
export type Metric<M> = Described &
  (
    | { readonly type: 'counter' | 'gauge'; readonly samples: (moment: M) => readonly Sample[] }
    | { readonly type: 'histogram'; readonly samples: (moment: M) => readonly HistogramSample[] }
  );

export interface Exposition<M> {
  readonly contentType: string;
  text(moment: M): Promise<string>;
}

export function createExposition<M>(metrics: readonly Metric<M>[]): Exposition<M> {
  const registry = new Registry();
  const fills = metrics.map((metric) => register(registry, metric));
  return {
    contentType: registry.contentType,
    text(moment) {
      for (const fill of fills) fill(moment);
      return registry.metrics();
    },
  };
}

/** What sets the metric to a moment. */
function register<M>(registry: Registry, metric: Metric<M>): (moment: M) => void {
  const { name, help, labels = [] } = metric;
  if (metric.type === 'histogram') return registerHistogram(registry, metric);
  const described = { name, help, labelNames: [...labels], registers: [registry] };
  const kept = metric.type === 'counter' ? new Counter(described) : new Gauge(described);
  return (moment) => {
    kept.reset();
    for (const sample of metric.samples(moment)) kept.inc(sample.labels ?? {}, sample.value);
  };
}

/** A histogram of prom-client's own observes value by value; ours has counted already, perhaps in another thread. */
function registerHistogram<M>(
  registry: Registry,
  { name, help, samples }: Described & { readonly samples: (moment: M) => readonly HistogramSample[] },
): (moment: M) => void {
  let values: object[] = [];
  const metric = { name, help, type: 'histogram', aggregator: 'sum', get: async () => ({ ...metric, values }) };
  // The types know prom-client's own four only; its registry asks no more of a metric than a name and get().
  registry.registerMetric(metric as unknown as Gauge);
  return (moment) => {
    values = samples(moment).flatMap(({ labels = {}, value }) => histogramLines(name, labels, value));
  };
}

function histogramLines(name: string, labels: Labels, { bounds, counts, sum }: HistogramCounts): object[] {
  let within = 0;
  const buckets = counts.map((count, at) => {
    within += count;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bounds[at] ?? '+Inf' }, value: within };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: within },
  ];
}
