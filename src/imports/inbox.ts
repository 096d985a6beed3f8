// The inbox: files that are dropped there are imported, at the ticks of a schedule.
//
// A file that is still being written is left alone: one is taken when it is as it was at the tick before, or has not been
// touched for a minute. What goes wrong is told, and tried again at the next tick.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Cron } from 'croner';
import { isTillstreamError } from '../model/errors.ts';
import type { Imports } from './imports.ts';

export interface InboxOptions {
  readonly directory: string;
  readonly imports: Pick<Imports, 'fromInbox'>;
  /** ms since 1970, as the file system's. */
  readonly now: () => number;
  readonly onError: (error: unknown, file: string | null) => void;
}

/** Longer than any program pauses that writes a file. */
const UNTOUCHED_MS = 60_000;
/** Of programs that give a file its name when it is whole. */
const UNFINISHED = /^\.|(?:\.part|\.tmp|\.crdownload|\.filepart|~)$/i;

interface Seen {
  readonly bytes: number;
  readonly modifiedMs: number;
}

export class Inbox {
  readonly #options: InboxOptions;
  /** At the last look, by name. */
  #seen: ReadonlyMap<string, Seen> = new Map();
  #isLooking = false;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** Never rejects. While it looks, another look does nothing. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      this.#seen = await this.#takeWhole(await this.#files());
    } catch (error) {
      this.#options.onError(error, null);
    } finally {
      this.#isLooking = false;
    }
  }

  /** In order of their names: so the parts of an export come one after the other. */
  async #files(): Promise<string[]> {
    const entries = await readdir(this.#options.directory, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && !UNFINISHED.test(entry.name))
      .map(({ name }) => name)
      .sort();
  }

  /** What is left there is looked at again. */
  async #takeWhole(names: readonly string[]): Promise<Map<string, Seen>> {
    const { directory, imports, now, onError } = this.#options;
    const left = new Map<string, Seen>();
    for (const name of names) {
      try {
        const { size: bytes, mtimeMs: modifiedMs } = await stat(join(directory, name));
        const before = this.#seen.get(name);
        const isAsBefore = before !== undefined && before.bytes === bytes && before.modifiedMs === modifiedMs;
        left.set(name, { bytes, modifiedMs });
        if (!isAsBefore && now() - modifiedMs < UNTOUCHED_MS) continue;
        await imports.fromInbox(name, {});
        left.delete(name);
      } catch (error) {
        // Whoever put it there may have taken it away again.
        if (isGone(error)) left.delete(name);
        else onError(error, name);
      }
    }
    return left;
  }
}

function isGone(error: unknown): boolean {
  return isTillstreamError(error, 'file_not_found') || (error as NodeJS.ErrnoException).code === 'ENOENT';
}

/** Looks at every tick of the schedule, as this machine's clock has it, until the signal is aborted. */
export function keepInbox(schedule: string, options: InboxOptions, signal: AbortSignal): void {
  if (schedule === 'off') return;
  const inbox = new Inbox(options);
  const ticks = new Cron(schedule, { mode: '5-part', unref: true }, () => void inbox.look());
  signal.addEventListener('abort', () => ticks.stop(), { once: true });
}
