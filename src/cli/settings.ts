// The settings of the platform on the command line of `up`: options, and the help on them. What they are is in config.ts.
import { type Command, Option } from 'commander';
import { type Flagged, settings } from '../platform/config.ts';
import type { AnySetting, Flag } from '../platform/setting.ts';
import { waysOf } from './options.ts';
import { screenWidth } from './screen.ts';
import { wrapped } from './text.ts';

type Name = keyof typeof settings;

const all: readonly (readonly [Name, AnySetting])[] = Object.entries(settings) as [Name, AnySetting][];

export function withSettings(command: Command): Command {
  for (const [, setting] of all) {
    if (setting.flag !== undefined) command.addOption(optionOf(setting, setting.flag));
  }
  return command;
}

/** Not with commander's own default and variable: readConfig() knows both. */
function optionOf({ variable, default: standard, defaultInWords, description }: AnySetting, flag: Flag): Option {
  const shown = defaultInWords ?? (standard === '' || flag.value === undefined ? undefined : standard);
  const text = description[0]?.toLowerCase() + description.slice(1).replace(/\.$/, '');
  return new Option([flag.name, flag.value ?? ''].join(' ').trim(), `${text}${waysOf(shown, variable)}`);
}

/** What stands on the command line. */
export function flaggedIn(command: Command): Flagged {
  const given = all.flatMap(([name, { flag }]): [Name, string | undefined][] => {
    const option = command.options.find(({ long }) => long === flag?.name);
    const attribute = option?.attributeName() ?? '';
    if (command.getOptionValueSource(attribute) !== 'cli') return [];
    const value: unknown = command.getOptionValue(attribute);
    return [[name, typeof value === 'string' ? value : flag?.alone]];
  });
  return Object.fromEntries(given);
}

/** Those without a flag. */
export function settingLines(): string {
  return all
    .filter(([, { flag }]) => flag === undefined)
    .flatMap(([, { variable, description, default: standard }]) => [
      `  ${variable} (default: ${standard === '' ? 'none' : standard})`,
      ...wrapped(description, screenWidth() - 6).map((line) => `      ${line}`),
    ])
    .join('\n');
}
