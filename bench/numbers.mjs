// Percentiles, ratios of pairs, and a seeded generator of random numbers.

/** p50, p99 and maximum; sorts what it is given. */
export function latencies(tookMs) {
  tookMs.sort((a, b) => a - b);
  const at = (share) => tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * share))] ?? Number.NaN;
  return { count: tookMs.length, p50: at(0.5), p99: at(0.99), max: tookMs.at(-1) ?? Number.NaN };
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Of each round ours to theirs: what disturbs the machine for longer than a round disturbs both. */
export function ratioOf(ours, theirs) {
  const ratios = ours.map((value, round) => value / theirs[round]);
  return { value: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}

/** From 0 up to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
