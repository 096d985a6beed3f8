// Which thread goes first when all processors are busy.
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Ten steps: where two threads want one processor, the nicer one gets a tenth of it. */
const NICENESS = 10;

/**
 * Call first thing in a worker thread: it, and the threads that DuckDB starts from it, give way to the HTTP thread. What is
 * accepted waits on disk; a customer waits for the answer. Linux alone has priorities of threads; elsewhere nothing happens.
 */
export function letDoorGoFirst(): void {
  if (process.platform !== 'linux') return;
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (Number.isInteger(thread)) setPriority(thread, NICENESS);
  } catch {
    // A container without /proc: as on other systems.
  }
}
