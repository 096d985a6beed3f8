// When a trouble is told: once it has held for a while, again after a long time, and once when it is over.
//
// Without a clock of its own: it goes by the time of the readings it is given.
import { Quiet } from './quiet.ts';
import type { Reading } from './reading.ts';
import { type AlertLimits, type AlertName, type Trouble, troublesOf } from './troubles.ts';

/** What is told. */
export interface Notice extends Trouble {
  readonly state: 'firing' | 'resolved';
  /** When the trouble began, ms since 1970. */
  readonly sinceMs: number;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** So long a trouble has to last. A stopped consumer does not start by itself, and silence has lasted already. */
const HOLD_MS: Readonly<Record<AlertName, number>> = {
  door_closed: 30 * SECOND_MS,
  sales_stopped: 0,
  consumer_stopped: 0,
  consumer_behind: MINUTE_MS,
  quarantine_grows: MINUTE_MS,
  import_asks: 0,
  import_failed: 0,
  disk_low: MINUTE_MS,
};
/** So long it has to be away until it is over: what comes and goes is one trouble, not many. */
const OVER_AFTER_MS = 2 * MINUTE_MS;
/** So often a trouble that nobody mends is told again: about once a working day. */
const AGAIN_AFTER_MS = 12 * 60 * MINUTE_MS;
/** So often at most a quarantine that goes on growing is told again. */
const GROWN_AFTER_MS = 10 * MINUTE_MS;

interface Watched {
  /** As it was seen last. */
  trouble: Trouble;
  readonly sinceMs: number;
  seenMs: number;
  /** When it was told last, and what it was then; null: not yet. */
  told: Told | null;
}

interface Told {
  readonly atMs: number;
  /** As it was then, or has been since, whichever is less: what grows from there is told again. */
  readonly value: number;
}

export class Alerts {
  readonly #limits: AlertLimits;
  readonly #quiet: Quiet;
  /** By alert and store. */
  readonly #watched = new Map<string, Watched>();

  constructor(limits: AlertLimits) {
    this.#limits = limits;
    this.#quiet = new Quiet(limits.quietMinutes * MINUTE_MS);
  }

  /** What is to be told now. Call it every few seconds. */
  evaluate(reading: Reading): Notice[] {
    const { atMs } = reading;
    const quietMs = this.#quiet.lookMs(reading.lines.accepted, atMs);
    for (const trouble of troublesOf(reading, quietMs, this.#limits)) this.#see(trouble, atMs);
    return [...this.#watched].flatMap(([key, watched]) => {
      if (watched.seenMs === atMs) return isDue(watched, atMs) ? [this.#tell(watched, atMs)] : [];
      if (watched.told !== null && atMs - watched.seenMs < OVER_AFTER_MS) return [];
      this.#watched.delete(key);
      return watched.told === null ? [] : [over(watched)];
    });
  }

  #see(trouble: Trouble, atMs: number): void {
    const key = `${trouble.alert} ${trouble.store ?? ''}`;
    const watched = this.#watched.get(key);
    if (watched === undefined) this.#watched.set(key, { trouble, sinceMs: atMs, seenMs: atMs, told: null });
    else Object.assign(watched, { trouble, seenMs: atMs, told: lowered(watched.told, trouble.value) });
  }

  #tell(watched: Watched, atMs: number): Notice {
    const { trouble, sinceMs } = watched;
    watched.told = { atMs, value: trouble.value ?? 0 };
    return { ...trouble, state: 'firing', sinceMs };
  }
}

function isDue({ trouble, sinceMs, told }: Watched, atMs: number): boolean {
  if (told === null) return atMs - sinceMs >= HOLD_MS[trouble.alert];
  if (atMs - told.atMs >= AGAIN_AFTER_MS) return true;
  const { alert, value, threshold } = trouble;
  const grown = alert === 'quarantine_grows' && (value ?? 0) >= told.value + (threshold ?? 0);
  return grown && atMs - told.atMs >= GROWN_AFTER_MS;
}

function lowered(told: Told | null, value: number | null): Told | null {
  return told === null || value === null ? told : { ...told, value: Math.min(told.value, value) };
}

function over({ trouble, sinceMs, seenMs }: Watched): Notice {
  const minutes = Math.max(1, Math.round((seenMs - sinceMs) / MINUTE_MS));
  const message = `It is over, after ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}. It was: ${trouble.message}`;
  return { ...trouble, message, state: 'resolved', sinceMs };
}
