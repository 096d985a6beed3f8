// The HTTP server: routes are in ingest/ and query/; here is what holds for all of them.
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Caller } from '../access/caller.ts';
import { challengeOf, type Guard, loopbackGuard } from '../access/guard.ts';
import { isTillstreamError, messageOf, TillstreamError } from '../model/errors.ts';
import { problemOf, retryAfterOf } from '../model/problem.ts';
import { collectRoutes, type Route } from './route-list.ts';

/** A request has to be there within this time; a connection between requests may rest this long. */
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const PARAMETER_CHARACTERS_MAX = 512;
/** A restart takes about as long. */
const SHUTTING_DOWN_RETRY_SECONDS = 5;

export interface ServerOptions {
  /** Called for answers of 500 and more that have a reason beside what the client is told. */
  readonly onError: (error: unknown, request: { readonly method: string; readonly route: string }) => void;
  /** Left out: no key is asked for. */
  readonly guard?: Guard;
  /** PEM; left out: HTTP. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  /** Addresses of proxies whose X-Forwarded headers are believed. */
  readonly trustedProxies?: readonly string[];
}

export type Server = FastifyInstance & { readonly routeList: readonly Route[] };

export function createServer({ onError, guard = loopbackGuard(), tls, trustedProxies }: ServerOptions): Server {
  const refuse = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const ours = ownError(error, request);
    const problem = problemOf(ours);
    const unexplained = problem.code === 'internal' || (ours instanceof Error && ours.cause !== undefined);
    // The pattern, not the address: that may name a customer.
    const route = request.routeOptions?.url ?? '';
    if (problem.status >= 500 && unexplained) onError(ours, { method: request.method, route });
    const retryAfter = retryAfterOf(ours);
    if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
    // The rest of a body that was refused is not read: the connection cannot be used again.
    if (problem.status === 413) reply.header('connection', 'close');
    if (problem.status === 401) reply.header('www-authenticate', challengeOf(request));
    return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  };
  const server = fastify({
    logger: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    routerOptions: { maxParamLength: PARAMETER_CHARACTERS_MAX, ignoreTrailingSlash: true },
    // Answers under way are finished, resting connections are not waited for.
    forceCloseConnections: 'idle',
    // What comes on them meanwhile is refused below, in our form.
    return503OnClosing: false,
    // What does not even get to a route; the hooks below do not see it. Of what it asks for wrongly, nobody without a key is told.
    frameworkErrors: (error, request, reply) => {
      admitted(request).then(
        () => refuse(error, request, reply),
        (refusal: unknown) => refuse(refusal, request, reply),
      );
    },
    ajv: { customOptions: { coerceTypes: 'array', removeAdditional: false, allErrors: false } },
    ...(trustedProxies === undefined ? {} : { trustProxy: [...trustedProxies] }),
    ...(tls === undefined ? {} : { https: tls }),
  });
  const admitted = async (request: FastifyRequest): Promise<Caller | null> => guard.admit(request, 'any');
  let closing = false;
  server.addHook('preClose', async () => {
    closing = true;
  });
  // Response schemas describe; they neither choose nor change what is answered.
  server.setSerializerCompiler(() => JSON.stringify);
  server.decorateRequest('caller', null);
  server.addHook('onRequest', (request, _reply, done) => {
    try {
      if (closing) throw shuttingDown();
      const caller = guard.admit(request, request.is404 ? 'any' : (request.routeOptions.config.access ?? 'admin'));
      if (!(caller instanceof Promise)) {
        request.caller = caller;
        return done();
      }
      caller.then((found) => {
        request.caller = found;
        done();
      }, done);
    } catch (error) {
      done(error as Error);
    }
  });
  const list = collectRoutes(server);
  server.setErrorHandler(refuse);
  server.setNotFoundHandler((request, reply) => {
    const address = request.url.slice(0, 200);
    const allowed = list.allowedMethods(request.url.split('?', 1)[0] ?? '').join(', ');
    if (allowed === '') {
      const hint = 'The routes are under /v1: transactions, invoices, customers, analytics, query, status.';
      return refuse(new TillstreamError('not_found', `There is nothing at ${address}.`, { hint }), request, reply);
    }
    reply.header('allow', allowed);
    const message = `${request.method} is not possible on ${address}; expected ${allowed}.`;
    return refuse(new TillstreamError('method_not_allowed', message), request, reply);
  });
  return Object.assign(server, { routeList: list.routes });
}

function shuttingDown(): TillstreamError {
  return new TillstreamError('shutting_down', 'The platform is shutting down.', {
    retryAfterSeconds: SHUTTING_DOWN_RETRY_SECONDS,
  });
}

/** Errors of Fastify and of its validation, in our terms. */
function ownError(thrown: unknown, request: FastifyRequest): unknown {
  if (isTillstreamError(thrown)) return thrown;
  const error = thrown as FastifyError;
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
  if (error.code === 'FST_ERR_MAX_PARAM_LENGTH') {
    const expected = `expected at most ${PARAMETER_CHARACTERS_MAX} characters`;
    return new TillstreamError('invalid_parameter', `A part of the address is too long; ${expected}.`);
  }
  if (error.code === 'FST_ERR_BAD_URL') {
    return new TillstreamError('invalid_request', 'The address is not a valid URL: check the % in it.');
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
