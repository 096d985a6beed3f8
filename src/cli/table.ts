// Tables for people: aligned, numbers to the right, no wider than the terminal. Pure; colours are the caller's.
import { cut, printable, widthOf, wrapped } from './text.ts';

export interface Column {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly right?: boolean;
  /** Gives way, down to `leastWidth`, when the table is too wide. */
  readonly flexible?: boolean;
  readonly leastWidth?: number;
}

export interface TableOptions {
  /** Columns of the terminal. */
  readonly width: number;
  readonly indent?: number;
  /** Row before which a line is left free: where totals begin. */
  readonly totalsFrom?: number;
  /** Applied to the line of titles, once it is laid out. */
  readonly paintTitles?: (line: string) => string;
  /** Applied to a line, once it is laid out. */
  readonly paintRow?: (line: string, row: number) => string;
}

const GAP = 2;
const LEAST_WIDTH = 8;

/** Lines of text, each ending in a newline. Rows have a cell a column. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], options: TableOptions): string {
  const clean = rows.map((row) => row.map(printable));
  const indent = ' '.repeat(options.indent ?? 2);
  const widths = columns.map((column, index) =>
    clean.reduce((widest, row) => Math.max(widest, widthOf(row[index] ?? '')), widthOf(column.title)),
  );
  shrink(columns, widths, options.width - indent.length);
  const layOut = (cells: readonly string[]): string =>
    indent +
    columns
      .map((column, index) => aligned(cells[index] ?? '', widths[index] ?? 0, column.right === true))
      .join(' '.repeat(GAP))
      .trimEnd();
  const titles = columns.some(({ title }) => title !== '') ? [layOut(columns.map(({ title }) => title))] : [];
  const lines = [
    ...titles.map((line) => options.paintTitles?.(line) ?? line),
    ...clean.map((row, index) => {
      const line = layOut(row);
      return (index === options.totalsFrom ? '\n' : '') + (options.paintRow?.(line, index) ?? line);
    }),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** Takes from the widest flexible column first, so that all of them stay readable. */
function shrink(columns: readonly Column[], widths: number[], width: number): void {
  let excess = widths.reduce((sum, each) => sum + each, GAP * (widths.length - 1)) - width;
  while (excess > 0) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      const own = widths[index] ?? 0;
      const shrinks = column.flexible === true && own > (column.leastWidth ?? LEAST_WIDTH);
      if (shrinks && (widest < 0 || own > (widths[widest] ?? 0))) widest = index;
    }
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
}

function aligned(text: string, width: number, right: boolean): string {
  const shown = cut(text, width);
  const padding = ' '.repeat(Math.max(0, width - widthOf(shown)));
  return right ? padding + shown : shown + padding;
}

/** Pairs of a word and its value, the values aligned, and broken between words where they are wider than `width`. */
export function facts(pairs: readonly (readonly [string, string])[], width = Number.POSITIVE_INFINITY): string {
  const wordWidth = Math.max(...pairs.map(([word]) => widthOf(word)));
  const room = width - wordWidth - 2 * GAP;
  return pairs
    .flatMap(([word, value]) =>
      wrapped(printable(value), room).map(
        (line, index) => `  ${aligned(index === 0 ? word : '', wordWidth, false)}  ${line}`,
      ),
    )
    .map((line) => `${line}\n`)
    .join('');
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar whose length is the value's share of the largest; nothing for zero or less. */
export function bar(value: number, largest: number, width: number): string {
  if (!(value > 0) || !(largest > 0)) return '';
  const length = Math.max(1, Math.round((Math.min(value, largest) / largest) * width * 8));
  return '█'.repeat(Math.floor(length / 8)) + (eighths[length % 8] ?? '');
}
