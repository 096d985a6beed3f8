// A limit of time on what an AbortSignal can end.

export interface TimeLimit {
  readonly signal: AbortSignal;
  /** It is not needed any more. */
  readonly lift: () => void;
}

/**
 * Aborted when `signal` is, or after so long, with a TimeoutError. Not AbortSignal.any() of a timeout: nothing holds that one,
 * so it may be collected before it is time, and never comes (nodejs/node#57736).
 * @param ms Infinity: no limit
 */
export function timeLimit(signal: AbortSignal | undefined, ms: number): TimeLimit {
  const limit = new AbortController();
  const abort = (): void => limit.abort(signal?.reason);
  const late = (): void => limit.abort(new DOMException(`not within ${ms / 1000} s`, 'TimeoutError'));
  const timer = ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(late, ms).unref();
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  return {
    signal: limit.signal,
    lift() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    },
  };
}
