// What an import shows: how its files are read, how far it is, what it asks, what came of it. Pure.
import type { Conflict, ImportProgress, ImportReport, Question, Reading } from '../imports/import.ts';
import { columnNames, type Field } from '../model/columns.ts';
import { program } from './invocation.ts';
import { palette } from './screen.ts';
import { facts, table } from './table.ts';
import { bytes, counted, dateTime, duration, exactMoney, grouped, printable, widthOf, wrapped } from './text.ts';

const DELIMITERS: Readonly<Record<string, string>> = { ',': 'comma', ';': 'semicolon', '\t': 'tab', '|': 'bar' };
const FORMATS = { csv: 'CSV', ndjson: 'NDJSON', parquet: 'Parquet' } as const;
const ENCODINGS = { 'utf-8': 'UTF-8', 'windows-1252': 'Windows-1252' } as const;
/** Of files that are read alike, so many are named. */
const NAMES_MAX = 3;

/** `CSV, comma, UTF-8, dates month first` */
function readingText({ format, compression, delimiter, encoding, dateOrder, hasHeader }: Reading): string {
  const words: string[] = [FORMATS[format]];
  if (compression !== 'none') words.push(compression);
  if (delimiter !== null) words.push(DELIMITERS[delimiter] ?? delimiter);
  if (format !== 'parquet' && encoding !== null) words.push(ENCODINGS[encoding]);
  if (dateOrder !== null) words.push(`dates ${dateOrder.replace('-', ' ')}`);
  if (format === 'csv' && !hasHeader) words.push('no header');
  return words.join(', ');
}

/** What was found in the files, those that are alike together. */
export function foundScreen({ files, readings }: ImportReport, width: number): string {
  const groups = new Map<string, { readonly names: string[]; readonly reading: Reading; bytes: number }>();
  for (const [index, reading] of readings.entries()) {
    const { name = '', bytes: size = 0 } = files[index] ?? {};
    const key = JSON.stringify(reading);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { names: [name], reading, bytes: size });
    else {
      group.names.push(name);
      group.bytes += size;
    }
  }
  return [...groups.values()]
    .map(({ names, reading, bytes: size }) => {
      const { bold } = palette(process.stderr);
      const more = names.length - NAMES_MAX;
      const named = names.slice(0, NAMES_MAX).join(', ') + (more > 0 ? ` and ${counted(more, 'more', 'more')}` : '');
      return `${bold(printable(named))}  ${bytes(size)}\n${facts(aboutReading(reading), width)}`;
    })
    .join('');
}

function aboutReading(reading: Reading): [string, string][] {
  const known = reading.columns.flatMap(({ name, field }) => (field === null ? [] : [columnText(name, field)]));
  const kept = reading.columns.filter(({ field }) => field === null).map(({ name }) => name);
  return [
    ['Read as', readingText(reading)],
    ['Columns', known.join(', ')],
    ...(kept.length === 0 ? [] : [['Kept as extra', kept.join(', ')] as [string, string]]),
  ];
}

/** `UnitPrice`, `Price as UnitPrice` */
function columnText(name: string, field: Field): string {
  const [own] = columnNames[field];
  return name.toLowerCase() === own.toLowerCase() ? name : `${name} as ${own}`;
}

const STEPS: Readonly<Partial<Record<ImportReport['state'], string>>> = {
  waiting: 'waiting for its turn',
  reading: 'looking at the files',
  staging: 'reading',
  checking: 'comparing with what is there',
  loading: 'loading',
};

/** Narrower than that, what says least is left out. `reading 45 % · 20.5 MB of 45.6 MB · 244,000 lines · 310,000 lines/s · 1.2 s left` */
export function progressText(
  { state, progress }: Pick<ImportReport, 'state' | 'progress'>,
  width = Number.POSITIVE_INFINITY,
): string {
  const step = STEPS[state] ?? state;
  if (progress === null || (state !== 'staging' && state !== 'loading')) return `  ${step}`;
  const { linesPerSecond, secondsLeft } = progress;
  const parts = [`  ${step} ${Math.floor(shareOf(state, progress) * 100)} %`];
  if (state === 'staging') parts.push(`${bytes(progress.bytes)} of ${bytes(progress.bytesTotal)}`);
  parts.push(
    progress.linesTotal === null
      ? counted(progress.lines, 'line')
      : `${grouped(progress.lines)} of ${counted(progress.linesTotal, 'line')}`,
  );
  if (linesPerSecond > 0) parts.push(`${counted(Math.round(linesPerSecond), 'line')}/s`);
  if (secondsLeft !== null) parts.push(`${timeLeft(secondsLeft)} left`);
  while (parts.length > 2 && parts.join(' · ').length >= width) parts.splice(1, 1);
  return parts.join(' · ');
}

function timeLeft(seconds: number): string {
  return seconds < 10 ? `${Math.ceil(Math.max(0, seconds))} s` : duration(seconds);
}

function shareOf(state: 'staging' | 'loading', { bytes: done, bytesTotal, lines, linesTotal }: ImportProgress): number {
  const [part, all] = state === 'loading' && linesTotal !== null ? [lines, linesTotal] : [done, bytesTotal];
  return all === 0 ? 1 : Math.min(1, part / all);
}

/** What came of it, where something did. */
export function resultScreen({ id, state, counts, seconds, sameAs }: ImportReport): string {
  const { bold } = palette(process.stdout);
  if (state === 'already_imported') {
    return `${bold(`These files were imported before, by ${sameAs}: nothing was done.`)}\n`;
  }
  if (counts === null) return '';
  const { rows, lines, invoices, rejected, superseded, revenue, replaced } = counts;
  const what = `${counted(lines, 'line')} of ${counted(invoices, 'invoice')}`;
  const perSecond = seconds !== null && seconds > 0 ? `: ${counted(Math.round(lines / seconds), 'line')}/s` : '';
  const took = seconds === null ? '' : ` in ${duration(seconds)}${perSecond}`;
  const head =
    state === 'done'
      ? `${what} imported${took}`
      : state === 'checked' || state === 'needs_answer'
        ? `${what} would be imported; nothing was written.`
        : `${what} found; the import is ${state.replaceAll('_', ' ')}.`;
  const about: [string, string][] = [
    ['Revenue', exactMoney(revenue)],
    ['Rows', grouped(rows)],
    ['Rejected', counted(rejected, 'row')],
  ];
  if (superseded > 0) about.push(['Superseded', `${counted(superseded, 'row')} by a later one of the same LineNo`]);
  about.push(['Replaced', `${counted(replaced, 'line')} by a version that differs`]);
  about.push(['Import', id]);
  return `${bold(head)}\n\n${facts(about)}`;
}

/** Enough to see what is wrong. */
const REJECTS_SHOWN = 5;

/** The first rows that could not be used, and where all of them are. */
export function rejectsText(
  { id, counts, firstRejects, state }: ImportReport,
  file: string | null,
  width: number,
): string {
  const { dim } = palette(process.stderr);
  const rejected = counts?.rejected ?? firstRejects.length;
  if (rejected === 0) return '';
  const shown = firstRejects.slice(0, REJECTS_SHOWN);
  const parts = shown.map(({ file: name, row, code, message }) => {
    const reason = wrapped(printable(`${code}: ${message}`), width - 4).map((line) => `    ${line}\n`);
    return `  ${dim(`${printable(name)}, row ${grouped(row)}`)}\n${reason.join('')}`;
  });
  const more = rejected - shown.length;
  if (more > 0) parts.push(`  … and ${grouped(more)} more\n`);
  if (state !== 'done') return parts.join('\n');
  const where = file ?? 'rejects.csv';
  const first =
    file === null
      ? `They wait in quarantine. As a file: ${program()} imports rejects ${id} --out ${where}`
      : `All of them are in ${file}, and wait in quarantine.`;
  const ways = [
    first,
    `Mend them there, and bring them back in: ${program()} quarantine redrive --from ${where}`,
    `Give them up, where they are no sales: ${program()} quarantine discard --import ${id}`,
  ];
  return `${parts.join('\n')}\n${ways.join('\n')}\n`;
}

/** What it asks, in words, with what one needs to know for an answer. */
export function questionScreen(question: Question, width: number): string {
  const { bold, dim } = palette(process.stderr);
  const title = (text: string): string => `${wrapped(printable(text), width).map(bold).join('\n')}\n`;
  switch (question.kind) {
    case 'date_order': {
      const rows = question.examples.map(({ text, monthFirst, dayFirst }) => [
        text,
        dateTime(monthFirst),
        dateTime(dayFirst),
      ]);
      const columns = [{ title: 'Written' }, { title: 'Month first' }, { title: 'Day first' }];
      const head =
        question.examples.length === 0
          ? `The dates of ${question.file} contradict each other: some have the month first, others the day.`
          : `The dates of ${question.file} can be read in two ways, and nothing in the file decides.`;
      return `${title(head)}\n${table(columns, rows, { width, paintTitles: dim })}`;
    }
    case 'columns': {
      const missing = question.missing.map((field) => columnNames[field][0]).join(', ');
      const head = `${question.file} has no column for ${missing}.`;
      return `${title(head)}\n${facts([['Its columns', question.columns.join(', ')]], width)}`;
    }
    case 'conflicts': {
      const { lines, invoices, examples } = question;
      const head = `The import would change ${counted(lines, 'line')} of ${counted(invoices, 'invoice')} that came from elsewhere.`;
      const more = lines > examples.length ? `  … and ${grouped(lines - examples.length)} more\n` : '';
      return `${title(head)}\n${conflictsText(examples, width)}${more}`;
    }
    case 'too_many_rejects': {
      const { rows, rejected, percentMax } = question;
      const share = ((rejected / Math.max(1, rows)) * 100).toFixed(1);
      return title(
        `${grouped(rejected)} of ${counted(rows, 'row')} cannot be used: ${share} %, where at most ${percentMax} % may be. It may be the wrong file.`,
      );
    }
  }
}

/** A table where it fits; else what is now and then below one another, so that the difference is seen. */
function conflictsText(examples: readonly Conflict[], width: number): string {
  const { dim } = palette(process.stderr);
  const columns = ['Invoice', 'Line', 'Source', 'Now', 'Then'].map((title) => ({ title }));
  const rows = examples.map((each) => [each.invoiceNo, each.lineId, each.source, each.now, each.then]);
  const whole = table(columns, rows, { width: Number.POSITIVE_INFINITY });
  if (whole.split('\n').every((line) => widthOf(line) <= width)) {
    return table(columns, rows, { width, paintTitles: dim });
  }
  return examples
    .map(({ invoiceNo, lineId, source, now, then }) => {
      const which = printable(`${invoiceNo} line ${lineId}, from ${source}`);
      const how = facts(
        [
          ['now', now],
          ['then', then],
        ],
        width - 2,
      );
      return `  ${dim(which)}\n${how.replace(/^/gm, '  ').trimEnd()}\n`;
    })
    .join('');
}

/** The flags that answer it: of `import`, and of `imports answer`. */
export function answersOf({ kind }: Question): { readonly flags: readonly string[]; readonly why: string } {
  switch (kind) {
    case 'date_order':
      return { flags: ['--date-format month-first', '--date-format day-first'], why: 'Say how they are written' };
    case 'columns':
      return { flags: ['--map <field>=<column>'], why: 'Say which column it is' };
    case 'conflicts':
      return {
        flags: ['--replace', '--continue-numbering'],
        why: 'Say whether these lines are to be replaced, or the new ones numbered on after them',
      };
    case 'too_many_rejects':
      return { flags: ['--max-rejects 100'], why: 'To import what can be used all the same' };
  }
}
