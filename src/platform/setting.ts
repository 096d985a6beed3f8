// What a setting is, and how one is read: its flag goes before its variable, and that before its default.
import { isIP } from 'node:net';
import { Cron } from 'croner';
import { zoneFormat } from '../model/dates.ts';
import { TillstreamError } from '../model/errors.ts';

/** Of `tillstream up`. */
export interface Flag {
  readonly name: `--${string}`;
  /** As help shows it: `<port>`, or `[addresses]` where it may stand alone. */
  readonly value?: `<${string}>` | `[${string}]`;
  /** What the flag means without a value. */
  readonly alone?: string;
}

export interface Setting<T extends string | number | boolean> {
  /** Of the environment. Left out: only the flag sets it. */
  readonly variable?: `TILLSTREAM_${string}`;
  readonly flag?: Flag;
  readonly default: T;
  /** The default in words, where it is more than its value. */
  readonly defaultInWords?: string;
  readonly description: string;
  /** What is allowed, as the end of "expected …". */
  readonly expected: string;
  /** undefined: not allowed. */
  readonly parse: (text: string) => T | undefined;
  /** Not shown in logs: it opens something. */
  readonly secret?: true;
}

export type AnySetting = Setting<string> | Setting<number> | Setting<boolean>;

export const text = (setting: Setting<string>): Setting<string> => setting;
export const number = (setting: Setting<number>): Setting<number> => setting;
export const truth = (setting: Setting<boolean>): Setting<boolean> => setting;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param flagged what was given with its flag
 * @throws wrong_usage  what was given is not allowed
 */
export function readSetting(
  setting: AnySetting,
  environment: Environment,
  flagged: string | undefined,
): string | number | boolean {
  const { variable, flag } = setting;
  if (flagged !== undefined && flag !== undefined) return parsed(setting, flag.name, flagged);
  const given = variable === undefined ? undefined : environment[variable];
  // Set to nothing is not set: so a line of an environment file can stay as it is.
  if (given === undefined || given === '' || variable === undefined) return setting.default;
  return parsed(setting, variable, given);
}

function parsed(setting: AnySetting, name: string, given: string): string | number | boolean {
  const value = setting.parse(given);
  if (value !== undefined) return value;
  const { secret = false } = setting;
  const found = secret ? 'not as it has to be' : `"${given}"`; // What is written down stands in logs and on screens.
  throw new TillstreamError('wrong_usage', `${name} is ${found}; expected ${setting.expected}.`, {
    field: name,
    ...(secret ? {} : { value: given }),
    hint: '`tillstream up --help` shows all settings.',
  });
}

/** A whole number in digits. */
export function whole(text: string, min: number, max = Number.MAX_SAFE_INTEGER): number | undefined {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= min && value <= max ? value : undefined;
}

export function someText(text: string): string | undefined {
  return text.trim() === '' ? undefined : text;
}

export function trueOrFalse(text: string): boolean | undefined {
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

/** Texts separated by commas. */
export function listed(text: string): string[] {
  return text === '' ? [] : text.split(',').map((each) => each.trim());
}

/** `fetch` refuses addresses with a user name. */
export function isWebhook(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return ['http:', 'https:'].includes(protocol) && username === '' && password === '';
}

/** Of cron, to the minute; or `off`. */
export function isSchedule(text: string): boolean {
  if (text === 'off') return true;
  try {
    // Without what to do, it does not start.
    return new Cron(text.trim(), { mode: '5-part', paused: true }).nextRun() !== null;
  } catch {
    return false;
  }
}

export function isTimeZone(text: string): boolean {
  try {
    zoneFormat(text);
    return true;
  } catch {
    return false;
  }
}

/** As Fastify takes them: an address, a network such as 10.0.0.0/8, or a name for one. */
export function isNetwork(text: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true;
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || whole(bits, 0, version === 4 ? 32 : 128) !== undefined;
}
