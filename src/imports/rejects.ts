// The rejects of an import, `rejects.ndjson` in its directory: into the quarantine, and out as CSV.
import { closeSync, createReadStream, existsSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { csvLine } from '../model/csv.ts';
import type { NewQuarantineEntry } from '../stores/quarantine/quarantine.ts';
import type { Reject } from './import.ts';
import type { ImportManifest } from './manifest.ts';
import { REJECTS } from './parts.ts';

/** Name in the quarantine: no store's, so that no store's count is less for it. */
export const QUARANTINE_STORE = 'imports';

export interface RejectKeeper {
  /** Resolves when all are on disk. */
  putMany(entries: readonly NewQuarantineEntry[]): Promise<void>;
}

/** What an entry of the quarantine holds of a rejected row. */
export interface QuarantinedRow {
  readonly import: string;
  readonly file: string;
  readonly row: number;
  readonly byteOffset: number | null;
  readonly text: string;
  readonly columns: Readonly<Record<string, unknown>> | null;
  readonly invoiceNo: string | null;
  readonly lineId: string | null;
  /** How the file was read, for when it is redriven. */
  readonly reading: {
    readonly columns: ImportManifest['readings'][number]['columns'];
    readonly dateOrder: string | null;
  };
}

/** What stands behind the columns of the files in the CSV of the rejects. */
export const REJECTS_COLUMNS = ['id', 'row', 'code', 'reason'] as const;

const LF = 0x0a;
const FIRST_REJECTS = 10;
const FIRST_BYTES = 256 * 1024;
const ENTRIES_AT_ONCE = 500;
/** A row may be megabytes long. */
const BYTES_AT_ONCE = 2 ** 22;

/** The first of them, for whoever looks. */
export function firstRejects(directory: string): Reject[] {
  const descriptor = openSync(path.join(directory, REJECTS), 'r');
  try {
    const head = Buffer.alloc(FIRST_BYTES);
    const read = readSync(descriptor, head, 0, FIRST_BYTES, 0);
    const lines = head.toString('utf8', 0, read).split('\n').slice(0, -1);
    return lines.slice(0, FIRST_REJECTS).map((line): Reject => JSON.parse(line));
  } finally {
    closeSync(descriptor);
  }
}

function entryId(importId: string, row: number): string {
  return `${QUARANTINE_STORE}-${importId}-${String(row).padStart(10, '0')}`;
}

/** Puts them in quarantine; twice is as well as once. */
export async function keepRejects(directory: string, manifest: ImportManifest, keeper: RejectKeeper): Promise<void> {
  let entries: NewQuarantineEntry[] = [];
  let bytes = 0;
  for await (const reject of rejectsIn(directory)) {
    const entry = entryOf(reject, manifest);
    entries.push(entry);
    bytes += entry.data.length;
    if (entries.length < ENTRIES_AT_ONCE && bytes < BYTES_AT_ONCE) continue;
    await keeper.putMany(entries);
    entries = [];
    bytes = 0;
  }
  if (entries.length > 0) await keeper.putMany(entries);
}

function entryOf(reject: Reject, { id, files, readings, receivedAt }: ImportManifest): NewQuarantineEntry {
  const { row, file, byteOffset, text, columns, invoiceNo, lineId } = reject;
  const reading = readings[files.findIndex(({ name }) => name === file)];
  const kept: QuarantinedRow = {
    import: id,
    file,
    row,
    byteOffset,
    text,
    columns,
    invoiceNo,
    lineId,
    reading: { columns: reading?.columns ?? [], dateOrder: reading?.dateOrder ?? null },
  };
  return {
    id: entryId(id, row),
    store: QUARANTINE_STORE,
    sequence: `${id}-${row}`,
    arrivedAtMs: Math.floor((receivedAt ?? 0) / 1000),
    code: reject.code,
    message: `${file}, row ${row}: ${reject.message}`,
    attempts: 1,
    data: Buffer.from(JSON.stringify(kept)),
  };
}

async function* rejectsIn(directory: string): AsyncGenerator<Reject> {
  const file = path.join(directory, REJECTS);
  if (!existsSync(file)) return;
  // By line feeds alone: readline of Node 24 and later takes others too, which may stand in a text.
  let rest: Buffer[] = [];
  for await (const piece of createReadStream(file) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = piece.indexOf(LF); end >= 0; end = piece.indexOf(LF, start)) {
      const line = Buffer.concat([...rest, piece.subarray(start, end)]);
      rest = [];
      start = end + 1;
      yield JSON.parse(line.toString('utf8'));
    }
    rest.push(piece.subarray(start));
  }
}

/** As CSV: the columns of the files, then what says which row it was and why it was refused. */
export async function* rejectsCsv(directory: string, { id, readings }: ImportManifest): AsyncGenerator<Buffer> {
  const columns = [...new Set(readings.flatMap((reading) => reading.columns.map(({ name }) => name)))];
  yield Buffer.from(csvLine([...columns, ...REJECTS_COLUMNS]));
  for await (const { row, code, message, columns: values } of rejectsIn(directory)) {
    const fields = columns.map((name) => textOf(values?.[name]));
    yield Buffer.from(csvLine([...fields, entryId(id, row), String(row), code, message]));
  }
}

function textOf(value: unknown): string {
  return value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}
