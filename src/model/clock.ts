// The clock behind `receivedAt`: microseconds that never go back and never repeat on one machine. And how long work took.

export interface Clock {
  /** µs since 1970; each call gives more than every call before. */
  nowMicros(): number;
  /** Never answers `micros` or less again: what an earlier run of the platform has already given out. */
  advanceTo(micros: number): void;
}

/** @param wallMicros what the machine's clock says; it may jump, in either direction */
export function createClock(wallMicros: () => number = () => Date.now() * 1000): Clock {
  let last = 0;
  return {
    nowMicros() {
      last = Math.max(last + 1, Math.floor(wallMicros()));
      return last;
    },
    advanceTo(micros) {
      last = Math.max(last, micros);
    },
  };
}

/** To the millisecond. @param startedMs of performance.now() */
export function secondsSince(startedMs: number): number {
  return Math.round(performance.now() - startedMs) / 1000;
}
