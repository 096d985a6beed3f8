// Whatever moment a backup is cancelled at, delivery goes on: nothing is held after the one release.
import { describe, expect, it } from 'vitest';
import { type BackedUp, backup } from '../../src/platform/backup.ts';

const order = { path: '/backup', dataDirectory: '/data', version: '0', diskReserveBytes: 0 };

/** Cancelled at a step, which ends only once the backup has; the steps that were taken. */
async function stepsWhenCancelledAt(cancelledAt: string): Promise<string[]> {
  const steps: string[] = [];
  const cancelled = new AbortController();
  let goOn = (): void => {};
  const ended = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const step = async (name: string, isWaitedFor = false): Promise<void> => {
    steps.push(name);
    if (name !== cancelledAt) return;
    cancelled.abort();
    if (!isWaitedFor) await ended;
  };
  const platform: BackedUp = {
    stream: {
      async bounds() {
        await step('bounds', true);
        return { trimmed: null, newest: '7' };
      },
    },
    hold: (upTo = 'at once') => step(`hold ${upTo}`),
    release: () => step('release', true),
    holdImports: () => step('holdImports'),
    releaseImports: () => void step('releaseImports', true),
    finishRedrives: () => step('finishRedrives', true),
    copyWarehouse: () => step('copyWarehouse', true),
  };
  const thread = {
    call: (async (method: string) => {
      if (method === 'complete' && cancelled.signal.aborted) throw new Error('cancelled');
    }) as Parameters<typeof backup>[1]['call'],
  };
  const failure = await backup(platform, thread, order, cancelled.signal).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Error);
  goOn();
  // Whatever was left running goes on now.
  await new Promise((resolve) => setTimeout(resolve, 10));
  return steps;
}

describe('a backup that is cancelled', () => {
  it.each(['holdImports', 'hold at once', 'bounds', 'hold 7', 'finishRedrives', 'copyWarehouse'])(
    'at "%s": release is the last step',
    async (step) => {
      const steps = await stepsWhenCancelledAt(step);
      expect(steps.slice(steps.indexOf(step))).toEqual([step, 'releaseImports', 'release']);
    },
  );
});
