// Faults of a stream, each a wrapper that implements the port around a real one.
import type { AppendResult, EventStream } from '../../src/stream/event-stream.ts';

type Append = (append: () => Promise<AppendResult[]>) => Promise<AppendResult[]>;

function around(stream: EventStream, appended: Append): EventStream {
  return {
    id: stream.id,
    recordBytesMax: stream.recordBytesMax,
    append: (records) => appended(() => stream.append(records)),
    read: (after, limits) => stream.read(after, limits),
    bounds: () => stream.bounds(),
    close: () => stream.close(),
  };
}

/** Appends are on disk, but say so only once `until` resolves. */
export function delaying(stream: EventStream, until: () => Promise<unknown>): EventStream {
  return around(stream, async (append) => {
    const results = await append();
    await until();
    return results;
  });
}

/** The first `times` appends store nothing and throw. */
export function failing(stream: EventStream, times: number, error: Error): EventStream {
  let failed = 0;
  return around(stream, async (append) => {
    failed += 1;
    if (failed <= times) throw error;
    return append();
  });
}

/** Of every append the records from `index` on are refused one by one, as Kinesis does; the others are stored. */
export function refusingFrom(stream: EventStream, index: number, error: Error): EventStream {
  return {
    ...around(stream, (append) => append()),
    async append(records) {
      const results = await stream.append(records.slice(0, index));
      return [...results, ...records.slice(index).map(() => ({ error }))];
    },
  };
}
