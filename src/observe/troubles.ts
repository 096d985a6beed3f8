// What is wrong at one moment, in words for the person who is told. Codes and figures only: nothing of a customer's.
import type { ConsumerReading, ImportsReading, Reading } from './reading.ts';

/** 0 in any of them: nothing of that kind is ever a trouble. */
export interface AlertLimits {
  readonly quietMinutes: number;
  readonly lagSeconds: number;
  readonly quarantineRecords: number;
  readonly diskFreeBytes: number;
}

export type AlertName =
  | 'door_closed'
  | 'sales_stopped'
  | 'consumer_stopped'
  | 'consumer_behind'
  | 'quarantine_grows'
  | 'import_asks'
  | 'import_failed'
  | 'disk_low';

export interface Trouble {
  readonly alert: AlertName;
  /** The store it is about; null: the whole platform. */
  readonly store: string | null;
  /** A sentence: what is wrong. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
  /** What was measured, and what it was held against; null where there is no figure. */
  readonly value: number | null;
  readonly threshold: number | null;
}

const GIB = 2 ** 30;
const HOW: Readonly<Record<string, string>> = {
  waiting: 'away',
  silent: 'held up and says nothing',
  held: 'held by a verify, a redrive, a backup or a rebuild',
};
/** A verify or a backup of much data may hold a store for minutes, and is asked for by somebody who knows. */
const HELD_SECONDS_MAX = 15 * 60;

/** @param quietMs for how long no line has come after a steady flow; 0: lines come, or never came steadily */
export function troublesOf(reading: Reading, quietMs: number, limits: AlertLimits): Trouble[] {
  const { closedBecause, consumers, quarantine, imports, disk } = reading;
  const troubles: Trouble[] = [];
  if (closedBecause !== null) troubles.push(doorClosed(closedBecause.message));
  if (quietMs > 0) troubles.push(salesStopped(quietMs, limits.quietMinutes));
  for (const consumer of consumers) {
    const { store, state, lagSeconds } = consumer;
    // Without an error it changes places with a store that was rebuilt.
    if (state === 'stopped' && consumer.error !== null) troubles.push(consumerStopped(consumer));
    const lagSecondsMax = state === 'held' ? Math.max(limits.lagSeconds, HELD_SECONDS_MAX) : limits.lagSeconds;
    const late = lagSeconds > lagSecondsMax || state === 'waiting' || state === 'silent';
    if (limits.lagSeconds > 0 && late) troubles.push(consumerBehind(store, consumer, lagSecondsMax));
  }
  if (limits.quarantineRecords > 0 && quarantine.waiting >= limits.quarantineRecords) {
    troubles.push(quarantineGrows(quarantine.waiting, limits.quarantineRecords));
  }
  if (imports.open.needs_answer > 0) troubles.push(importAsks(imports.open.needs_answer));
  if (imports.failed !== null) troubles.push(importFailed(imports.failed));
  if (disk.freeBytes < limits.diskFreeBytes) troubles.push(diskLow(disk, limits.diskFreeBytes));
  return troubles;
}

function doorClosed(reason: string): Trouble {
  return {
    ...{ alert: 'door_closed', store: null, value: null, threshold: null },
    message: `No lines are accepted; every sender is told to come back. ${reason}`,
    hint: '`tillstream status` shows the disk and how far each store is behind; accepting goes on by itself when there is room.',
  };
}

function salesStopped(quietMs: number, quietMinutes: number): Trouble {
  const minutes = Math.floor(quietMs / 60_000);
  return {
    ...{ alert: 'sales_stopped', store: null, value: minutes, threshold: quietMinutes },
    message: `No line has been accepted for ${minutes} minutes, after a steady flow.`,
    hint: 'Look at the shop and at what sends its lines: a till or web shop that fails, a key that has ended, the network between.',
  };
}

function consumerStopped({ store, error }: ConsumerReading): Trouble {
  return {
    ...{ alert: 'consumer_stopped', store, value: null, threshold: null },
    message: `The ${store} store takes nothing any more${error === null ? '' : ` (${error.code})`}; lines go on being accepted.`,
    hint: '`tillstream status` says why, docs/ERRORS.md what to do. Nothing is lost: the stream and the lake keep the lines.',
  };
}

function consumerBehind(store: string, { state, lagSeconds, lagRecords }: ConsumerReading, threshold: number): Trouble {
  const lag = `${lagRecords} records wait for it, the oldest for ${Math.round(lagSeconds)} s`;
  return {
    ...{ alert: 'consumer_behind', store, value: lagSeconds, threshold },
    message: `The ${store} store is ${HOW[state] ?? 'behind'}: ${lag}.`,
    hint: '`tillstream status` shows whether it catches up. If it does not, the machine is too slow for what comes in, or its disk is full or failing.',
  };
}

function quarantineGrows(waiting: number, threshold: number): Trouble {
  return {
    ...{ alert: 'quarantine_grows', store: null, value: waiting, threshold },
    message: waiting === 1 ? 'One record waits in quarantine.' : `${waiting} records wait in quarantine.`,
    hint: '`tillstream quarantine list` shows them with the reason: redrive them after a fix, or discard them.',
  };
}

function importAsks(asking: number): Trouble {
  const those = asking === 1 ? 'One import waits' : `${asking} imports wait`;
  return {
    ...{ alert: 'import_asks', store: null, value: asking, threshold: null },
    message: `${those} for an answer: nothing of it is in the stores yet.`,
    hint: '`tillstream imports` shows what is asked, `tillstream imports answer` answers, `tillstream imports cancel` gives it up.',
  };
}

function importFailed({ id, code }: NonNullable<ImportsReading['failed']>): Trouble {
  return {
    ...{ alert: 'import_failed', store: null, value: null, threshold: null },
    message: `Import ${id} has failed (${code}), and none was done since.`,
    hint: '`tillstream imports show` says why, docs/ERRORS.md what to do. Import the file again then: what is in the stores counts once.',
  };
}

function diskLow({ freeBytes, reserveBytes }: Reading['disk'], threshold: number): Trouble {
  const closes = `at ${gibibytes(reserveBytes)} nothing is accepted any more`;
  return {
    ...{ alert: 'disk_low', store: null, value: freeBytes, threshold },
    message: `The disk of the data directory has ${gibibytes(freeBytes)} free; ${closes}.`,
    hint: 'Make room on it, or move the data directory to a larger disk.',
  };
}

function gibibytes(bytes: number): string {
  return `${(bytes / GIB).toFixed(2)} GiB`;
}
