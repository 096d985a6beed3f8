// How long requests took, by route; and why they were refused. On the way of every line: 0.2 µs a request.
import type { ServerResponse } from 'node:http';
import type { ErrorCode } from '../model/errors.ts';
import { Histogram, type HistogramCounts } from '../model/histogram.ts';

/** From a look-up's part of a millisecond to a question that runs into its time limit; in seconds. */
const DURATION_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export interface RequestTimes {
  readonly method: string;
  /** The pattern, never the address: that may name a customer. */
  readonly route: string;
  /** `2xx`, `4xx`, … */
  readonly status: string;
  readonly times: HistogramCounts;
}

export class RequestMeter {
  /** By route, method and first digit of the status: a few hundred at most. */
  readonly #times = new Map<string, Map<string, Map<number, Histogram>>>();
  readonly #refused = new Map<ErrorCode, number>();

  /** @param route its pattern; undefined: of no route */
  begin(method: string, route: string | undefined, response: ServerResponse): void {
    const begunMs = performance.now();
    // A listener, not a hook of Fastify's: that costs 1.5 µs.
    response.on('finish', () => {
      this.#of(method, route ?? 'none', response.statusCode).observe((performance.now() - begunMs) / 1000);
    });
  }

  refused(code: ErrorCode): void {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
  }

  get refusedByCode(): ReadonlyMap<ErrorCode, number> {
    return this.#refused;
  }

  /** Of requests that were answered; one whose sender went away before is not among them. */
  times(): RequestTimes[] {
    return [...this.#times].flatMap(([route, methods]) =>
      [...methods].flatMap(([method, classes]) =>
        [...classes].map(([digit, histogram]) => ({ method, route, status: `${digit}xx`, times: histogram.read() })),
      ),
    );
  }

  #of(method: string, route: string, status: number): Histogram {
    const methods = within(this.#times, route, () => new Map());
    const classes = within(methods, method, () => new Map());
    return within(classes, Math.floor(status / 100), () => new Histogram(DURATION_BOUNDS));
  }
}

function within<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const there = map.get(key);
  if (there !== undefined) return there;
  const made = make();
  map.set(key, made);
  return made;
}
