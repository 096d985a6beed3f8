// What several commands have in common on their command lines: options, how values are read, how help ends.
import { Command, InvalidArgumentError, Option } from 'commander';
import { readBound } from '../model/dates.ts';
import { program } from './invocation.ts';
import { screenWidth } from './screen.ts';
import { grouped } from './text.ts';

export interface CommonOptions {
  readonly url?: string;
  readonly key?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
}

export interface Example {
  readonly command: string;
  readonly does: string;
}

/** A command with its help in the house's form: what it does, what running it again does, examples. */
export function newCommand(
  name: string,
  help: { summary: string; description: string; again: string; examples: readonly Example[] },
): Command {
  const examples = exampleLines(help.examples);
  return new Command(name)
    .summary(help.summary)
    .description(`${help.description}\n\n${help.again}`)
    .addHelpText('after', `\nExamples:\n${examples}`);
}

/** Longer ones have their explanation below, not beside; so have those whose line would be too wide. */
const EXAMPLE_BESIDE_MAX = 44;

function exampleLines(examples: readonly Example[]): string {
  const short = examples.filter(({ command }) => command.length <= EXAMPLE_BESIDE_MAX);
  const width = Math.max(0, ...short.map(({ command }) => command.length));
  return examples
    .map(({ command, does }) => {
      if (does === '') return `  ${program()} ${command}`;
      const beside =
        command.length <= EXAMPLE_BESIDE_MAX && program().length + width + does.length + 6 <= screenWidth();
      return `  ${program()} ${beside ? `${command.padEnd(width)}   ${does}` : `${command}\n      ${does}`}`;
    })
    .join('\n');
}

/** `(default: 8080, or $TILLSTREAM_PORT)`, `: hour, day, month or year` */
export function optionDescription(option: Option): string {
  const choices = option.argChoices === undefined ? '' : `: ${either(option.argChoices)}`;
  const standard = option.defaultValueDescription ?? (option.negate ? undefined : option.defaultValue);
  return `${option.description}${choices}${waysOf(standard, option.envVar)}`;
}

/** ` (default: 8080, or $TILLSTREAM_PORT)`; nothing where there is neither. */
export function waysOf(standard: unknown, variable: string | undefined): string {
  const ways = [
    ...(standard === undefined
      ? []
      : [`default: ${typeof standard === 'number' && standard >= 10_000 ? grouped(standard) : standard}`]),
    ...(variable === undefined ? [] : [`or $${variable}`]),
  ];
  return ways.length === 0 ? '' : ` (${ways.join(', ')})`;
}

function either(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** --json, and how to reach a running platform. */
export function withPlatform(command: Command): Command {
  return withReaching(withJson(command));
}

export function withReaching(command: Command): Command {
  return command
    .addOption(
      new Option('--url <url>', 'where the platform answers')
        .default(undefined, 'the one running here')
        .env('TILLSTREAM_URL')
        .helpGroup(REACHING),
    )
    .addOption(
      new Option('--key <key>', 'API key, where the platform asks for one').env('TILLSTREAM_KEY').helpGroup(REACHING),
    )
    .addOption(
      new Option('--data-dir <directory>', 'of a platform running here').env('TILLSTREAM_DATA_DIR').helpGroup(REACHING),
    );
}

const REACHING = 'Reaching the platform:';

export function withJson(command: Command): Command {
  return command.option('--json', 'answer as JSON, for machines');
}

/** A whole number of at least `least`, thousands separators allowed. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d{1,3}(,\d{3})+$|^\d+$/.test(text) ? Number(text.replaceAll(',', '')) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`Expected a whole number ${range}.`);
  };
}

/** A number above zero. */
export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a number above 0.');
}

/** A day, month, year or hour, as periods are written. */
export function period(name: 'from' | 'to'): (text: string) => string {
  return (text) => {
    if (PERIOD.test(text) && readBound(name, text, 'UTC') !== null) return text;
    throw new InvalidArgumentError('Expected a date such as 2010-12-01, or a month 2010-12, or a year 2010.');
  };
}

const PERIOD = /^\d{4}(-\d\d(-\d\d(T\d\d(:\d\d(:\d\d)?)?)?)?)?$/;
