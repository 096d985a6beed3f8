// Which threads go first when there are more of them than processors. On Linux alone threads have a priority of their own;
// elsewhere nothing happens here.
import { readlinkSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { getPriority, setPriority } from 'node:os';
import { basename } from 'node:path';

/**
 * As nice(2) has them, beyond that of the door: what a customer sees within 50 ms goes before what analysts see within a second.
 * Under full load the pipeline thread keeps a quarter of a processor, the others a tenth.
 */
const NICE = { pipelines: 5, warehouse: 10 } as const;

const NICE_MAX = 19;

/** A link to whoever reads it. */
const THREAD_SELF = '/proc/thread-self';

/** Of libuv, unless the variable of its name says otherwise. */
const POOL_THREADS = 4;
/** Asked at once, so that each of libuv's threads gets a question; again, where one was too slow to get any. */
const QUESTIONS = 64;
const ROUNDS_MAX = 20;

/**
 * Lets the other threads of the process go before this one: what is accepted first is carried on a little later, and lies
 * safely in the stream until then.
 */
export function yieldToTheDoor(thread: keyof typeof NICE): void {
  try {
    lower(readlinkSync(THREAD_SELF), NICE[thread]);
  } catch {
    // No /proc, or not allowed: all threads go alike.
  }
}

/**
 * The same for libuv's threads, in which DuckDB loads and the lake's objects are compressed: each tells its own name. They also
 * unpack requests that come compressed, which under full load wait a little longer.
 */
export async function poolYieldsToTheDoor(): Promise<void> {
  try {
    const threads = Number(process.env.UV_THREADPOOL_SIZE ?? POOL_THREADS);
    const known = new Set<string>();
    for (let round = 0; round < ROUNDS_MAX && known.size < threads; round += 1) {
      const links = await Promise.all(Array.from({ length: QUESTIONS }, () => readlink(THREAD_SELF)));
      for (const link of links) {
        if (known.has(link)) continue;
        known.add(link);
        // At once: so the next questions go to those that have had none.
        lower(link, NICE.warehouse);
      }
    }
  } catch {
    // As above.
  }
}

/** @param link `<process>/task/<thread>` */
function lower(link: string, nice: number): void {
  setPriority(Number(basename(link)), Math.min(NICE_MAX, getPriority(process.pid) + nice));
}
