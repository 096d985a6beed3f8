// Holds the files of examples/ that other programs read to what the platform does.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { bodyLimits } from '../../src/ingest/body.ts';
import { catalogue } from '../../src/model/errors.ts';
import { CLOSE_TIMEOUT_MS } from '../../src/platform/closing.ts';
import { readDocument } from './markdown.ts';

const unit = readDocument('examples/tillstream.service');
const settingOf = (name: string): string | undefined => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1];

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

describe('examples/tillstream.service', () => {
  it('is made of sections and assignments, and is read by systemd without a word where there is one', () => {
    const lines = unit.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines.filter((line) => !/^(\[(Unit|Service|Install)\]|[A-Z][A-Za-z]+=.*)$/.test(line))).toEqual([]);
    if (!hasSystemd) return;
    const directory = mkdtempSync(join(tmpdir(), 'tillstream-unit-'));
    try {
      const file = join(directory, 'tillstream.service');
      // Node may be elsewhere here; the rest is as it stands.
      writeFileSync(file, unit.replace('/usr/bin/node', process.execPath));
      const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
        encoding: 'utf8',
      });
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('fits the platform: its command, its directory, its time to end, its exit code for a wrong setting', () => {
    expect(settingOf('ExecStart')).toMatch(/ \/opt\/tillstream\/dist\/cli\/main\.js up$/);
    expect(settingOf('Environment')).toBe(`TILLSTREAM_DATA_DIR=/var/lib/${settingOf('StateDirectory')}`);
    expect(Number(settingOf('TimeoutStopSec')) * 1000).toBeGreaterThan(CLOSE_TIMEOUT_MS);
    expect(settingOf('Restart')).toBe('on-failure');
    expect(settingOf('RestartPreventExitStatus')).toBe(String(catalogue.wrong_usage.exit));
  });
});

describe.each([
  ['examples/nginx.conf', /server (127\.0\.0\.1:\d+);/, /client_max_body_size (\d+)m;/],
  ['examples/Caddyfile', /reverse_proxy (127\.0\.0\.1:\d+) /, /max_size (\d+)MB/],
])('%s', (file, address, megabytes) => {
  const proxy = readDocument(file);

  it('asks where examples/proxy.env lets the platform listen', () => {
    const { TILLSTREAM_HOST: host, TILLSTREAM_PORT: port } = parseEnv(readDocument('examples/proxy.env'));
    expect(address.exec(proxy)?.[1]).toBe(`${host}:${port}`);
  });

  it('lets through every body that the platform takes, and hands on an id of the request', () => {
    expect(Number(megabytes.exec(proxy)?.[1]) * 1_000_000).toBeGreaterThan(bodyLimits.bodyBytesMax);
    expect(proxy).toContain('X-Request-Id');
  });
});
