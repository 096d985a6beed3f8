// Where the platform would listen: the settings, the port, the certificate.
import { X509Certificate } from 'node:crypto';
import { isTillstreamError, messageOf, type TillstreamError } from '../../model/errors.ts';
import { type Address, addressOf, readTls, refuseOpenAddress, tryPort } from '../address.ts';
import { type Config, settings, settingsThatDiffer } from '../config.ts';
import type { Environment } from '../setting.ts';
import { type Finding, failed, ok, roughly, warning } from './finding.ts';

/** Of the command line, beside those of the platform. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set(['TILLSTREAM_URL', 'TILLSTREAM_KEY', 'TILLSTREAM_DEBUG']);

/** @param wrong what is not allowed of the settings */
export function checkSettings(
  config: Config,
  wrong: readonly TillstreamError[],
  environment: Environment,
): readonly Finding[] {
  const known = new Set<string>(Object.values(settings).flatMap(({ variable }) => variable ?? []));
  const unknown = Object.keys(environment).filter(
    (name) => name.startsWith('TILLSTREAM_') && !known.has(name) && !OTHER_VARIABLES.has(name),
  );
  const findings = [
    ...wrong.map(({ message }) => failed('Settings', message.replace(/\.$/, ''), 'Correct it, or leave it out.')),
    ...unknown.map((name) =>
      warning('Settings', `${name} is set, but is no setting`, 'docs/SETTINGS.md lists those there are.'),
    ),
  ];
  if (findings.length > 0) return findings;
  const differ = Object.entries(settingsThatDiffer(config)).map(([name, value]) => `${name} ${value}`);
  return [ok('Settings', differ.length === 0 ? 'all as they come' : differ.join(', '))];
}

/** @param runningAt the address of the platform that runs; null: none does */
export async function checkDoor(config: Config, runningAt: string | null, nowMs: number): Promise<Finding[]> {
  let address: Address;
  try {
    address = addressOf(config);
    refuseOpenAddress(address);
  } catch (error) {
    return [failed('Address', messageOf(error), hintOf(error))];
  }
  const findings = [await checkPort(address, runningAt)];
  if (address.tls !== null) findings.push(checkCertificate(address.tls, nowMs));
  return findings;
}

async function checkPort(address: Address, runningAt: string | null): Promise<Finding> {
  if (runningAt !== null) return ok('Port', `of the platform that runs: ${runningAt}`);
  const { host, port } = address;
  try {
    await tryPort(address);
    return ok('Port', port === 0 ? `any that is free, of ${host}` : `${port} of ${host} is free`);
  } catch (error) {
    if (isTillstreamError(error)) return failed('Port', error.message.replace(/\.$/, ''), error.hint ?? '');
    return failed('Port', `${host} cannot be listened on: ${messageOf(error)}`, 'Name an address of this machine.');
  }
}

const DAY_MS = 86_400_000;
/** Long enough to get a new one. */
const CERTIFICATE_DAYS_MIN = 14;

function checkCertificate(files: NonNullable<Address['tls']>, nowMs: number): Finding {
  const check = 'Certificate';
  try {
    const { validTo } = new X509Certificate(readTls(files).cert);
    const leftMs = Date.parse(validTo) - nowMs;
    if (leftMs <= 0) return failed(check, `${files.cert} ended on ${validTo}`, 'Put a new one there, and restart.');
    const found = `${files.cert}, good for ${roughly(leftMs / 1000)}`;
    if (leftMs >= CERTIFICATE_DAYS_MIN * DAY_MS) return ok(check, found);
    return warning(check, found, 'Put a new one there, and restart.');
  } catch (error) {
    return failed(check, messageOf(error), hintOf(error));
  }
}

function hintOf(error: unknown): string {
  return (isTillstreamError(error) ? error.hint : undefined) ?? '`tillstream up --help` says what is needed.';
}
