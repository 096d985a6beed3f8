// How settings are read: flag, variable, default; and what is said of a value that is not allowed.
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { flaggedIn, withSettings } from '../../src/cli/settings.ts';
import { addressOf, refuseOpenAddress } from '../../src/platform/address.ts';
import { checkConfig, readConfig, settingsThatDiffer } from '../../src/platform/config.ts';

const flagged = (...commandLine: string[]) =>
  flaggedIn(withSettings(new Command()).parse(commandLine, { from: 'user' }));

describe('a setting', () => {
  it('is what its flag says, else its variable, else its default', () => {
    const environment = { TILLSTREAM_PORT: '9000', TILLSTREAM_HOST: '::1' };
    const config = readConfig(environment, flagged('--port', '9001', '--no-auth'));
    expect(config).toMatchObject({ port: 9001, host: '::1', auth: false, dataDirectory: './tillstream-data' });
    expect(settingsThatDiffer(config)).toEqual({ port: 9001, host: '::1', auth: false });
  });

  it('is its default where the variable is set to nothing', () => {
    expect(readConfig({ TILLSTREAM_PORT: '', TILLSTREAM_TIME_ZONE: '' })).toEqual(readConfig({}));
  });

  it('that has no flag on the command line and no variable is not flagged', () => {
    expect(flagged()).toEqual({});
  });

  it.each([
    [flagged('--port', '65536'), {}, '--port is "65536"; expected a whole number from 0 to 65535.'],
    [{}, { TILLSTREAM_PORT: 'http' }, 'TILLSTREAM_PORT is "http"; expected a whole number from 0 to 65535.'],
    [{}, { TILLSTREAM_TIME_ZONE: 'Berlin' }, 'TILLSTREAM_TIME_ZONE is "Berlin"; expected an IANA time zone'],
    [flagged('--behind-proxy', '10.0.0.0/33'), {}, '--behind-proxy is "10.0.0.0/33"; expected addresses or networks'],
    [flagged('--behind-proxy', 'proxy.example'), {}, '--behind-proxy is "proxy.example"; expected'],
    [flagged('--host', ''), {}, '--host is ""; expected an address'],
  ])('%o with %o is refused, by name, value and what is expected', (flags, environment, message) => {
    expect(() => readConfig(environment, flags)).toThrowError(message);
  });
});

it('all that is wrong is found at once, not only the first of it', () => {
  const { wrong } = checkConfig({ TILLSTREAM_PORT: 'x', TILLSTREAM_HOST: 'shop', TILLSTREAM_LOG_LEVEL: 'loud' });
  expect(wrong.map(({ field, value }) => [field, value])).toEqual([
    ['TILLSTREAM_PORT', 'x'],
    ['TILLSTREAM_LOG_LEVEL', 'loud'],
  ]);
});

describe('the address that follows from them', () => {
  it('has the private networks where --behind-proxy stands alone, else what it names', () => {
    const proxies = (...commandLine: string[]) => addressOf(readConfig({}, flagged(...commandLine))).trustedProxies;
    expect(proxies()).toBe(null);
    expect(proxies('--behind-proxy')).toEqual(['loopback', 'linklocal', 'uniquelocal']);
    expect(proxies('--behind-proxy=10.0.0.0/8, fd00::/8,192.0.2.7')).toEqual(['10.0.0.0/8', 'fd00::/8', '192.0.2.7']);
  });

  it.each(['127.0.0.1', '0.0.0.0'])('is not one without keys behind a proxy, on %s: anybody would be admin', (host) => {
    const address = addressOf(readConfig({}, flagged('--no-auth', '--behind-proxy', '--host', host)));
    expect(() => refuseOpenAddress(address)).toThrowError(
      expect.objectContaining({
        code: 'wrong_usage',
        message: expect.stringContaining('--no-auth and --behind-proxy'),
      }),
    );
  });

  it.each([
    ['--tls-cert', '--tls-key'],
    ['--tls-key', '--tls-cert'],
  ])('needs beside %s also %s', (given, missing) => {
    expect(() => addressOf(readConfig({}, flagged(given, 'x.pem')))).toThrowError(`${missing} is missing`);
  });
});
