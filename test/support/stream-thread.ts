// The stream in its thread, as the platform runs it: worker threads run what is built.
import { createClock } from '../../src/model/clock.ts';
import { StreamOnThread } from '../../src/platform/stream-on-thread.ts';
import type { StreamThread } from '../../src/platform/stream-thread.ts';
import type { EventStream } from '../../src/stream/event-stream.ts';
import { Head } from '../../src/stream/head.ts';
import { openLmdbStreamReader } from '../../src/stream/lmdb-stream-reader.ts';

const COMPILED = new URL('../../dist/platform/threads.js', import.meta.url).href;

export interface ThreadedStream extends EventStream {
  /** Ends the thread, whatever it does. */
  end(): Promise<void>;
}

/** Writes by the thread, reads as a consumer does. */
export async function openThreadedStream(stream: string, streamBytesMax = 2 ** 30): Promise<ThreadedStream> {
  const { startThread }: typeof import('../../src/platform/threads.ts') = await import(COMPILED);
  const head = new Head();
  const thread = startThread<StreamThread>(
    'stream-thread',
    { stream, orders: '', state: '', lake: '', warehouse: '' },
    { head: head.buffer, ordersTurns: new SharedArrayBuffer(16) },
    { logLevel: 'silent', warehouseMemoryMb: 0, streamBytesMax },
    (error) => {
      throw error;
    },
  );
  const writer = new StreamOnThread(thread, head, createClock(), await thread.call('opened'));
  const reader = openLmdbStreamReader(stream, head);
  return {
    id: writer.id,
    recordBytesMax: writer.recordBytesMax,
    append: (records) => writer.append(records),
    bounds: () => writer.bounds(),
    read: reader.read,
    end: () => thread.end(),
    async close() {
      await thread.call('stop');
      await thread.end();
      await reader.close();
    },
  };
}
