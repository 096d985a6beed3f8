// What a replay asks the platform about its stream: before it sends, and after. As patient as delivery itself.
import { setTimeout as sleep } from 'node:timers/promises';
import { TillstreamError } from '../model/errors.ts';
import { type Later, readStream, type StreamState, unanswered } from './answer.ts';
import { Connection, type Target } from './connection.ts';
import { backoffMs, pause } from './deliver.ts';

/** The order store is some milliseconds behind; one that is further behind than this is not waited for. */
const SERVED_WAIT_MS = 5_000;
const SERVED_POLL_MS = 50;

export interface Asking {
  readonly stop: AbortSignal;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  /** Told why there is no answer yet. */
  readonly onUnanswered: (reason: string) => void;
}

/** null after `stop`. @throws TillstreamError  when going on makes no sense: a wrong key, not a platform at all */
export async function askStream(target: Target, { stop, random, onUnanswered }: Asking): Promise<StreamState | null> {
  const connection = new Connection(target);
  const destroy = () => void connection.destroy();
  stop.addEventListener('abort', destroy);
  try {
    for (let failures = 0; !stop.aborted; failures += 1) {
      const state = await ask(connection);
      if (state.kind === 'stream') return state;
      onUnanswered(state.reason);
      await pause(backoffMs(failures, state.afterMs, random), stop);
    }
    return null;
  } finally {
    stop.removeEventListener('abort', destroy);
    await connection.destroy();
  }
}

/**
 * How many lines have replaced a version that differed, once the order store has all that is accepted by now. Counts for
 * the platform as a whole: those of other senders too. null: not known, since it is far behind, or does not answer.
 */
export async function replacedByNow(target: Target): Promise<number | null> {
  const connection = new Connection(target);
  try {
    const untilMs = Date.now() + SERVED_WAIT_MS;
    let newest: string | null = null;
    while (Date.now() < untilMs) {
      const state = await ask(connection);
      if (state.kind !== 'stream') return null;
      newest ??= state.newest;
      if (newest === null || (state.served ?? '') >= newest) return state.replaced;
      await sleep(SERVED_POLL_MS);
    }
    return null;
  } catch {
    return null; // It has taken every line; that it is gone now takes nothing back.
  } finally {
    await connection.destroy();
  }
}

async function ask(connection: Connection): Promise<StreamState | Later> {
  try {
    return readStream(await connection.get('/v1/stream'), connection.url);
  } catch (error) {
    if (error instanceof TillstreamError) throw error;
    return unanswered(error);
  }
}
