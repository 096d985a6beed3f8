// The HTTP server: routes are in ingest/ and query/; here is what holds for all of them.
import fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify';
import { isTillstreamError, messageOf, TillstreamError } from '../model/errors.ts';
import { problemOf, retryAfterOf } from '../model/problem.ts';

/** A request has to be there within this time; a connection between requests may rest this long. */
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const PARAMETER_CHARACTERS_MAX = 512;

export interface ServerOptions {
  /** Called for errors that are not a client's. */
  readonly onError: (error: unknown, request: { readonly method: string; readonly route: string }) => void;
}

export function createServer({ onError }: ServerOptions): FastifyInstance {
  const server = fastify({
    logger: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    routerOptions: { maxParamLength: PARAMETER_CHARACTERS_MAX, ignoreTrailingSlash: true },
    // Answers under way are finished, resting connections are not waited for.
    forceCloseConnections: 'idle',
    ajv: { customOptions: { coerceTypes: 'array', removeAdditional: false, allErrors: false } },
  });
  server.addHook('onRequest', (request, _reply, done) => {
    try {
      refuseForeigners(request);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
  server.setErrorHandler((error: FastifyError, request, reply) => {
    const ours = ownError(error, request);
    const problem = problemOf(ours);
    // The pattern, not the address: that may name a customer.
    if (problem.code === 'internal') onError(error, { method: request.method, route: request.routeOptions.url ?? '' });
    const retryAfter = retryAfterOf(ours);
    if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
    // The rest of a body that was refused is not read: the connection cannot be used again.
    if (problem.status === 413) reply.header('connection', 'close');
    return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  });
  server.setNotFoundHandler((request, reply) => {
    const known = server.findRoute({ url: request.url.split('?', 1)[0] ?? '', method: 'GET' }) !== null;
    const error = known
      ? new TillstreamError('method_not_allowed', `${request.method} is not possible on ${request.url}.`)
      : new TillstreamError('not_found', `There is nothing at ${request.url.slice(0, 200)}.`, {
          hint: 'The routes are under /v1: transactions, invoices, customers, analytics, query, status.',
        });
    const problem = problemOf(error);
    return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  });
  return server;
}

/**
 * Without keys, what any web page could make a browser send here must be refused: a foreign Origin, and a Host that is not
 * this machine (a name that was pointed here, "DNS rebinding").
 * @throws forbidden_origin
 */
function refuseForeigners({ headers }: FastifyRequest): void {
  const { host, origin } = headers;
  if (!isLoopback(host)) {
    throw new TillstreamError(
      'forbidden_origin',
      `Host is "${host ?? ''}"; expected this machine: 127.0.0.1 or localhost.`,
      {
        field: 'Host',
        value: host ?? null,
      },
    );
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    throw new TillstreamError('forbidden_origin', `Origin is "${origin}"; expected none, or http://${host}.`, {
      field: 'Origin',
      value: origin,
    });
  }
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

function isLoopback(host: string | undefined): boolean {
  return host !== undefined && LOOPBACK.test(host);
}

/** Errors of Fastify and of its validation, in our terms. */
function ownError(error: FastifyError, request: FastifyRequest): unknown {
  if (isTillstreamError(error)) return error;
  const [invalid] = error.validation ?? [];
  if (invalid !== undefined) {
    const missing = invalid.params?.missingProperty;
    const field = typeof missing === 'string' ? missing : invalid.instancePath.slice(1).split('/')[0] || null;
    return new TillstreamError('invalid_parameter', `${field ?? error.validationContext}: ${explain(invalid)}.`, {
      field,
      value: shownValue(request, field),
    });
  }
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new TillstreamError('body_too_large', 'The body is larger than this route takes.');
  }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new TillstreamError('unsupported_media_type', 'Expected a JSON body with Content-Type application/json.');
  }
  const status = error.statusCode ?? 500;
  return status < 500 ? new TillstreamError('invalid_request', `${messageOf(error)}.`) : error;
}

function explain({ message, params }: { message?: string; params?: Record<string, unknown> }): string {
  const allowed = params?.allowedValues;
  return Array.isArray(allowed) ? `expected one of ${allowed.join(', ')}` : (message ?? 'not allowed');
}

function shownValue({ query, params }: FastifyRequest, field: string | null): string | null {
  if (field === null) return null;
  const all = { ...(query as Record<string, unknown>), ...(params as Record<string, unknown>) };
  return all[field] === undefined ? null : String(all[field]).slice(0, 200);
}
