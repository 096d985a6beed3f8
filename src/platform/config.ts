// Every setting of the platform, declared once: type, default, environment variable, flag of `up`, description. Parsed once, frozen.
//
// `up --help`, docs/SETTINGS.md and examples/tillstream.env follow from here.
import { isTillstreamError, type TillstreamError } from '../model/errors.ts';
import {
  type AnySetting,
  type Environment,
  isNetwork,
  isSchedule,
  isTimeZone,
  isWebhook,
  listed,
  number,
  readSetting,
  someText,
  text,
  trueOrFalse,
  truth,
  whole,
} from './setting.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** Where a proxy of one's own is, as a rule. */
const PRIVATE_NETWORKS = 'loopback,linklocal,uniquelocal';

export const settings = {
  dataDirectory: text({
    variable: 'TILLSTREAM_DATA_DIR',
    flag: { name: '--data-dir', value: '<directory>' },
    default: './tillstream-data',
    defaultInWords: './tillstream-data; ./tillstream-sample for the sample',
    description: 'Where everything is kept.',
    expected: 'the path of a directory',
    parse: someText,
  }),
  host: text({
    variable: 'TILLSTREAM_HOST',
    flag: { name: '--host', value: '<address>' },
    default: '127.0.0.1',
    description: "Address to listen on; any but this machine's own needs HTTPS or a proxy.",
    expected: 'an address of this machine, or its name',
    parse: someText,
  }),
  port: number({
    variable: 'TILLSTREAM_PORT',
    flag: { name: '--port', value: '<port>' },
    default: 8080,
    description: 'Port to listen on; 0 takes any that is free.',
    expected: 'a whole number from 0 to 65535',
    parse: (given) => whole(given, 0, 65_535),
  }),
  auth: truth({
    flag: { name: '--no-auth', alone: 'false' },
    default: true,
    defaultInWords: 'keys are asked for',
    description: "Ask for no key; on this machine's own addresses only.",
    expected: 'true or false',
    parse: trueOrFalse,
  }),
  tlsCert: text({
    variable: 'TILLSTREAM_TLS_CERT',
    flag: { name: '--tls-cert', value: '<file>' },
    default: '',
    description: 'Serve HTTPS with this certificate, PEM.',
    expected: 'the path of a file',
    parse: someText,
  }),
  tlsKey: text({
    variable: 'TILLSTREAM_TLS_KEY',
    flag: { name: '--tls-key', value: '<file>' },
    default: '',
    description: "The certificate's key, PEM.",
    expected: 'the path of a file',
    parse: someText,
  }),
  behindProxy: text({
    variable: 'TILLSTREAM_BEHIND_PROXY',
    flag: { name: '--behind-proxy', value: '[addresses]', alone: PRIVATE_NETWORKS },
    default: '',
    description: `A proxy before it speaks HTTPS; its X-Forwarded headers are believed, from ${PRIVATE_NETWORKS} where the flag names no addresses.`,
    expected: `addresses or networks such as 10.0.0.0/8, or some of ${PRIVATE_NETWORKS}, separated by commas`,
    parse: (given) => (listed(given).every(isNetwork) ? given : undefined),
  }),
  importSchedule: text({
    variable: 'TILLSTREAM_IMPORT_SCHEDULE',
    flag: { name: '--import-schedule', value: '<cron>' },
    default: '* * * * *',
    defaultInWords: 'every minute',
    description: 'When the inbox is looked into for files to import; off: never.',
    expected: 'five fields of cron, such as "0 3 * * *", or off',
    parse: (given) => (isSchedule(given) ? given : undefined),
  }),
  dateOrder: text({
    variable: 'TILLSTREAM_DATE_ORDER',
    default: '',
    description:
      'How dates such as 1/12/2010 are read in files that leave it open; without it, their import waits for an answer.',
    expected: 'month-first or day-first',
    parse: (given) => (['month-first', 'day-first'].includes(given) ? given : undefined),
  }),
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
    default: 192,
    description:
      'Memory of the warehouse in megabytes, of which each of its threads takes 24; larger questions go by way of the disk.',
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
    secret: true,
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

/** What was given by flags, as text. */
export type Flagged = { readonly [K in keyof typeof settings]?: string | undefined };

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

const entries = Object.entries(settings) as [keyof Config, AnySetting][];

/** @throws wrong_usage  a setting has a value that is not allowed */
export function readConfig(environment: Environment, flagged: Flagged = {}): Config {
  const { config, wrong } = checkConfig(environment, flagged);
  if (wrong[0] !== undefined) throw wrong[0];
  return config;
}

/** All that is not allowed, not only the first of it; `config` has the defaults there. */
export function checkConfig(
  environment: Environment,
  flagged: Flagged = {},
): { readonly config: Config; readonly wrong: readonly TillstreamError[] } {
  const wrong: TillstreamError[] = [];
  const values = entries.map(([name, setting]) => {
    try {
      return [name, readSetting(setting, environment, flagged[name])];
    } catch (error) {
      if (!isTillstreamError(error)) throw error;
      wrong.push(error);
      return [name, setting.default];
    }
  });
  return { config: Object.freeze(Object.fromEntries(values)), wrong };
}

/** What is set to something else than its default, for the log. */
export function settingsThatDiffer(config: Config): Partial<Record<keyof Config, string | number | boolean>> {
  const differ = entries.filter(([name, setting]) => config[name] !== setting.default);
  return Object.fromEntries(differ.map(([name, { secret }]) => [name, secret === true ? '(secret)' : config[name]]));
}
