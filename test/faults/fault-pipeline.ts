// Faults of a pipeline, each a wrapper that implements the port around a real one.
import { TillstreamError } from '../../src/model/errors.ts';
import type { Pipeline } from '../../src/pipelines/pipeline.ts';
import type { StreamRecord } from '../../src/stream/event-stream.ts';

type Process = Pipeline['process'];

function around(pipeline: Pipeline, process: (...call: Parameters<Process>) => ReturnType<Process>): Pipeline {
  return { store: pipeline.store, checkpoint: () => pipeline.checkpoint(), process };
}

/** The store is away until `isBack` says it is not; its checkpoint too. */
export function away(pipeline: Pipeline, isBack: () => boolean): Pipeline {
  const check = (): void => {
    if (!isBack()) throw new TillstreamError('unavailable', 'The disk is full');
  };
  return {
    store: pipeline.store,
    async checkpoint() {
      check();
      return pipeline.checkpoint();
    },
    async process(records, checkpoint) {
      check();
      return pipeline.process(records, checkpoint);
    },
  };
}

/** The first `times` calls with records fail, whatever they hold. */
export function failing(pipeline: Pipeline, times: number, error: Error): Pipeline {
  let failed = 0;
  return around(pipeline, async (records, checkpoint) => {
    if (records.length > 0 && failed < times) {
      failed += 1;
      throw error;
    }
    return pipeline.process(records, checkpoint);
  });
}

/** A bug: any batch that holds a record with this text throws. */
export function throwingOn(pipeline: Pipeline, poison: (text: string) => boolean, error?: Error): Pipeline {
  return around(pipeline, async (records, checkpoint) => {
    const found = records.find(({ data }) => poison(data.toString()));
    if (found !== undefined) throw error ?? new TypeError("Cannot read properties of undefined (reading 'price')");
    return pipeline.process(records, checkpoint);
  });
}

/** Every call takes at least so long. */
export function delaying(pipeline: Pipeline, ms: number): Pipeline {
  return around(pipeline, async (records, checkpoint) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return pipeline.process(records, checkpoint);
  });
}

/** No call reaches the store before that. */
export function waitingFor(pipeline: Pipeline, until: Promise<unknown>): Pipeline {
  return around(pipeline, async (records, checkpoint) => {
    await until;
    return pipeline.process(records, checkpoint);
  });
}

/** The process dies after `calls` calls have reached the store, before their checkpoint has: it never hears of them. */
export function crashAfter(pipeline: Pipeline, calls: number, crashed: () => void): Pipeline {
  let done = 0;
  return around(pipeline, async (records, checkpoint) => {
    done += 1;
    if (done < calls) return pipeline.process(records, checkpoint);
    await pipeline.process(records);
    crashed();
    return new Promise(() => {});
  });
}

/** Notes the batches that the pipeline is given. */
export function noting(pipeline: Pipeline, batches: (readonly StreamRecord[])[]): Pipeline {
  return around(pipeline, (records, checkpoint) => {
    batches.push(records);
    return pipeline.process(records, checkpoint);
  });
}
