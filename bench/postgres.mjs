// A PostgreSQL server of the benchmark's own: fresh cluster in a temporary directory, reached by a Unix socket only.
//
// As Debian packages it, with its defaults: fsync and synchronous_commit are on. It refuses to run as root, so root
// runs it as the user postgres, or nobody.
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { endProcess } from './children.mjs';

const DEBIAN = '/usr/lib/postgresql';
/** Asked of apt only with --install-peers. */
const INSTALL = ['apt-get', 'install', '-y', 'postgresql'];
const START_MS_MAX = 20_000;

/** The directory of its programs; null where it is not installed. */
export function findPostgres() {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const candidates = [
    ...versions.map((version) => join(DEBIAN, version, 'bin')),
    ...(process.env.PATH ?? '').split(':').filter(Boolean),
  ];
  return (
    candidates.find((path) => ['initdb', 'postgres', 'psql'].every((name) => existsSync(join(path, name)))) ?? null
  );
}

/** Debian's package, where we may; whether it is there is for findPostgres() to say. */
export function installPostgres() {
  const [program, ...parameters] = INSTALL;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync(program, parameters, { stdio: ['ignore', 2, 2], env });
}

export async function startPostgres(programs) {
  const directory = mkdtempSync(join(tmpdir(), 'tillstream-bench-pg-'));
  const user = runAs();
  if (user !== undefined) chownSync(directory, user.uid, user.gid);
  const data = join(directory, 'data');
  const made = spawnSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
    {
      ...user,
      cwd: directory,
      encoding: 'utf8',
    },
  );
  if (made.status !== 0) {
    rmSync(directory, { recursive: true, force: true });
    throw new Error(`initdb failed: ${made.stderr ?? made.error}`);
  }
  const server = spawn(
    join(programs, 'postgres'),
    ['-D', data, '-c', 'listen_addresses=', '-c', `unix_socket_directories=${directory}`],
    { ...user, cwd: directory, stdio: 'ignore' },
  );
  const connection = { host: directory, user: 'bench', database: 'postgres' };
  const version = await versionOf(server, connection);
  return {
    version,
    connection,
    psql: join(programs, 'psql'),
    async end() {
      await endProcess(server, 'SIGINT');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function runAs() {
  if (process.getuid?.() !== 0) return undefined;
  const users = new Map(
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map(([name, , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }]),
  );
  return users.get('postgres') ?? users.get('nobody');
}

async function versionOf(server, connection) {
  for (const lateMs = Date.now() + START_MS_MAX; ; await pause(100)) {
    const client = new pg.Client(connection);
    client.on('error', () => {});
    try {
      await client.connect();
      const { rows } = await client.query('SHOW server_version');
      return rows[0].server_version.split(' ')[0];
    } catch (error) {
      if (server.exitCode === null && Date.now() < lateMs) continue;
      await endProcess(server, 'SIGKILL');
      throw error;
    } finally {
      await client.end().catch(() => {});
    }
  }
}
