// `tillstream keys` and `tillstream token`: who may use the platform, and what for.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { TillstreamError } from '../model/errors.ts';
import { SCOPES, type Scope } from '../stores/credentials/credential-store.ts';
import type { KeyAnswer, KeysAnswer, MadeKeyAnswer, TokenAnswer } from './answers.ts';
import { ask } from './connection.ts';
import { findPlatform } from './find-platform.ts';
import { program } from './invocation.ts';
import { type CommonOptions, newCommand, withPlatform } from './options.ts';
import { err, out, outJson, palette, screenWidth } from './screen.ts';
import { table } from './table.ts';
import { duration } from './text.ts';

export function keysCommand(): Command {
  return newCommand('keys', {
    summary: 'makes, lists and revokes API keys',
    description:
      'API keys let programs in: a shop that sends sales (ingest), an app that reads them (read), an operator (admin, good for everything).',
    again: 'Each key is shown once, when it is made; the platform keeps a hash of it.',
    examples: [
      { command: 'keys create checkout --scope ingest', does: 'for the shop to send sales' },
      { command: 'keys create app --scope ingest,read --for 90d', does: 'one that ends' },
      { command: 'keys list', does: '' },
      { command: 'keys revoke h4jk2m9xwp', does: 'from now on it opens nothing' },
    ],
  })
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(revokeCommand());
}

interface CreateOptions extends CommonOptions {
  readonly scope: readonly Scope[];
  readonly for?: number;
}

function createCommand(): Command {
  return withPlatform(
    newCommand('create', {
      summary: 'makes a key, and shows it once',
      description: 'Makes a key and writes it to standard output; it is not shown again.',
      again: 'Each run makes another key.',
      examples: [
        { command: 'keys create checkout --scope ingest', does: '' },
        { command: 'keys create tableau --scope read --for 365d', does: 'one that ends in a year' },
      ],
    })
      .argument('<name>', 'what it is for, to find it again')
      .addOption(
        new Option('--scope <scopes>', `what it is good for, with commas between: ${SCOPES.join(', ')}`)
          .argParser(scopes)
          .makeOptionMandatory(),
      )
      .option('--for <time>', 'how long it is good for, e.g. 90d or 12h (default: without an end)', seconds),
  ).action(async (name: string, { scope, for: lasting, ...options }: CreateOptions) => {
    const expiresAt = lasting === undefined ? {} : { expiresAt: new Date(Date.now() + lasting * 1000).toISOString() };
    const body = { name, scopes: [...new Set(scope)], ...expiresAt };
    const made = await ask<MadeKeyAnswer>(findPlatform(options), '/v1/keys', { method: 'POST', body, has: 'key' });
    if (options.json === true) return outJson(made);
    out(`${made.key}\n`);
    const end = made.expiresAt === null ? '' : `, until ${made.expiresAt}`;
    err(
      `\nGood for ${made.scopes.join(' and ')}${end}. It is not shown again. Revoke it with: ${program()} keys revoke ${made.id}\n`,
    );
  });
}

function listCommand(): Command {
  return withPlatform(
    newCommand('list', {
      summary: 'lists all keys, without their secrets',
      description: 'Lists all keys, those that have ended or were revoked included.',
      again: 'Reads only: run it as often as you like.',
      examples: [{ command: 'keys list', does: '' }],
    }),
  ).action(async (options: CommonOptions) => {
    const answer = await ask<KeysAnswer>(findPlatform(options), '/v1/keys', { has: 'keys' });
    if (options.json === true) return outJson(answer);
    const { dim } = palette(process.stdout);
    const columns = [
      { title: 'Id' },
      { title: 'Name', flexible: true },
      { title: 'Scopes' },
      { title: 'State' },
      { title: 'Last used' },
    ];
    const rows = answer.keys.map((key) => [key.id, key.name, key.scopes.join(' '), stateOf(key), lastUse(key)]);
    out(table(columns, rows, { width: screenWidth(), paintTitles: dim }));
  });
}

function revokeCommand(): Command {
  return withPlatform(
    newCommand('revoke', {
      summary: 'ends a key at once',
      description: 'Ends a key: from now on it opens nothing.',
      again: 'Revoking a revoked key changes nothing.',
      examples: [{ command: 'keys revoke h4jk2m9xwp', does: '' }],
    })
      .argument('<id>', 'as keys list has it')
      .option('--yes', 'also the key by which this command asks'),
  ).action(async (id: string, { yes, ...options }: CommonOptions & { readonly yes?: boolean }) => {
    const connection = findPlatform(options);
    if (yes !== true && connection.key?.startsWith(`tsk_${id}_`) === true) {
      throw new TillstreamError('wrong_usage', `${id} is the key by which this command asks; nothing is revoked.`, {
        hint: 'With --yes it is. If it is the one in the data directory, commands here need another then: the next start makes one.',
      });
    }
    const path = `/v1/keys/${encodeURIComponent(id)}`;
    const key = await ask<KeyAnswer>(connection, path, { method: 'DELETE', has: 'id' });
    if (options.json === true) outJson(key);
    else out(`${key.id} (${key.name}) is revoked.\n`);
  });
}

function stateOf({ usable, revokedAt, expiresAt }: KeyAnswer): string {
  if (revokedAt !== null) return `revoked ${day(revokedAt)}`;
  if (expiresAt === null) return 'good';
  return `${usable ? 'until' : 'ended'} ${day(expiresAt)}`;
}

function lastUse({ lastUsedAt }: KeyAnswer): string {
  if (lastUsedAt === null) return 'never';
  return `${duration(Math.max(0, Date.now() - Date.parse(lastUsedAt)) / 1000)} ago`;
}

function day(iso: string): string {
  return iso.slice(0, 10);
}

interface TokenOptions extends CommonOptions {
  readonly for: number;
  readonly revokeAll?: boolean;
}

export function tokenCommand(): Command {
  return withPlatform(
    newCommand('token', {
      summary: "makes a token that opens one customer's own data",
      description:
        'Makes a token for a customer: it opens their profile, purchase history and invoices, and nothing else.',
      again: 'Each run makes another token; older ones stay good until their end, or until --revoke-all.',
      examples: [
        { command: 'token 17850', does: 'good for a day' },
        { command: 'token 17850 --for 30d', does: '' },
        { command: 'token 17850 --revoke-all', does: 'ends all that were made so far' },
      ],
    })
      .argument('<customer>', 'number of the customer')
      .addOption(
        new Option('--for <time>', 'how long it is good for, e.g. 30d or 12h; at most 366d')
          .argParser(tokenSeconds)
          .default(DAY_SECONDS, '1d'),
      )
      .option('--revoke-all', 'make none; end all that this customer has'),
  ).action(async (customer: string, { for: expiresInSeconds, revokeAll, ...options }: TokenOptions) => {
    const path = `/v1/customers/${encodeURIComponent(customer)}/tokens`;
    if (revokeAll === true) {
      await ask<null>(findPlatform(options), path, { method: 'DELETE', has: null });
      if (options.json === true) outJson({ customerId: customer, revoked: true });
      else out(`All tokens of customer ${customer} have ended.\n`);
      return;
    }
    const made = await ask<TokenAnswer>(findPlatform(options), path, {
      method: 'POST',
      body: { expiresInSeconds },
      has: 'token',
    });
    if (!made.known) err(`Customer ${made.customerId} has bought nothing yet: check the number.\n`);
    if (options.json === true) return outJson(made);
    out(`${made.token}\n`);
    err(`\nFor customer ${made.customerId}, until ${made.expiresAt}. It is not shown again.\n`);
  });
}

const DAY_SECONDS = 24 * 3600;
const UNIT_SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: DAY_SECONDS };

const TOKEN_DAYS_MAX = 366;

function tokenSeconds(text: string): number {
  const value = seconds(text);
  if (value <= TOKEN_DAYS_MAX * DAY_SECONDS) return value;
  throw new InvalidArgumentError(`A token is good for at most ${TOKEN_DAYS_MAX}d.`);
}

/** `ingest,read`; the option may also be given again. */
function scopes(text: string, before: readonly Scope[] | undefined): Scope[] {
  const given = text.split(',').map((each) => each.trim());
  const unknown = given.find((each) => !SCOPES.some((scope) => scope === each));
  if (unknown !== undefined) throw new InvalidArgumentError(`"${unknown}" is none; expected ${SCOPES.join(', ')}.`);
  return [...(before ?? []), ...SCOPES.filter((scope) => given.includes(scope))];
}

/** `90d`, `12h`, `30m` → seconds */
function seconds(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const value = Number(count) * (UNIT_SECONDS[unit] ?? 0);
  if (value > 0) return value;
  throw new InvalidArgumentError('Expected a time such as 30m, 12h or 90d.');
}
