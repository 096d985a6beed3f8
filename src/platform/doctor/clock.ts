// The machine's clock: every line carries its time, and the hours of the lake follow from it.
import { type Finding, failed, ok, roughly, warning } from './finding.ts';

export interface ClockEvidence {
  readonly nowMs: number;
  /** When the newest line was appended, and the data directory made; null where that is not known. */
  readonly newestLineMs: number | null;
  readonly directoryMadeMs: number | null;
  /** The disk's clock less the machine's; null where it could not be seen. */
  readonly diskAheadSeconds: number | null;
  /** By how much the clock was set while the doctor looked. */
  readonly steppedMs: number;
}

/** Before this, Tillstream was not there: a clock that says so was never set. */
const FIRST_MS = Date.UTC(2025, 0, 1);
/** A clock that is corrected goes back by less. */
const BEHIND_SECONDS_MAX = 2;
const STEP_MS_MAX = 500;
const DISK_SECONDS_MAX = 60;

const SET_IT = 'Set the clock, and keep it set: timedatectl set-ntp true.';

export function checkClock(evidence: ClockEvidence): Finding {
  const { nowMs, newestLineMs, directoryMadeMs, diskAheadSeconds, steppedMs } = evidence;
  const now = new Date(nowMs).toISOString().replace(/\.\d+Z/, 'Z');
  if (nowMs < FIRST_MS) return failed('Clock', `${now}: it was never set`, SET_IT);
  const behindOf = (ms: number | null): number => (ms === null ? 0 : (ms - nowMs) / 1000);
  const behindLine = behindOf(newestLineMs);
  if (behindLine > BEHIND_SECONDS_MAX) {
    const found = `${now}, ${roughly(behindLine)} behind the newest line: it was set back`;
    return failed('Clock', found, `${SET_IT} Until it has caught up, all lines get the time of that one.`);
  }
  const behindDirectory = behindOf(directoryMadeMs);
  if (behindDirectory > BEHIND_SECONDS_MAX) {
    const found = `${now}, ${roughly(behindDirectory)} before the data directory was made`;
    return failed('Clock', found, SET_IT);
  }
  if (Math.abs(steppedMs) > STEP_MS_MAX) {
    const direction = steppedMs < 0 ? 'back' : 'forward';
    return warning(
      'Clock',
      `${now}; it was set ${direction} by ${roughly(Math.abs(steppedMs) / 1000)} just now`,
      SET_IT,
    );
  }
  if (diskAheadSeconds !== null && Math.abs(diskAheadSeconds) > DISK_SECONDS_MAX) {
    const found = `${now}; files get a time that is ${roughly(Math.abs(diskAheadSeconds))} off`;
    return warning('Clock', found, 'Set the clock of the machine that has the disk.');
  }
  return ok('Clock', now);
}

/** Of the shop: what it shows there now, so that a wrong one is seen. */
export function checkTimeZone(timeZone: string, nowMs: number): Finding {
  const there = new Date(nowMs).toLocaleString('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  return ok('Time zone', `${timeZone}, where it is ${there}`);
}
