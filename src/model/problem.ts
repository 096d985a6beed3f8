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
