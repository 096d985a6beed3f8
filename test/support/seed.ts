// Random choices that can be made again: the seed is printed, and TILLSTREAM_TEST_SEED sets it.

export interface Dice {
  readonly seed: number;
  /** 0 (inclusive) to 1. */
  next(): number;
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number;
}

/** @param name of the test, for the print */
export function dice(name: string): Dice {
  const given = process.env.TILLSTREAM_TEST_SEED;
  const seed = given === undefined || given === '' ? Math.floor(Math.random() * 2 ** 32) : Number(given);
  process.stdout.write(`${name}: TILLSTREAM_TEST_SEED=${seed}\n`);
  return diceOf(seed);
}

/** mulberry32: short, and good enough to choose moments. */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { seed, next, between: (min, max) => min + Math.floor(next() * (max - min + 1)) };
}
