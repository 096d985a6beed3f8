// Proves from a system call trace that what was answered had been synced before. Pure: lines in, findings out.
//
// What LMDB does for a commit, here (strace 6.1, lmdb 3.5): pwrite64 or writev of the changed pages on one descriptor of
// data.mdb, fdatasync of it, then pwrite64 of 128 bytes of a meta page, which makes the commit count, on a second
// descriptor that was opened with O_DSYNC, so that this write is on disk when it returns. Without sync (`noSync`) the same
// writes go to the first descriptor alone and nothing is synced. No writable mapping is used: were that to change, the
// answers would have no write before them, and the check goes red rather than blind.

/** Calls that the check needs, for `strace -e trace=`. */
export const TRACED_CALLS = 'openat,write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,sendto,sendmsg';

export interface Findings {
  /** Answers `HTTP/1.1 202` that were sent. */
  readonly answers: number;
  /** Answers before which nothing was written, or something not synced: the line of the trace, and why. */
  readonly unsynced: readonly { readonly line: number; readonly why: string }[];
}

/** `12  fdatasync(19</data/stream/data.mdb>) = 0`, also in two parts where threads interleave. */
const CALL = /^(\d+)\s+(\w+)\((.*)$/;
const RESUMED = /^(\d+)\s+<\.\.\. (\w+) resumed>(.*)$/;
const UNFINISHED = '<unfinished ...>';
const DESCRIPTOR = /^(\d+)</;

interface Write {
  completed: boolean;
  durable: boolean;
}

/**
 * @param trace lines of `strace -f -y -e trace=TRACED_CALLS`, one request at a time being answered meanwhile
 * @param isData whether a path is the file whose writes must be synced
 */
export function checkTrace(trace: readonly string[], isData: (path: string) => boolean): Findings {
  const file = new DataFile(isData);
  const pending = new Map<string, { name: string; text: string }>();
  const unsynced: { line: number; why: string }[] = [];
  let answers = 0;
  trace.forEach((text, index) => {
    const [, thread = '', name = '', rest = ''] = CALL.exec(text) ?? [];
    if (name !== '') {
      if (rest.includes('HTTP/1.1 202')) {
        answers += 1;
        const why = file.whyNotSynced();
        if (why !== null) unsynced.push({ line: index + 1, why });
        file.forget();
        return;
      }
      file.begin(thread, name, rest);
      if (rest.includes(UNFINISHED)) pending.set(thread, { name, text: rest.replace(UNFINISHED, '') });
      else file.end(thread, name, rest);
      return;
    }
    const [, resumed = '', , ending = ''] = RESUMED.exec(text) ?? [];
    const begun = pending.get(resumed);
    if (begun === undefined) return;
    pending.delete(resumed);
    file.end(resumed, begun.name, begun.text + ending);
  });
  return { answers, unsynced };
}

/** What has been written to the data file since the last answer, and what of it is on disk. */
class DataFile {
  readonly #isData: (path: string) => boolean;
  /** Descriptors whose writes are on disk when they return. */
  readonly #dsync = new Set<string>();
  /** Writes under way, and writes that a sync under way covers, by thread. */
  readonly #writing = new Map<string, Write>();
  readonly #syncing = new Map<string, Write[]>();
  #writes: Write[] = [];

  constructor(isData: (path: string) => boolean) {
    this.#isData = isData;
  }

  begin(thread: string, name: string, text: string): void {
    if (!this.#isData(pathOf(text))) return;
    if (name === 'fdatasync' || name === 'fsync') {
      // Covers what was written before it began, no more.
      this.#syncing.set(
        thread,
        this.#writes.filter(({ completed }) => completed),
      );
    } else if (name.includes('write')) {
      const write = { completed: false, durable: false };
      this.#writes.push(write);
      this.#writing.set(thread, write);
    }
  }

  end(thread: string, name: string, text: string): void {
    if (name === 'openat') {
      this.#opened(text);
      return;
    }
    const result = Number(/= (-?\d+)/.exec(text.slice(text.lastIndexOf(')')))?.[1] ?? -1);
    const covered = this.#syncing.get(thread) ?? [];
    this.#syncing.delete(thread);
    if (result === 0) for (const write of covered) write.durable = true;
    const write = this.#writing.get(thread);
    this.#writing.delete(thread);
    if (write === undefined) return;
    write.completed = true;
    write.durable = result > 0 && this.#dsync.has(DESCRIPTOR.exec(text)?.[1] ?? '');
  }

  /** Descriptors are given again once they are closed: what was opened last counts. */
  #opened(text: string): void {
    const [, descriptor = '', path = ''] = /= (\d+)<([^>]*)>/.exec(text) ?? [];
    if (this.#isData(path) && /\bO_D?SYNC\b/.test(text)) this.#dsync.add(descriptor);
    else this.#dsync.delete(descriptor);
  }

  whyNotSynced(): string | null {
    if (this.#writes.length === 0) return 'nothing was written';
    const waiting = this.#writes.filter(({ durable }) => !durable).length;
    return waiting === 0 ? null : `${waiting} of ${this.#writes.length} writes were not synced`;
  }

  forget(): void {
    this.#writes = [];
  }
}

function pathOf(text: string): string {
  return /^\d+<([^>]*)>/.exec(text)?.[1] ?? '';
}
