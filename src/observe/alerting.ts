// Looks at the platform every few seconds, and tells what is wrong.
import { setTimeout as pause } from 'node:timers/promises';
import type { Alerts, Notice } from './alerts.ts';
import type { Reading } from './reading.ts';

/** A reading costs two calls to other threads. */
const LOOK_MS = 5000;

export interface AlertingOptions {
  readonly reading: () => Promise<Reading>;
  readonly alerts: Alerts;
  /** Returns at once. */
  readonly tell: (notice: Notice) => void;
  readonly onError: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/** Resolves when the signal is aborted. */
export async function keepAlerting({ reading, alerts, tell, onError, signal }: AlertingOptions): Promise<void> {
  while (!signal.aborted) {
    try {
      await pause(LOOK_MS, undefined, { ref: false, signal });
      for (const notice of alerts.evaluate(await reading())) tell(notice);
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
  }
}
