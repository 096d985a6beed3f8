// Where a command writes: results to stdout, everything else to stderr; colours only on a terminal, unless NO_COLOR.
import type { WriteStream } from 'node:tty';
import { wrapped } from './text.ts';

type Stream = NodeJS.WriteStream & Partial<Pick<WriteStream, 'hasColors' | 'columns'>>;

/** Wider lines tire the eye; narrower ones are a terminal's own choice. */
const WIDTH_MAX = 120;
const WIDTH_DEFAULT = 100;

/** Columns to lay out for. Behind `| head`, standard error still knows the terminal. */
export function screenWidth(): number {
  const columns = process.stdout.columns ?? process.stderr.columns ?? Number(process.env.COLUMNS);
  return Math.min(WIDTH_MAX, Number.isInteger(columns) && columns >= 40 ? columns : WIDTH_DEFAULT);
}

type Paint = (text: string) => string;

export interface Palette {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
}

/** hasColors() knows NO_COLOR, FORCE_COLOR and TERM=dumb; streams that are no terminal do not have it. */
export function palette(stream: Stream): Palette {
  const coloured = stream.hasColors?.() === true;
  const paint =
    (open: number, close: number): Paint =>
    (text) =>
      coloured && text !== '' ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
  };
}

/** A reader that has had enough (`| head`) is no failure. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
}

/** For every command, until it says otherwise. */
export function endWithReaders(): void {
  process.stdout.on('error', endWithReader);
}

/** A platform goes on without them: `up | head`, a terminal that was closed, a log whose disk is full. */
export function outliveReaders(): void {
  process.stdout.off('error', endWithReader);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

export function out(text: string): void {
  process.stdout.write(text);
}

export function err(text: string): void {
  process.stderr.write(text);
}

/** Sentences, broken between words where a person reads them on a terminal; whole for a log or a pipe. */
export function errText(text: string): void {
  const fit = (line: string): string => wrapped(line, screenWidth()).join('\n');
  err(process.stderr.isTTY === true ? text.split('\n').map(fit).join('\n') : text);
}

/** The machine's form of a result. */
export function outJson(value: unknown): void {
  out(`${JSON.stringify(value, null, 2)}\n`);
}

export interface Progress {
  /** Shows this instead of what was shown before. */
  show(text: string): void;
  /** Ends the line, leaving the last text (or another) standing. */
  end(text?: string): void;
}

/** How often progress is written where it cannot be overwritten. */
const PLAIN_INTERVAL_MS = 5000;
const TERMINAL_INTERVAL_MS = 100;

/** One line on stderr that is written over; plain lines, fewer, where stderr is not a terminal. */
export function progress(now: () => number = Date.now): Progress {
  const terminal = process.stderr.isTTY === true;
  const intervalMs = terminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
  const startedMs = now();
  let shownMs = terminal ? 0 : startedMs;
  let standing = '';
  return {
    show(text) {
      if (now() - shownMs < intervalMs) return;
      shownMs = now();
      standing = text;
      err(terminal ? `\r\u001b[K${text.slice(0, (process.stderr.columns || 80) - 1)}` : `${text}\n`);
    },
    end(text) {
      if (terminal) err(`\r\u001b[K${text ?? standing}${(text ?? standing) === '' ? '' : '\n'}`);
      else if (text !== undefined && text !== '') err(`${text}\n`);
    },
  };
}
