// Errors as RFC 9457 problem documents: what a client of the HTTP API sees of them.
import { catalogue, type ErrorCode, TillstreamError } from './errors.ts';

export interface Problem {
  /** A relative reference into the documentation of errors. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly field?: string;
  readonly value?: string;
  readonly hint?: string;
}

/** Causes and stacks stay behind; of an error that is not ours, so does the message. */
export function problemOf(error: unknown): Problem {
  const known =
    error instanceof TillstreamError
      ? error
      : new TillstreamError('internal', 'Something went wrong inside. The log has the reason.');
  const { code, message, field, value, hint } = known;
  const { status, title } = catalogue[code];
  return {
    type: `/docs/errors#${code}`,
    title,
    status,
    detail: message,
    code,
    ...(field === null ? {} : { field }),
    ...(value === null ? {} : { value }),
    ...(hint === undefined ? {} : { hint }),
  };
}

/** Where an error says nothing of its own; a disk or a lock is seldom back sooner. */
const RETRY_AFTER_SECONDS = 2;

/** Seconds for the header Retry-After: whatever is refused for now says when to come back. */
export function retryAfterOf(error: unknown): number | undefined {
  if (!(error instanceof TillstreamError)) return undefined;
  return error.retryAfterSeconds ?? (catalogue[error.code].status === 503 ? RETRY_AFTER_SECONDS : undefined);
}
