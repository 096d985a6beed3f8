// Rows of imported files in quarantine: shown, and brought back in corrected, one by one or as the file that --rejects wrote.

import { pipeline } from 'node:stream';
import { InvalidArgumentError } from 'commander';
import { CsvError, parse } from 'csv-parse';
import { parse as parseText } from 'csv-parse/sync';
import { CsvText, identifyFile, LINE_BYTES_MAX } from '../client/csv-text.ts';
import type { QuarantinedRow } from '../imports/rejects.ts';
import { isTillstreamError, TillstreamError } from '../model/errors.ts';
import type { QuarantineEntryAnswer, SettledAnswer } from './answers.ts';
import { ask } from './connection.ts';
import type { Connection } from './find-platform.ts';
import { type Progress, palette, screenWidth } from './screen.ts';
import { facts } from './table.ts';
import { counted, grouped, moment, printable, wrapped } from './text.ts';

export type WholeEntryAnswer = QuarantineEntryAnswer & { readonly data: string };

/** Fields of a row by the names of its file's columns, or ours. */
export type Correction = Readonly<Record<string, string>>;

/** `Quantity=6`, may be repeated. */
export function setPair(pair: string, before: Correction = {}): Correction {
  const at = pair.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected a column and its value, such as Quantity=6.');
  return { ...before, [pair.slice(0, at).trim()]: pair.slice(at + 1) };
}

export function redrive(connection: Connection, id: string, correction?: Correction): Promise<SettledAnswer> {
  return ask<SettledAnswer>(connection, `${entryPath(id)}/redrive`, {
    has: 'state',
    method: 'POST',
    timeoutMs: Number.POSITIVE_INFINITY,
    ...(correction === undefined ? {} : { body: { line: correction } }),
  });
}

export function entryPath(id: string): string {
  return `/v1/quarantine/${encodeURIComponent(id)}`;
}

export function rowScreen(entry: WholeEntryAnswer): string {
  const { bold, dim } = palette(process.stdout);
  const { file, row, byteOffset, text, columns, invoiceNo, lineId }: QuarantinedRow = JSON.parse(entry.data);
  const from = byteOffset === null ? '' : `, from byte ${grouped(byteOffset)}`;
  const line = lineId === null ? 'not known' : `${lineId} of invoice ${invoiceNo}: it keeps this number`;
  const width = screenWidth();
  const about = facts(
    [
      ['Why', `${entry.code}: ${entry.message}`],
      ['State', `${entry.state}, tried ${counted(entry.attempts, 'time')}`],
      ['Row', `${grouped(row)} of ${file}${from}`],
      ['Line', line],
      ['Quarantined', moment(entry.quarantinedAt)],
    ],
    width,
  );
  const whole = wrapped(printable(text), width - 2).map((each) => `  ${each}\n`);
  const values = Object.entries(columns ?? {}).map(([name, value]): [string, string] => [
    printable(name),
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  const shown = values.length === 0 ? '' : `\n  ${dim('Its columns:')}\n${facts(values, width)}`;
  return `${bold(printable(entry.id))}\n\n${about}\n  ${dim('As it stands in the file:')}\n${whole.join('')}${shown}`;
}

/** The columns that the file has after those of the imported ones. */
const OWN_COLUMNS = ['id', 'row', 'code', 'reason'];
const DELIMITERS = [',', ';', '\t'];
const LENIENT = { relax_quotes: true, relax_column_count: true, skip_empty_lines: true };
/** The platform takes them one after another: enough to keep it busy. */
const AT_ONCE = 4;

export interface FileRedriven {
  redriven: number;
  /** That wait again, or cannot be sent: with the reason. */
  readonly failed: { readonly id: string; readonly reason: string }[];
}

/** @throws not_a_csv, file_not_found, wrong_usage, unreachable */
export async function redriveFrom(connection: Connection, path: string, line: Progress): Promise<FileRedriven> {
  const result: FileRedriven = { redriven: 0, failed: [] };
  const rows = rowsOf(path);
  const work = async (): Promise<void> => {
    for (let next = await rows.next(); next.done !== true; next = await rows.next()) {
      const { id, values } = next.value;
      const reason = await redriveRow(connection, id, values);
      if (reason === null) result.redriven += 1;
      else result.failed.push({ id, reason });
      line.show(`  ${counted(result.redriven, 'row')} redriven · ${grouped(result.failed.length)} wait again`);
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
  return result;
}

/** null: it is on its way. */
async function redriveRow(
  connection: Connection,
  id: string,
  values: ReadonlyMap<string, string>,
): Promise<string | null> {
  if (id === '') return 'the row has no id, by which it would be found in quarantine.';
  try {
    // Of the columns of several files the row has those of its own.
    const { data } = await ask<WholeEntryAnswer>(connection, entryPath(id), { has: 'id' });
    const { reading }: QuarantinedRow = JSON.parse(data);
    const own = new Set(reading.columns.map(({ name }) => name));
    const correction = [...values].filter(([name, value]) => own.has(name) || value !== '');
    const answer = await redrive(connection, id, Object.fromEntries(correction));
    return answer.state === 'waiting' ? (answer.message ?? 'it waits again.') : null;
  } catch (error) {
    if (!isTillstreamError(error) || error.code === 'unreachable' || error.code === 'unauthorized') throw error;
    return `${error.code}: ${error.message}`;
  }
}

interface CorrectedRow {
  readonly id: string;
  readonly values: ReadonlyMap<string, string>;
}

async function* rowsOf(path: string): AsyncGenerator<CorrectedRow> {
  const file = await identifyFile(path);
  let head: { readonly delimiter: string; readonly columns: readonly string[] } | null = null;
  for await (const piece of new CsvText(file).pieces()) {
    head ??= headOf(piece);
    break;
  }
  if (head === null) {
    const message = `${path} is not a file of rejects: its last columns have to be ${OWN_COLUMNS.join(', ')}.`;
    throw new TillstreamError('wrong_usage', message, {
      hint: 'Name the file that --rejects or `tillstream imports rejects` wrote, with its rows mended.',
    });
  }
  const { delimiter, columns } = head;
  const parser = parse({ ...LENIENT, delimiter, from: 2, max_record_size: 4 * LINE_BYTES_MAX });
  const records: AsyncIterable<string[]> = pipeline(new CsvText(file).pieces(), parser, () => undefined);
  try {
    for await (const record of records) {
      if (record.every((value) => value.trim() === '')) continue;
      const values = new Map(columns.slice(0, -OWN_COLUMNS.length).map((name, at) => [name, record[at] ?? '']));
      yield { id: (record[columns.length - OWN_COLUMNS.length] ?? '').trim(), values };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new TillstreamError('not_a_csv', `${path} has a quoted field that is never closed.`, { cause: error });
  }
}

function headOf(piece: string): { delimiter: string; columns: string[] } | null {
  for (const delimiter of DELIMITERS) {
    try {
      const names: string[] = (parseText(piece, { ...LENIENT, delimiter, to: 1 })[0] ?? []).map((name) => name.trim());
      if (names.slice(-OWN_COLUMNS.length).join() === OWN_COLUMNS.join()) return { delimiter, columns: names };
    } catch (error) {
      if (!(error instanceof CsvError)) throw error;
    }
  }
  return null;
}
