// Errors as RFC 9457 problem documents: what a client of the HTTP API sees of them.
import Type, { type Static } from 'typebox';
import { catalogue, errorCodes, TillstreamError } from './errors.ts';

export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'Where the documentation has this error, relative to the platform.' }),
    title: Type.String({ description: 'The same for every occurrence of the code.' }),
    status: Type.Integer({ description: 'The HTTP status.' }),
    detail: Type.String({ description: 'A sentence with the value, what is expected, and what to do.' }),
    code: Type.Enum(errorCodes, { description: 'What programs decide by.' }),
    field: Type.Optional(Type.String({ description: 'The field or parameter, as its sender wrote it.' })),
    value: Type.Optional(Type.String({ description: 'What it held, cut to 200 characters.' })),
    hint: Type.Optional(Type.String({ description: 'What to do about it.' })),
  },
  { $id: 'Problem', description: 'A refusal, as RFC 9457 has it.' },
);

export type Problem = Static<typeof ProblemSchema>;

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
