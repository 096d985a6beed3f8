// How long the event loop of this thread was kept from its work: so long a request may have waited to be looked at.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Histogram, type HistogramCounts } from '../model/histogram.ts';

/** How often the loop is expected to come by; what is beyond it is delay. */
const RESOLUTION_MS = 10;
/** Short, so that each of them counts for itself, whoever reads and how often. */
const WINDOW_MS = 1000;
/** In seconds; a 202 is expected within 25 ms. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export class LoopDelay {
  readonly #monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #longest = new Histogram(BOUNDS);
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#monitor.enable();
    this.#timer = setInterval(() => this.#look(), WINDOW_MS);
    this.#timer.unref();
  }

  /** The longest delay of each second. */
  read(): HistogramCounts {
    return this.#longest.read();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#monitor.disable();
  }

  #look(): void {
    this.#longest.observe(Math.max(0, this.#monitor.max / 1e6 - RESOLUTION_MS) / 1000);
    this.#monitor.reset();
  }
}
