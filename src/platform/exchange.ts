// How a rebuilt store takes the place of the old one in the thread that owns it.
//
// In this order: catchUp(), swap(); or abandon(), at any moment before swap() has renamed anything: the old store then goes on where
// it was. While the new one catches up nothing is delivered into the old one, which still answers; so of every record of the
// stream one consumer alone says whether the store can use it.
import { TillstreamError } from '../model/errors.ts';
import type { Pipeline } from '../pipelines/pipeline.ts';
import type { StreamReader } from '../stream/event-stream.ts';
import type { HostedConsumers } from './consumer-host.ts';
import { type RebuiltStore, swapStore } from './store-swap.ts';

export interface Exchangeable<S> {
  readonly store: RebuiltStore;
  /** The one that answers. */
  current(): S;
  open(directory: string): Promise<S>;
  close(store: S): Promise<void>;
  pipelineOf(store: S): Pipeline;
  /**
   * Gives the new one what only the old one knows; both are at the same record, as far as that can be.
   * @param directory of the new one, which is open
   */
  carryOver(directory: string): Promise<void>;
  /** Has `rename` put the new one, which is closed, in place of the old one, and makes it the one that answers. */
  replace(rename: () => void): Promise<void>;
}

export function exchanging<S>(
  { store, current, open, close, pipelineOf, carryOver, replace }: Exchangeable<S>,
  stream: Pick<StreamReader, 'id' | 'bounds'>,
  host: Pick<HostedConsumers, 'hold' | 'release' | 'stopOne' | 'startAnew'>,
) {
  let next: S | null = null;
  let stopped = false;
  /** catchUp(), under way or done; null: nothing was begun, or there is no way back. */
  let catchingUp: Promise<void> | null = null;
  let abandoned = false;

  /** How far the old one has come on this stream; null where that cannot be said. */
  const oldPosition = async (): Promise<string | null> => {
    const checkpoint = await pipelineOf(current())
      .checkpoint()
      .catch(() => null);
    return checkpoint?.streamId === stream.id ? checkpoint.sequence : null;
  };

  const catchUp = async (directory: string): Promise<void> => {
    const goOn = (): void => {
      if (abandoned) throw new TillstreamError('shutting_down', 'The rebuild was cancelled.');
    };
    await host.stopOne(store);
    stopped = true;
    goOn();
    next = await open(directory);
    goOn();
    const { newest } = await stream.bounds();
    const reached = (await oldPosition()) ?? '';
    goOn();
    host.startAnew(pipelineOf(next));
    if (newest !== null && reached !== '' && reached <= newest) await host.hold(reached, [store]);
    else await host.hold(undefined, [store]);
    goOn();
    await carryOver(directory);
    goOn();
    if (newest !== null) await host.hold(newest, [store]);
  };

  return {
    /**
     * Ends delivery into the old store, and brings the one in `directory` to the end of the stream, as it is by now.
     * @throws shutting_down  abandon() was called meanwhile
     */
    catchUp(directory: string): Promise<void> {
      abandoned = false;
      catchingUp = catchUp(directory);
      return catchingUp;
    },

    /** The old one's files are below `rebuild/` then, and this thread has closed them. */
    async swap(root: string): Promise<void> {
      if (next === null) throw new Error('catchUp() comes first');
      await host.stopOne(store);
      await close(next);
      next = null;
      await replace(() => {
        swapStore(root, store);
        stopped = false; // From here on there is no way back.
        catchingUp = null;
      });
      host.startAnew(pipelineOf(current()));
    },

    /** Resolves when the old one is delivered to again. Harmless when nothing was begun. */
    async abandon(): Promise<void> {
      if (catchingUp === null) return;
      abandoned = true;
      await host.stopOne(store); // whichever it is: what waits for the new one to come somewhere waits no longer
      await catchingUp.catch(() => {});
      catchingUp = null;
      if (!stopped) return;
      stopped = false;
      if (next !== null) await close(next);
      next = null;
      host.startAnew(pipelineOf(current()));
    },
  };
}

/** The methods above, beside those of its consumers, as the main thread calls them. */
export type Exchanging = HostedConsumers & ReturnType<typeof exchanging>;
