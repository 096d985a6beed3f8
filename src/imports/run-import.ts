// One import from its first look to its end: looks, stages, checks, loads; asks where only its owner can say.
//
// What has been done stands in the manifest before the next step begins. Run again after a kill, it stages anew, or goes on at
// the first part that is not in every store: all steps are harmless twice.
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../model/clock.ts';
import type { DateOrder } from '../model/dates.ts';
import { TillstreamError } from '../model/errors.ts';
import { lineLimits } from '../model/line.ts';
import { textFromE4 } from '../model/money.ts';
import type { Warehouse } from '../stores/warehouse/warehouse.ts';
import type { ImportHistory } from './history.ts';
import { type Conflict, type ImportCounts, type ImportState, isNumbered, type Question } from './import.ts';
import { type ImportManifest, removeFiles } from './manifest.ts';
import { partName } from './parts.ts';
import { firstRejects, keepRejects, type RejectKeeper } from './rejects.ts';
import type { ImportWorker } from './worker.ts';

export interface RunDependencies {
  readonly history: ImportHistory;
  readonly worker: ImportWorker;
  readonly warehouse: Pick<Warehouse, 'conflicts' | 'loadPart'>;
  readonly quarantine: RejectKeeper;
  readonly clock: Clock;
  readonly timeZone: string;
  /** Of the shop; null: asked. */
  readonly dateOrder: DateOrder | null;
  readonly diskReserveBytes: number;
  /**
   * Resolves when the warehouse has every record that is on the stream now, or nobody waits for it any more.
   * @throws unavailable, stream_gap
   */
  readonly reachNewest: (isAwaited: () => boolean) => Promise<void>;
  /** Resolves when a part may be loaded; until partLoaded() the stores may differ. */
  readonly partBegins: () => Promise<void>;
  readonly partLoaded: () => void;
}

const MAX_REJECTS_PERCENT = 10;
const EXAMPLES_MAX = 20;
/** Of all dates that show their order, how many may show another before its owner is asked. */
const OTHER_DATES_SHARE_MAX = 0.01;

export class ImportRun {
  readonly #id: string;
  readonly #dependencies: RunDependencies;
  readonly #directory: string;

  constructor(id: string, dependencies: RunDependencies) {
    this.#id = id;
    this.#dependencies = dependencies;
    this.#directory = dependencies.history.directoryOf(id);
  }

  /** As it is now; others may have it cancelled at any time. */
  get #manifest(): ImportManifest {
    return this.#dependencies.history.find(this.#id);
  }

  #update(change: Partial<ImportManifest>): Promise<void> {
    return this.#dependencies.history.update(this.#id, change);
  }

  /** Resolves when it has ended, or asks. @throws what it cannot do anything about; run() again goes on */
  async run(): Promise<void> {
    if (this.#manifest.state !== 'loading') {
      if (this.#manifest.cancelling) return this.#end('cancelled');
      if (!(await this.#examine())) return;
      if (!(await this.#stage())) return;
      if (!(await this.#check())) return;
      if (this.#manifest.cancelling) return this.#end('cancelled');
      if (this.#manifest.options.dryRun === true) return this.#end('checked');
      await this.#update({ state: 'loading' });
    }
    await this.#load();
  }

  /** @returns whether it goes on */
  async #examine(): Promise<boolean> {
    const { worker, dateOrder, diskReserveBytes, history } = this.#dependencies;
    const { files, options } = this.#manifest;
    await this.#update({
      state: 'reading',
      startedAt: this.#manifest.startedAt ?? new Date().toISOString(),
      error: null,
    });
    const examined = await worker.examine({
      ...{ directory: this.#directory, files, options, dateOrder, diskReserveBytes },
    });
    await this.#update({
      files: files.map((file, index) => ({ ...file, ...only(examined[index]) })),
      readings: examined.map(({ reading }) => reading),
    });
    const known = history.sameAs(this.#manifest);
    if (known !== null) return this.#again(known);
    const question = examined.find((file) => file.question !== null)?.question;
    return question === undefined || question === null ? true : this.#ask(question);
  }

  /** The same bytes: nothing to do, or the same parts once more. */
  async #again(known: ImportManifest): Promise<boolean> {
    await this.#update({ sameAs: known.id, counts: known.counts });
    if (this.#manifest.options.again === true && this.#manifest.options.dryRun !== true) {
      await this.#loadParts(this.#dependencies.history.directoryOf(known.id), known.partsCommitted, 0);
      await this.#end('done');
    } else await this.#end('already_imported');
    return false;
  }

  async #stage(): Promise<boolean> {
    const { worker, clock, timeZone, diskReserveBytes } = this.#dependencies;
    const { files, readings, id, continued } = this.#manifest;
    const receivedAt = this.#manifest.receivedAt ?? clock.nowMicros();
    await removeFiles(this.#directory, (name) => name.startsWith('part-'));
    await this.#update({ state: 'staging', receivedAt, staged: null });
    const staged = await worker.stage({
      directory: this.#directory,
      files: files.flatMap(({ name, object }, index) => {
        const reading = readings[index];
        return reading === undefined ? [] : [{ name, object, reading }];
      }),
      timeZone,
      receivedAt,
      source: `import:${id}`,
      // Of parts that had conflicts; the others have none.
      continued: Array.from({ length: continued }, (_, index) =>
        path.join(this.#directory, continuedName(index + 1)),
      ).filter((file) => existsSync(file)),
      diskReserveBytes,
    });
    await this.#update({
      staged: { ...staged, revenueE4: staged.revenueE4.toString() },
      readings: readings.map((reading, index) => ({
        ...reading,
        encoding: reading.encoding ?? staged.files[index]?.encoding ?? null,
      })),
      counts: this.#counts({ ...staged, revenueE4: staged.revenueE4.toString() }),
      firstRejects: firstRejects(this.#directory),
    });
    return true;
  }

  /** That the file is the right one, rightly read, and changes nothing that others brought, unless its owner says so. */
  async #check(): Promise<boolean> {
    const { options, staged, files } = this.#manifest;
    if (staged === null) throw new Error('stage() comes first');
    const doubtful = staged.files.findIndex(
      ({ certainDates, otherDates }, index) =>
        otherDates > OTHER_DATES_SHARE_MAX * (certainDates + otherDates) &&
        options.dateOrder !== this.#manifest.readings[index]?.dateOrder,
    );
    if (doubtful >= 0) {
      return this.#ask({ kind: 'date_order', file: files[doubtful]?.name ?? '', examples: [] });
    }
    const percentMax = options.maxRejects ?? MAX_REJECTS_PERCENT;
    if (staged.rejected * 100 > staged.rows * percentMax) {
      return this.#ask({ kind: 'too_many_rejects', rows: staged.rows, rejected: staged.rejected, percentMax });
    }
    this.#dependencies.history.note(this.#id, { state: 'checking' }); // after a kill it is staged anew all the same
    if (staged.parts > 0) await this.#dependencies.worker.readAhead(path.join(this.#directory, partName(1)));
    await this.#dependencies.reachNewest(() => !this.#manifest.cancelling);
    // Those of an earlier look.
    if (this.#manifest.continued === 0) await removeFiles(this.#directory, (name) => name.startsWith('continued-'));
    const conflicts = await this.#conflicts(staged.parts);
    if (conflicts === null || options.conflicts === 'replace') return true;
    const hasNumbers = this.#manifest.readings.some(isNumbered);
    if (options.conflicts !== 'continue-numbering' || hasNumbers || this.#manifest.continued > 0) {
      return this.#ask(conflicts);
    }
    await this.#update({ continued: staged.parts });
    await this.#stage();
    return this.#check();
  }

  /** null: there are none, or it is cancelled. */
  async #conflicts(parts: number): Promise<Extract<Question, { kind: 'conflicts' }> | null> {
    let lines = 0;
    let invoices = 0;
    const examples: Conflict[] = [];
    for (let part = 1; part <= parts && !this.#manifest.cancelling; part += 1) {
      const found = await this.#dependencies.warehouse.conflicts(
        path.join(this.#directory, partName(part)),
        EXAMPLES_MAX - examples.length,
        path.join(this.#directory, continuedName(part)),
      );
      if (found.tooLarge !== null) throw tooLarge(found.tooLarge);
      lines += found.lines;
      invoices += found.invoices;
      examples.push(...found.examples);
    }
    return lines === 0 ? null : { kind: 'conflicts', lines, invoices, examples };
  }

  async #load(): Promise<void> {
    const { staged } = this.#manifest;
    if (staged === null) throw new Error('stage() comes first');
    if (!this.#manifest.rejectsKept) {
      await keepRejects(this.#directory, this.#manifest, this.#dependencies.quarantine);
      await this.#update({ rejectsKept: true });
    }
    await this.#loadParts(this.#directory, staged.parts, this.#manifest.partsCommitted);
    await this.#end(this.#manifest.partsCommitted < staged.parts ? 'cancelled' : 'done');
  }

  /** A part that was begun is finished, also when the import is cancelled: no store has what another lacks. */
  async #loadParts(directory: string, parts: number, from: number): Promise<void> {
    const { worker, warehouse, partBegins, partLoaded } = this.#dependencies;
    for (let part = from + 1; part <= parts; part += 1) {
      await partBegins();
      const file = path.join(directory, partName(part));
      const next = part < parts ? path.join(directory, partName(part + 1)) : null;
      const [orders, rows] = await Promise.allSettled([worker.loadOrders(file, next), warehouse.loadPart(file)]);
      // Loaded once more, it finds what it has replaced already.
      if (orders.status === 'fulfilled') {
        this.#dependencies.history.note(this.#id, { replaced: this.#manifest.replaced + orders.value.replaced });
      }
      if (orders.status === 'rejected') throw orders.reason;
      if (rows.status === 'rejected') throw rows.reason;
      const isOwn = this.#manifest.sameAs === null;
      await this.#update({ error: null, ...(isOwn ? { partsCommitted: part } : {}) });
      partLoaded();
      if (this.#manifest.cancelling) return;
    }
  }

  #counts({
    rows,
    lines,
    invoices,
    rejected,
    superseded,
    revenueE4,
  }: NonNullable<ImportManifest['staged']>): ImportCounts {
    const revenue = textFromE4(BigInt(revenueE4));
    return { rows, lines, invoices, rejected, superseded, revenue, replaced: this.#manifest.replaced };
  }

  /** Of what is in the stores of an import that does not come to its end: the rest of its lines would be read as there. */
  async loadedCounts(): Promise<ImportCounts | null> {
    const { counts, partsCommitted, readings, replaced, sameAs } = this.#manifest;
    if (counts === null || partsCommitted === 0 || sameAs !== null) return null;
    const parts = Array.from({ length: partsCommitted }, (_, index) => path.join(this.#directory, partName(index + 1)));
    const { lines, invoices, revenueE4 } = await this.#dependencies.worker.totals(parts, readings.some(isNumbered));
    return { ...counts, lines, invoices, revenue: textFromE4(revenueE4), replaced };
  }

  async #ask(question: Question): Promise<false> {
    if (this.#manifest.cancelling) await this.#end('cancelled');
    else await this.#update({ state: 'needs_answer', question });
    return false;
  }

  async #end(state: ImportState): Promise<void> {
    const counts = state === 'cancelled' ? await this.loadedCounts() : this.#manifest.counts;
    await this.#update({
      state,
      endedAt: new Date().toISOString(),
      error: null,
      question: null,
      counts: counts === null ? null : { ...counts, replaced: this.#manifest.replaced },
    });
  }
}

function tooLarge(invoiceNo: string): TillstreamError {
  const most = lineLimits.linesPerInvoiceMax.toLocaleString('en-GB');
  return new TillstreamError(
    'invoice_too_large',
    `With the file, invoice ${invoiceNo} would have more than the ${most} lines that are kept; nothing was written.`,
    { hint: 'Give a part of its lines another invoice number, and import the file again.' },
  );
}

function continuedName(number: number): string {
  return `continued-${number}.parquet`;
}

function only(file: { readonly bytes: number; readonly sha256: string } | undefined) {
  if (file === undefined) throw new TillstreamError('unavailable', 'A file of the import is not there.');
  return { bytes: file.bytes, sha256: file.sha256 };
}
