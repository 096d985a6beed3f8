// The stream thread: owns the stream in LMDB and waits for the disk, so that no other thread does.
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { monotonicFactory } from 'ulid';
import { createClock } from '../model/clock.ts';
import { Head } from '../stream/head.ts';
import { openLmdbStream } from '../stream/lmdb-stream.ts';
import { serve } from './rpc.ts';
import type { ThreadData } from './threads.ts';

async function start() {
  const { directory, head: buffer, streamBytesMax: bytesMax } = workerData as ThreadData;
  const head = new Head(buffer);
  const clock = createClock();
  const stream = await openLmdbStream({
    directory: directory.stream,
    head,
    clock,
    newId: monotonicFactory(),
    bytesMax,
  });
  return {
    /** `nowMicros`: beyond every append of earlier runs. */
    opened: async () => ({
      id: stream.id,
      nowMicros: clock.nowMicros(),
      ...(await stream.bounds()),
      size: stream.size(),
    }),

    append: async (frame: Uint8Array, count: number, appendedAt: number) => ({
      first: await stream.appendFrame(frame, count, appendedAt),
      size: stream.size(),
    }),

    async trim(passed: string | null, keptSinceMs: number) {
      const removed = await stream.trim(passed, keptSinceMs);
      return { removed, size: stream.size(), trimmed: (await stream.bounds()).trimmed };
    },

    stop: () => stream.close(),
  };
}

export type StreamThread = Awaited<ReturnType<typeof start>>;

if (!isMainThread && parentPort !== null) serve(parentPort, start());
