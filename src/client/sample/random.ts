// Chance that is the same everywhere: from a seed, in 32-bit integers and plain arithmetic, so that a seed gives the same
// bytes on every machine. (Math.log and the like may differ in the last bit; tables take their place.)

/** sfc32: passes the usual statistical tests, and costs a nanosecond or two. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed a whole number */
  constructor(seed: number) {
    this.#a = 0x9e3779b9;
    this.#b = Math.floor(seed / 2 ** 32) | 0;
    this.#c = seed | 0;
    for (let round = 0; round < 16; round += 1) this.#next();
  }

  /** 0 ≤ x < 1 */
  unit(): number {
    return this.#next() / 2 ** 32;
  }

  /** A whole number, 0 ≤ x < n. */
  below(n: number): number {
    return Math.floor(this.unit() * n);
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11) | 0) + sum) | 0;
    return sum >>> 0;
  }
}

/** A distribution by its quantiles, straight in between. */
export class Quantiles {
  readonly #points: readonly (readonly [share: number, value: number])[];

  /** @param points from share 0 to share 1, rising */
  constructor(points: readonly (readonly [share: number, value: number])[]) {
    this.#points = points;
  }

  draw(random: Random): number {
    const share = random.unit();
    let [lowShare, lowValue] = this.#points[0] ?? [0, 0];
    for (const [highShare, highValue] of this.#points) {
      if (share < highShare) {
        return lowValue + ((highValue - lowValue) * (share - lowShare)) / (highShare - lowShare);
      }
      lowShare = highShare;
      lowValue = highValue;
    }
    return lowValue;
  }
}

/** Items with weights, drawn by one look into a table. */
export class Weighted<T> {
  readonly #items: readonly T[];
  readonly #slots: Uint16Array;

  /** @param slots of the table: a weight is as exact as its share of them */
  constructor(weighted: Iterable<readonly [item: T, weight: number]>, slots = 4096) {
    const entries = [...weighted];
    this.#items = entries.map(([item]) => item);
    this.#slots = new Uint16Array(slots);
    const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
    let before = 0;
    for (const [index, [, weight]] of entries.entries()) {
      const from = Math.round((before / total) * slots);
      before += weight;
      this.#slots.fill(index, from, Math.round((before / total) * slots));
    }
  }

  draw(random: Random): T {
    return this.#items[this.#slots[random.below(this.#slots.length)] ?? 0] as T;
  }
}

/** Numbers with weights, smallest first. */
export function weightedNumbers(weights: Readonly<Record<number, number>>): Weighted<number> {
  return new Weighted(Object.entries(weights).map(([value, weight]) => [Number(value), weight] as const));
}
