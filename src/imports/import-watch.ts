// What happens to imports, as the platform tells of itself: those that have not ended, and what has come of those that did.
//
// It looks at the port when it is asked, and every second, and so misses none: an import that begins and ends between two looks
// is still listed.
// What it has counted is of this run of the platform alone.
import type { ImportsReading } from '../observe/reading.ts';
import { ENDED, type ImportReport } from './import.ts';
import type { Imports } from './imports.ts';
import { type ImportSummary, summaryOf } from './summary.ts';

const LOOK_MS = 1000;
/** More than can end between two looks. */
const RECENT = 100;
/** Ends that are kept to be told: of some minutes at least. */
const ENDS_MAX = 100;

export class ImportWatch {
  readonly #imports: Pick<Imports, 'list' | 'get'>;
  readonly #timer: NodeJS.Timeout;
  /** In the order in which they began. */
  readonly #open = new Map<string, ImportReport>();
  /** Those that had ended when they were first seen at the start: of another run. */
  readonly #counted: Set<string>;
  readonly #ends: ImportSummary[] = [];
  readonly #ended = new Map<ImportReport['state'], number>();
  #endsBefore = 0;
  #rows = 0;
  #rejected = 0;
  #seconds = 0;
  #failed: ImportsReading['failed'] = null;

  constructor(imports: Pick<Imports, 'list' | 'get'>) {
    this.#imports = imports;
    const page = imports.list({ limit: RECENT, before: null });
    this.#counted = new Set(page.filter(({ state }) => ENDED.has(state)).map(({ id }) => id));
    // One that asks may be older than the page.
    const asking = imports.list({ limit: RECENT, before: null, state: 'needs_answer' });
    for (const report of [...asking].reverse()) this.#open.set(report.id, report);
    this.look();
    this.#timer = setInterval(() => this.look(), LOOK_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  look(): void {
    const page = this.#imports.list({ limit: RECENT, before: null });
    const recent = new Set(page.map(({ id }) => id));
    for (const id of this.#counted) if (!recent.has(id)) this.#counted.delete(id);
    for (const report of [...page].reverse()) this.#see(report);
    for (const id of [...this.#open.keys()]) {
      if (recent.has(id)) continue;
      const report = this.#imports.get(id);
      if (report === null) this.#open.delete(id);
      else this.#see(report);
    }
  }

  /** That have not ended, oldest first. */
  open(): ImportSummary[] {
    this.look();
    return [...this.#open.values()].map(summaryOf);
  }

  /**
   * Those that have ended since, oldest first.
   * @param after what was answered as `newest` before; null: none, to begin with
   */
  endedAfter(after: number | null): { readonly ended: readonly ImportSummary[]; readonly newest: number } {
    const newest = this.#endsBefore + this.#ends.length;
    const from = after === null ? this.#ends.length : Math.max(0, after - this.#endsBefore);
    return { ended: this.#ends.slice(from), newest };
  }

  reading(): ImportsReading {
    this.look();
    const open = [...this.#open.values()];
    const asking = open.filter(({ state }) => state === 'needs_answer');
    const waiting = open.filter(({ state }) => state === 'waiting').length;
    return {
      open: { waiting, running: open.length - waiting - asking.length, needs_answer: asking.length },
      ended: this.#ended,
      rows: this.#rows,
      rejected: this.#rejected,
      seconds: this.#seconds,
      failed: this.#failed,
    };
  }

  #see(report: ImportReport): void {
    const { id, state, counts, seconds, error } = report;
    if (!ENDED.has(state)) {
      this.#open.set(id, report);
      return;
    }
    this.#open.delete(id);
    if (this.#counted.has(id)) return;
    this.#counted.add(id);
    this.#ends.push(summaryOf(report));
    if (this.#ends.length > ENDS_MAX) {
      this.#ends.shift();
      this.#endsBefore += 1;
    }
    this.#ended.set(state, (this.#ended.get(state) ?? 0) + 1);
    if (state === 'done') {
      this.#rows += counts?.rows ?? 0;
      this.#rejected += counts?.rejected ?? 0;
    }
    this.#seconds += seconds ?? 0;
    if (state === 'failed') this.#failed = { id, code: error?.code ?? 'internal' };
    else if (state === 'done') this.#failed = null;
  }
}
