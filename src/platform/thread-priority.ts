// Which threads go first when there are more of them than processors.
import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { basename } from 'node:path';

/**
 * Lets the other threads of the process go before this one: what is accepted first is carried on a little later, and lies
 * safely in the stream until then. On Linux alone threads have a priority of their own; elsewhere nothing happens.
 */
export function yieldToTheDoor(): void {
  try {
    const threadId = Number(basename(readlinkSync('/proc/thread-self')));
    setPriority(threadId, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // No /proc, or not allowed: all threads go alike.
  }
}
