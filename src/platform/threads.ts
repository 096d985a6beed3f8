// Starts the worker threads; the threads themselves are *-thread.ts.
import { Worker } from 'node:worker_threads';
import type { StorePaths } from '../stores/layout.ts';
import type { Config } from './config.ts';
import { connect, type Methods, type Remote } from './rpc.ts';

/** Memory that the threads share. */
export interface SharedMemory {
  /** See stream/head.ts. */
  readonly head: SharedArrayBuffer;
  /** See stores/writer-turns.ts. */
  readonly ordersTurns: SharedArrayBuffer;
}

/** What a thread is given at its start. */
export interface ThreadData extends SharedMemory {
  readonly directory: StorePaths;
  readonly logLevel: string;
  readonly warehouseMemoryMb: number;
  readonly streamBytesMax: number;
}

export interface Thread<M extends Methods> extends Remote<M> {
  /** Resolves when the thread is gone. */
  end(): Promise<void>;
}

/**
 * @param file beside this one, without its extension
 * @param onEnd called when the thread ends without end() having been called
 */
export function startThread<M extends Methods>(
  file: string,
  directory: ThreadData['directory'],
  shared: SharedMemory,
  config: Pick<Config, 'logLevel' | 'warehouseMemoryMb' | 'streamBytesMax'>,
  onEnd: (error: Error) => void,
): Thread<M> {
  const { stream, orders, state, lake, warehouse } = directory;
  const workerData: ThreadData = {
    directory: { stream, orders, state, lake, warehouse },
    ...shared,
    logLevel: config.logLevel,
    warehouseMemoryMb: config.warehouseMemoryMb,
    streamBytesMax: config.streamBytesMax,
  };
  const worker = new Worker(new URL(`./${file}.js`, import.meta.url), { workerData });
  let failure: Error | null = null;
  let ending = false;
  worker.on('error', (error) => {
    failure = error instanceof Error ? error : new Error(String(error));
  });
  worker.on('exit', (code) => {
    if (!ending) onEnd(failure ?? new Error(`The ${file} ended with ${code}`));
  });
  return {
    ...connect<M>(worker, file),
    async end() {
      ending = true;
      await worker.terminate();
    },
  };
}
