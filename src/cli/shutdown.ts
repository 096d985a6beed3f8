// Ctrl-C, and what a service manager sends: the first one drains, a second one ends at once. Either loses nothing.

/** Exit code of a command that Ctrl-C ended before it was done, as shells give it. */
export const INTERRUPTED = 130;

/** npm passes a signal on that the terminal has delivered already: within this time it is the same key press. */
const SAME_PRESS_MS = 300;

export interface Shutdown {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Resolves with the first signal. */
  readonly asked: Promise<void>;
  /** The same, from within. */
  now(): void;
  /** Signals mean what they meant before. */
  release(): void;
}

/** @param onFirst  called with the first signal */
export function listenForShutdown(onFirst: () => void): Shutdown {
  const controller = new AbortController();
  const asked = new Promise<void>((resolve) => controller.signal.addEventListener('abort', () => resolve()));
  let firstMs: number | null = null;
  const onSignal = (): void => {
    if (firstMs === null) {
      firstMs = Date.now();
      onFirst();
      controller.abort();
    } else if (Date.now() - firstMs > SAME_PRESS_MS) {
      process.exit(INTERRUPTED);
    }
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    asked,
    now: () => controller.abort(),
    release() {
      for (const name of names) process.off(name, onSignal);
    },
  };
}
