// What the command line says of an import.
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ImportOptions } from '../imports/import.ts';
import { readMap } from '../imports/map.ts';
import type { DateOrder } from '../model/dates.ts';
import { isTillstreamError } from '../model/errors.ts';

/** As commander gives them. */
export interface GivenOptions {
  readonly format?: NonNullable<ImportOptions['format']>;
  readonly encoding?: NonNullable<ImportOptions['encoding']>;
  readonly dateFormat?: DateOrder | 'iso';
  readonly map?: readonly string[];
  readonly replace?: boolean;
  readonly continueNumbering?: boolean;
  readonly again?: boolean;
  readonly dryRun?: boolean;
  readonly maxRejects?: number;
}

export function withImportOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--format <format>', 'of the files').choices(['csv', 'ndjson', 'parquet']).default(undefined, 'found'),
    )
    .addOption(
      new Option('--date-format <format>', 'month-first, day-first, or how dates are written: DD/MM/YYYY HH:mm')
        .argParser(dateOrderOf)
        .default(undefined, 'found'),
    )
    .addOption(
      new Option('--encoding <encoding>', 'of text')
        .argParser(encodingOf)
        .default(undefined, 'found: utf-8 or windows-1252'),
    )
    .option('--map <field=column>', 'column of a field, where its name does not say it; may be repeated', mapped)
    .option('--replace', 'lines of other sources that would change are replaced')
    .option('--continue-numbering', 'lines are numbered on after those that are there')
    .option('--again', 'files that were imported before are imported once more')
    .option('--dry-run', 'counts and looks, and writes nothing')
    .addOption(
      new Option('--max-rejects <percent>', 'with more rows that cannot be used, nothing is written')
        .argParser(percent)
        .default(undefined, '10'),
    );
}

export function importOptions(given: GivenOptions): ImportOptions {
  const { format, encoding, dateFormat, map, replace, continueNumbering, again, dryRun, maxRejects } = given;
  const conflicts = replace === true ? 'replace' : continueNumbering === true ? 'continue-numbering' : undefined;
  return {
    ...(format === undefined ? {} : { format }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(dateFormat === undefined || dateFormat === 'iso' ? {} : { dateOrder: dateFormat }),
    ...(map === undefined ? {} : { map: readMap(map) }),
    ...(conflicts === undefined ? {} : { conflicts }),
    ...(maxRejects === undefined ? {} : { maxRejects }),
    ...(again === true ? { again } : {}),
    ...(dryRun === true ? { dryRun } : {}),
  };
}

const ORDERS: Readonly<Record<string, DateOrder | 'iso'>> = { YMD: 'iso', MDY: 'month-first', DMY: 'day-first' };

/** The order of day and month in a pattern of dates; `iso`: it leaves nothing open. */
export function dateOrderOf(text: string): DateOrder | 'iso' {
  const word = text.trim().toLowerCase();
  if (word === 'month-first' || word === 'day-first') return word;
  // Up to the time: there, m is the minute.
  const [date = ''] = text.trim().split(/[ T]+(?=%?h)/i);
  const letters = date
    .toUpperCase()
    .replace(/[^YMD]/g, '')
    .replace(/(.)\1+/g, '$1');
  const order = /^[YMD/. %-]+$/i.test(date) ? ORDERS[letters] : undefined;
  if (order !== undefined) return order;
  throw new InvalidArgumentError('Expected month-first, day-first, or a pattern such as "DD/MM/YYYY HH:mm".');
}

const ENCODINGS: Readonly<Record<string, NonNullable<ImportOptions['encoding']>>> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'windows-1252': 'windows-1252',
  cp1252: 'windows-1252',
  // Of which it is a part.
  'iso-8859-1': 'windows-1252',
  latin1: 'windows-1252',
};

function encodingOf(text: string): NonNullable<ImportOptions['encoding']> {
  const encoding = ENCODINGS[text.toLowerCase()];
  if (encoding === undefined) throw new InvalidArgumentError('Expected utf-8, windows-1252 or iso-8859-1.');
  return encoding;
}

/** Checked at once, so that it is said with the option's name. */
export function mapped(pair: string, before: readonly string[] = []): string[] {
  const pairs = [...before, pair];
  try {
    readMap(pairs);
    return pairs;
  } catch (error) {
    if (isTillstreamError(error)) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

export function percent(text: string): number {
  const value = Number(text.replace(/ ?%$/, ''));
  if (text.trim() !== '' && value >= 0 && value <= 100) return value;
  throw new InvalidArgumentError('Expected a number from 0 to 100.');
}
