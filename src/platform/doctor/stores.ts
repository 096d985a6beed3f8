// The stores of a platform that does not run: whether they can be opened, and go on with their stream.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Checkpoint } from '../../model/checkpoint.ts';
import { messageOf } from '../../model/errors.ts';
import type { StoreName } from '../../pipelines/pipeline.ts';
import { sequenceOf } from '../../stream/lmdb-stream-reader.ts';
import { streamGap } from '../../stream/stream-gap.ts';
import { type Finding, failed, ok } from './finding.ts';
import type { Probed } from './store-probe.ts';

export interface StoresState {
  readonly findings: readonly Finding[];
  /** When the newest line was appended, ms since 1970; null where there is none, or it cannot be seen. */
  readonly newestLineMs: number | null;
}

/** A warehouse that was killed reads its log first: up to some hundred MB of it. */
const PROBE_TIMEOUT_MS = 120_000;

/** What each store keeps its data in. */
const FILES = { stream: 'data.mdb', orders: 'data.mdb', state: 'data.mdb', warehouse: 'warehouse.duckdb' };

const RESTORE = 'Put the data directory back from a backup; keep the damaged one aside.';

/** Nobody else has the directory meanwhile: see keepOut(). */
export async function checkStores(root: string): Promise<StoresState> {
  const probed = new Map<string, Probed>();
  const findings: Finding[] = [];
  for (const [store, file] of Object.entries(FILES)) {
    const directory = join(root, store);
    const check = `Store ${store}`;
    if (!existsSync(join(directory, file)) || statSync(join(directory, file)).size === 0) {
      findings.push(ok(check, 'not there yet; the next start makes it'));
      probed.set(store, { damage: null });
      continue;
    }
    const found = await probe(store, directory);
    if (found.damage === null) probed.set(store, found);
    findings.push(
      found.damage === null
        ? ok(check, found.schemaVersion === undefined ? 'opens' : `opens; schema version ${found.schemaVersion}`)
        : failed(check, `cannot be opened: ${found.damage}`, RESTORE),
    );
  }
  const stream = probed.get('stream');
  if (stream !== undefined) findings.push(...checkCheckpoints(root, stream, probed));
  const appendedAt = stream?.tail?.appendedAt ?? 0;
  return { findings, newestLineMs: appendedAt === 0 ? null : Math.floor(appendedAt / 1000) };
}

async function probe(store: string, directory: string): Promise<Probed> {
  const script = fileURLToPath(new URL('./store-probe.js', import.meta.url));
  const lock = join(directory, 'lock.mdb');
  const hadLock = existsSync(lock);
  const found = await new Promise<Probed>((resolve) => {
    execFile(process.execPath, [script, store, directory], { timeout: PROBE_TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) return resolve(JSON.parse(stdout) as Probed);
      const { signal, killed } = error;
      if (killed === true) return resolve({ damage: `no answer within ${PROBE_TIMEOUT_MS / 1000} s` });
      if (signal) return resolve({ damage: `its file is damaged (opening it ends the process with ${signal})` });
      resolve({ damage: stderr.trim().split('\n').at(-1) || error.message });
    });
  });
  // Made by looking: it would belong to who looked, not to the platform's user.
  if (!hadLock) rmSync(lock, { force: true });
  return found;
}

/** Whether each store that could be opened goes on where the stream is. */
function checkCheckpoints(root: string, stream: Probed, probed: ReadonlyMap<string, Probed>): Finding[] {
  const { newest = 0, trimmed = 0 } = stream.tail ?? {};
  const bounds = {
    id: stream.streamId ?? 'new',
    newest: newest === 0 ? null : sequenceOf(newest),
    trimmed: trimmed === 0 ? null : sequenceOf(trimmed),
  };
  const lake = lakeCheckpoint(root);
  if ('damage' in lake) return [failed('Checkpoints', lake.damage, RESTORE)];
  const checkpoints: [StoreName, Checkpoint | null][] = [['lake', lake.checkpoint]];
  for (const store of ['orders', 'warehouse'] as const) {
    const found = probed.get(store);
    if (found !== undefined) checkpoints.push([store, found.checkpoint ?? null]);
  }
  const gaps = checkpoints.flatMap(([store, checkpoint]) => streamGap(store, checkpoint, bounds) ?? []);
  if (gaps.length > 0) return gaps.map(({ message, hint }) => failed('Checkpoints', message, hint ?? RESTORE));
  const behind = checkpoints.map(([store, at]) => `${store} ${newest - Number(at?.sequence ?? 0)}`);
  return [ok('Checkpoints', `all fit the stream; records to be delivered: ${behind.join(', ')}`)];
}

function lakeCheckpoint(root: string): { readonly checkpoint: Checkpoint | null } | { readonly damage: string } {
  const file = join(root, 'lake', 'state', 'checkpoint.json');
  if (!existsSync(file)) return { checkpoint: null };
  try {
    const { streamId, sequence } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Checkpoint>;
    if (typeof streamId === 'string' && typeof sequence === 'string') return { checkpoint: { streamId, sequence } };
    return { damage: `${file} is not a checkpoint` };
  } catch (error) {
    return { damage: `${file} cannot be read: ${messageOf(error)}` };
  }
}
