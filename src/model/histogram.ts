// Counts values by upper bounds, as Prometheus reads them: cheap enough for every request and every record.

/** Plain data, so that it crosses threads. */
export interface HistogramCounts {
  /** Rising; a value that equals one is within it. */
  readonly bounds: readonly number[];
  /** For each bound, the values within it and beyond the bound before; last, those beyond every bound. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Since it was made. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let at = 0;
    while (value > (this.#bounds[at] ?? Number.POSITIVE_INFINITY)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  read(): HistogramCounts {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum };
  }
}
