// The refusals of a route, by status: what it says itself, and what any route can answer.
import type { RouteOptions } from 'fastify';
import Type from 'typebox';
import { catalogue, type ErrorCode, errorCodes, TillstreamError } from '../model/errors.ts';
import { ProblemSchema, problemOf } from '../model/problem.ts';

type Route = Pick<RouteOptions, 'config' | 'schema'>;

interface Refusal {
  readonly description: string;
  readonly headers: Readonly<Record<string, object>>;
  readonly content: Readonly<Record<string, { readonly schema: object; readonly example: object }>>;
}

/** As `schema.response` has them. */
export function refusals(route: Route): Record<string, Refusal> {
  const codes = codesOf(route);
  const statuses = [...new Set(codes.map((code) => catalogue[code].status))].sort();
  return Object.fromEntries(
    statuses.map((status) => [status, refusal(codes.filter((code) => catalogue[code].status === status))]),
  );
}

/** In the order of the catalogue. */
function codesOf({ config = {}, schema = {} }: Route): ErrorCode[] {
  const codes = new Set<ErrorCode>(config.problems);
  const add = (...more: readonly ErrorCode[]): void => {
    for (const code of more) codes.add(code);
  };
  add('forbidden_origin', 'invalid_request', 'internal', 'shutting_down');
  if (config.access !== 'open') add('unauthorized', 'forbidden', 'rate_limited', 'unavailable');
  if (schema.params !== undefined || schema.querystring !== undefined) add('invalid_parameter');
  if (schema.body !== undefined) add('invalid_parameter', 'body_too_large', 'unsupported_media_type');
  return errorCodes.filter((code) => codes.has(code));
}

/** Of codes of one status. */
function refusal(codes: readonly ErrorCode[]): Refusal {
  const [first = 'internal'] = codes;
  const { status } = catalogue[first];
  const schema = Type.Intersect([ProblemSchema, Type.Object({ code: Type.Enum(codes) })]);
  return {
    description: codes.map((code) => `[\`${code}\`](/docs/errors#${code}) ${catalogue[code].title}.`).join('  \n'),
    headers: { ...requestId, ...headersOf[status] },
    content: {
      'application/problem+json': {
        schema,
        example: problemOf(new TillstreamError(first, 'A sentence with the value, what is expected, and what to do.')),
      },
    },
  };
}

const requestId = {
  'X-Request-Id': Type.String({ description: 'Of the request, as it was sent or one of ours: the log has it.' }),
};
const retryAfter = {
  'Retry-After': Type.Integer({ minimum: 1, description: 'Seconds; the same request can be sent again then.' }),
};
const headersOf: Readonly<Record<number, Record<string, object>>> = {
  401: { 'WWW-Authenticate': Type.String({ description: 'Always `Bearer`.' }) },
  429: retryAfter,
  503: retryAfter,
};
