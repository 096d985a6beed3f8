// The end of what takes too long on a connection, or is not wanted any more.
import type { DuckDBConnection } from '@duckdb/node-api';

/** Until the work has ended: an interrupt that falls between two steps is forgotten by the next. */
export const INTERRUPT_EVERY_MS = 20;

/**
 * Does work on the connection, interrupting it again and again once `timeoutMs` have passed; nothing else may use the
 * connection meanwhile.
 * @throws what `late` gives, when the time was up, whatever the work made of that; else what the work throws
 */
export async function withTimeLimit<T>(
  connection: DuckDBConnection,
  timeoutMs: number,
  late: () => Error,
  work: (isLate: () => boolean) => Promise<T>,
): Promise<T> {
  let isLate = false;
  let timer = setTimeout(function stop() {
    isLate = true;
    connection.interrupt();
    timer = setTimeout(stop, INTERRUPT_EVERY_MS);
  }, timeoutMs);
  try {
    const result = await work(() => isLate);
    if (!isLate) return result;
  } catch (error) {
    if (!isLate) throw error;
  } finally {
    clearTimeout(timer);
  }
  throw late();
}

/**
 * Does work on the connection, which is interrupted again and again once the signal is aborted; nothing else may use it meanwhile.
 * @throws what the work throws, then too
 */
export async function endedBy<T>(
  signal: AbortSignal | undefined,
  connection: DuckDBConnection,
  work: () => Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    connection.interrupt();
    timer = setTimeout(stop, INTERRUPT_EVERY_MS);
  };
  if (signal?.aborted === true) stop();
  else signal?.addEventListener('abort', stop);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}
