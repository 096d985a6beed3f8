// Every setting of the platform, declared once: type, default, environment variable, description. Parsed once, frozen.
import { zoneFormat } from '../model/dates.ts';
import { TillstreamError } from '../model/errors.ts';

interface Setting<T extends string | number> {
  readonly variable: string;
  readonly default: T;
  readonly description: string;
  /** What is allowed, as the end of "expected …". */
  readonly expected: string;
  /** undefined: not allowed. */
  readonly parse: (text: string) => T | undefined;
}

const MIB = 2 ** 20;
const GIB = 2 ** 30;

const text = (setting: Setting<string>): Setting<string> => setting;
const number = (setting: Setting<number>): Setting<number> => setting;

export const settings = {
  timeZone: text({
    variable: 'TILLSTREAM_TIME_ZONE',
    default: 'UTC',
    description: "The shop's time zone: dates that come with an offset are converted to its wall clock.",
    expected: 'an IANA time zone such as Europe/London',
    parse: (given) => (isTimeZone(given) ? given : undefined),
  }),
  streamBytesMax: number({
    variable: 'TILLSTREAM_STREAM_BYTES_MAX',
    default: GIB,
    description:
      'Records that every store has are removed from the stream beyond this size, even before 24 hours are over.',
    expected: 'a whole number of bytes from 1048576',
    parse: (given) => whole(given, MIB),
  }),
  streamHours: number({
    variable: 'TILLSTREAM_STREAM_HOURS',
    default: 24,
    description: 'How long records that every store has stay on the stream, in hours.',
    expected: 'a whole number from 0',
    parse: (given) => whole(given, 0),
  }),
  diskReserveBytes: number({
    variable: 'TILLSTREAM_DISK_RESERVE_BYTES',
    default: 512 * MIB,
    description:
      'Space left free on the disk: below it nothing is accepted, so that the stores can take what was accepted.',
    expected: 'a whole number of bytes from 0',
    parse: (given) => whole(given, 0),
  }),
  bodyBytesInFlightMax: number({
    variable: 'TILLSTREAM_BODY_BYTES_IN_FLIGHT_MAX',
    default: 64 * MIB,
    description: 'Bodies of requests that are being stored at once; beyond it the sender is asked to wait.',
    expected: 'a whole number of bytes from 16777216',
    parse: (given) => whole(given, 16 * MIB),
  }),
  rateLimit: number({
    variable: 'TILLSTREAM_RATE_LIMIT',
    default: 0,
    description: 'Requests a second that each key, and each customer with a token, may send; 0: as many as they like.',
    expected: 'a whole number from 0',
    parse: (given) => whole(given, 0),
  }),
  warehouseMemoryMb: number({
    variable: 'TILLSTREAM_WAREHOUSE_MEMORY_MB',
    default: 384,
    description: 'Memory of the warehouse in megabytes; larger questions go by way of the disk.',
    expected: 'a whole number from 128',
    parse: (given) => whole(given, 128),
  }),
  alertUrl: text({
    variable: 'TILLSTREAM_ALERT_URL',
    default: '',
    description:
      'A webhook that is told, as JSON, when something is wrong and when it is over; Slack shows it as well.',
    expected: 'an http or https address without a user name',
    parse: (given) => (isWebhook(given) ? given : undefined),
  }),
  alertQuietMinutes: number({
    variable: 'TILLSTREAM_ALERT_QUIET_MINUTES',
    default: 30,
    description: 'Alert when no line has been accepted for so long, after they came steadily for as long. 0: never.',
    expected: 'a whole number from 0',
    parse: (given) => whole(given, 0),
  }),
  alertLagSeconds: number({
    variable: 'TILLSTREAM_ALERT_LAG_SECONDS',
    default: 60,
    description: 'Alert when a store is behind the stream by more than this, or away, for a minute. 0: never.',
    expected: 'a whole number from 0',
    parse: (given) => whole(given, 0),
  }),
  alertQuarantineRecords: number({
    variable: 'TILLSTREAM_ALERT_QUARANTINE_RECORDS',
    default: 1,
    description: 'Alert when so many records wait in quarantine, and again when as many more do. 0: never.',
    expected: 'a whole number from 0',
    parse: (given) => whole(given, 0),
  }),
  alertDiskFreeBytes: number({
    variable: 'TILLSTREAM_ALERT_DISK_FREE_BYTES',
    default: 2 * GIB,
    description: 'Alert when the disk has less than this free: well before TILLSTREAM_DISK_RESERVE_BYTES. 0: never.',
    expected: 'a whole number of bytes from 0',
    parse: (given) => whole(given, 0),
  }),
  logLevel: text({
    variable: 'TILLSTREAM_LOG_LEVEL',
    default: 'warn',
    description: 'What is logged to stderr, as JSON lines.',
    expected: 'one of trace, debug, info, warn, error, fatal, silent',
    parse: (given) => (LOG_LEVELS.includes(given) ? given : undefined),
  }),
};

export type Config = { readonly [K in keyof typeof settings]: (typeof settings)[K]['default'] };

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** @throws wrong_usage  a variable has a value that is not allowed */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const entries = Object.entries(settings).map(([name, setting]) => [name, readSetting(setting, environment)]);
  return Object.freeze(Object.fromEntries(entries));
}

function readSetting(
  setting: Setting<string> | Setting<number>,
  environment: Readonly<Record<string, string | undefined>>,
): string | number {
  const text = environment[setting.variable];
  if (text === undefined || text === '') return setting.default;
  const value = setting.parse(text);
  if (value !== undefined) return value;
  throw new TillstreamError('wrong_usage', `${setting.variable} is "${text}"; expected ${setting.expected}.`);
}

function whole(text: string, min: number): number | undefined {
  const value = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min ? value : undefined;
}

/** `fetch` refuses addresses with a user name. */
function isWebhook(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return ['http:', 'https:'].includes(protocol) && username === '' && password === '';
}

function isTimeZone(text: string): boolean {
  try {
    zoneFormat(text);
    return true;
  } catch {
    return false;
  }
}
