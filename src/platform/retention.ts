// Keeps the stream short: once a second, removes what every store has and nobody needs to read again.
import { setTimeout as pause } from 'node:timers/promises';
import type { StoreName } from '../pipelines/pipeline.ts';
import type { ConsumerStatus } from '../stream/consumer.ts';

const TICK_MS = 1000;
const STORES: readonly StoreName[] = ['lake', 'orders', 'warehouse'];

export interface RetentionOptions {
  readonly stream: { trim(passed: string | null, keptSinceMs: number): Promise<number> };
  readonly consumers: () => Promise<readonly ConsumerStatus[]>;
  /** Also needed is what comes after this record; null: nothing more. */
  readonly floor: () => string | null;
  /** Records stay this long after every store has them, as long as the stream is not longer than its limit. */
  readonly keptMs: number;
  readonly onError: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/** Resolves when the signal is aborted. */
export async function keepRetention({
  stream,
  consumers,
  floor,
  keptMs,
  onError,
  signal,
}: RetentionOptions): Promise<void> {
  while (!signal.aborted) {
    try {
      await pause(TICK_MS, undefined, { ref: false, signal });
      const passed = passedByAll(await consumers(), floor);
      if (passed === null) continue;
      while (!signal.aborted && (await stream.trim(passed, Date.now() - keptMs)) > 0);
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
  }
}

/**
 * The newest record that every store has; null when one has none yet, or has not been heard of since the start. A store with a
 * stream_gap can only be rebuilt from the lake, so it holds nothing back, unless it is the lake itself.
 */
function passedByAll(consumers: readonly ConsumerStatus[], floor: () => string | null): string | null {
  if (!STORES.every((name) => consumers.some(({ store }) => store === name))) return null;
  const awaited = consumers.filter(({ store, error }) => store === 'lake' || error?.code !== 'stream_gap');
  const kept = floor();
  const checkpoints = [...awaited.map(({ checkpoint }) => checkpoint ?? ''), ...(kept === null ? [] : [kept])].sort();
  return checkpoints[0] || null;
}
