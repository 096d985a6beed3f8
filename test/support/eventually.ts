// What comes true sooner or later. How soon is not what a test tells: other tests, and whatever else, may be at work on this machine.
import { vi } from 'vitest';

const TIMEOUT_MS = 60_000;

/** What `look` answers, once it does not throw. */
export function eventually<T>(look: () => T | Promise<T>, intervalMs = 50): Promise<T> {
  return vi.waitFor(look, { timeout: TIMEOUT_MS, interval: intervalMs });
}
