// `status --watch`: looks every second until Ctrl-C, also while the platform is away. On a terminal the flow is painted over
// in place; else one screen after the other, and JSON one a line.
import { setTimeout as pause } from 'node:timers/promises';
import { isTillstreamError, type TillstreamError } from '../model/errors.ts';
import type { StatusAnswer } from './answers.ts';
import { ask } from './connection.ts';
import type { Connection } from './find-platform.ts';
import { type FlowView, flowScreen } from './flow.ts';
import { RateHistory } from './rates.ts';
import { err, out, screenWidth } from './screen.ts';
import { statusScreen } from './status-screen.ts';
import { openTerminal } from './terminal.ts';
import { duration } from './text.ts';

const WATCH_INTERVAL_MS = 1000;
/** A platform that takes longer to say how it is hangs, or is on its way down. */
const ANSWER_TIMEOUT_MS = 3000;

/** Where looks are shown. */
interface Display {
  show(url: string, status: StatusAnswer): void;
  /** The platform does not answer; called at every try. */
  showAway(error: TillstreamError): void;
  end(): void;
}

/**
 * @param find looked up at every try: a platform may come back at another address
 * @throws what the first look throws; later only what trying again does not mend
 */
export async function watch(find: () => Connection, json: boolean): Promise<void> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort());
  let display: Display | null = null;
  try {
    while (!stop.signal.aborted) {
      const nextMs = performance.now() + WATCH_INTERVAL_MS;
      try {
        const connection = find();
        const asking = { signal: stop.signal, timeoutMs: ANSWER_TIMEOUT_MS, has: 'consumers' } as const;
        const status = await ask<StatusAnswer>(connection, '/v1/status', asking);
        display ??= json ? lines() : process.stdout.isTTY === true ? painted() : plain();
        display.show(connection.url, status);
      } catch (error) {
        if (stop.signal.aborted) break;
        if (display === null || !isPassing(error)) throw error;
        display.showAway(error);
      }
      await pause(Math.max(0, nextMs - performance.now()), undefined, { signal: stop.signal }).catch(() => undefined);
    }
  } finally {
    display?.end();
  }
}

const PASSING = ['unreachable', 'unavailable', 'shutting_down', 'overloaded', 'internal'] as const;

function isPassing(error: unknown): error is TillstreamError {
  return PASSING.some((code) => isTillstreamError(error, code));
}

function lines(): Display {
  return { ...awayOnce(), show: (_url, status) => out(`${JSON.stringify(status)}\n`) };
}

function plain(): Display {
  return { ...awayOnce(), show: (url, status) => out(`${statusScreen(url, status, screenWidth())}\n`) };
}

/** On stderr; results go on where they were. */
function awayOnce(): Pick<Display, 'showAway' | 'end'> {
  let said = '';
  return {
    showAway({ code, message }) {
      const text = `${code}: ${message}\n`;
      if (text !== said) err(text);
      said = text;
    },
    end: () => {},
  };
}

function painted(): Display {
  const history = new RateHistory();
  let view: FlowView | null = null;
  let awaySinceMs: number | null = null;
  const terminal = openTerminal((width) => (view === null ? '' : flowScreen(view, width)));
  return {
    show(url, status) {
      awaySinceMs = null;
      history.add(status, performance.now());
      view = { url, status, rates: history.rates(), perSecond: history.perSecond, trouble: null };
      terminal.paint();
    },
    showAway({ message }) {
      awaySinceMs ??= performance.now();
      const since = duration(Math.max(1, Math.round((performance.now() - awaySinceMs) / 1000)));
      if (view !== null) view = { ...view, trouble: `Away for ${since}, these figures are old: ${message}` };
      terminal.paint();
    },
    end: () => terminal.close(),
  };
}
