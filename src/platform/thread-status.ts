// How the consumers of a thread are, also while the thread does not answer: a disk that hangs holds it up, and then more
// than ever somebody wants to know.
import type { ConsumerStatus } from '../stream/consumer.ts';

/** Longer than a batch keeps a thread from answering, much shorter than Prometheus waits for its metrics. */
const ANSWER_TIMEOUT_MS = 2000;

/**
 * Asks a thread, one question at a time however often it is called; answers what it said last, as `silent`, when it takes
 * too long. What has come since then waits at least from then on, as far as anybody knows.
 */
export function askPatiently(
  ask: () => Promise<readonly ConsumerStatus[]>,
  timeoutMs = ANSWER_TIMEOUT_MS,
): () => Promise<readonly ConsumerStatus[]> {
  let last: readonly ConsumerStatus[] = [];
  let lastMs = Date.now();
  let asked: Promise<readonly ConsumerStatus[]> | null = null;
  const answered = async (): Promise<readonly ConsumerStatus[]> => {
    try {
      last = await ask();
      lastMs = Date.now();
      return last;
    } finally {
      asked = null;
    }
  };
  return async () => {
    asked ??= answered();
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<readonly ConsumerStatus[]>((resolve) => {
      timer = setTimeout(() => resolve(last.map((status) => silentSince(lastMs, status))), timeoutMs);
      timer.unref();
    });
    try {
      return await Promise.race([asked, tooLong]);
    } finally {
      clearTimeout(timer);
    }
  };
}

function silentSince(sinceMs: number, status: ConsumerStatus): ConsumerStatus {
  return { ...status, state: 'silent', oldestWaitingMs: status.oldestWaitingMs ?? sinceMs };
}
