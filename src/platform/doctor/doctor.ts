// What is wrong with a platform, or would be: its machine, its directory, its stores, and how it runs.
//
// Reads only, but for a file without a name by which the disk is measured. A check that fails unexpectedly is a finding too.
import { messageOf, type TillstreamError } from '../../model/errors.ts';
import type { Config } from '../config.ts';
import type { Environment } from '../setting.ts';
import { checkClock, checkTimeZone } from './clock.ts';
import { checkDirectory, type DirectoryState } from './directory.ts';
import { checkDisk } from './disk.ts';
import { checkDoor, checkSettings } from './door.ts';
import { type Finding, failed } from './finding.ts';
import { checkMachine } from './machine.ts';
import { type AskedPlatform, checkAgreement, checkAnswers, checkStatus } from './running.ts';
import { checkStores } from './stores.ts';

export interface DoctorOptions {
  readonly config: Config;
  /** What is not allowed of the settings; `config` has the defaults there. */
  readonly wrong: readonly TillstreamError[];
  readonly environment: Environment;
  /** Of this installation. */
  readonly version: string;
  readonly nodeNeeded: string;
  /** Leaves out what reads everything. */
  readonly quick: boolean;
  /** The platform that runs on the data directory. @throws unreachable  it does not say where */
  readonly platform: () => AskedPlatform;
}

/** One after the other, as they are found. */
export async function* examine(options: DoctorOptions): AsyncGenerator<Finding> {
  const { config, wrong, environment } = options;
  const wallMs = Date.now();
  const steadyMs = performance.now();
  const directory = await checkDirectory(config.dataDirectory);
  try {
    yield* checkMachine(options.nodeNeeded, directory.isRunning);
    yield* checkSettings(config, wrong, environment);
    yield* directory.findings;
    if (directory.isClosed) return;
    const disk = await safely('Disk', async () => checkDisk(config.dataDirectory, config.diskReserveBytes));
    if ('found' in disk) yield disk;
    else yield* disk.findings;
    let newestLineMs: number | null = null;
    if (directory.isOurs && !directory.isRunning) {
      const stores = await safely('Stores', () => checkStores(config.dataDirectory));
      if ('found' in stores) yield stores;
      else {
        yield* stores.findings;
        newestLineMs = stores.newestLineMs;
      }
    }
    yield checkClock({
      nowMs: Date.now(),
      newestLineMs,
      directoryMadeMs: directory.createdAtMs,
      diskAheadSeconds: 'found' in disk ? null : disk.clockAheadSeconds,
      steppedMs: Date.now() - wallMs - (performance.now() - steadyMs),
    });
    yield checkTimeZone(config.timeZone, Date.now());
    yield* examineDoor(options, directory);
  } finally {
    directory.release();
  }
}

async function* examineDoor(options: DoctorOptions, { isRunning }: DirectoryState): AsyncGenerator<Finding> {
  const { config, quick } = options;
  const platform = isRunning ? await safely('Answers', async () => options.platform()) : null;
  const door = await safely('Port', () =>
    checkDoor(config, platform !== null && 'url' in platform ? platform.url : null, Date.now()),
  );
  if ('found' in door) yield door;
  else yield* door;
  if (platform === null) return;
  if ('found' in platform) {
    yield platform;
    return;
  }
  const { findings, status } = await checkAnswers(platform);
  yield* findings;
  if (status === null) return;
  yield* checkStatus(status, options.version);
  if (!quick) yield await checkAgreement(platform);
}

/** What a check finds, or that it could not look. */
async function safely<T>(check: string, look: () => Promise<T>): Promise<T | Finding> {
  try {
    return await look();
  } catch (error) {
    return failed(check, `cannot be looked at: ${messageOf(error)}`, 'Mend what the message names.');
  }
}
