// The HTTP server: routes are in ingest/, imports/ and query/; here is what holds for all of them.
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type preHandlerHookHandler,
} from 'fastify';
import type { Caller } from '../access/caller.ts';
import { challengeOf, type Guard, loopbackGuard } from '../access/guard.ts';
import { NO_ID, requestIdOf } from '../access/request-id.ts';
import { formOf, parseJson } from '../ingest/body.ts';
import { isTillstreamError, messageOf, TillstreamError } from '../model/errors.ts';
import { problemOf, retryAfterOf } from '../model/problem.ts';
import type { RequestMeter } from '../observe/request-meter.ts';
import { LongBodies } from './long-bodies.ts';
import { collectRoutes, type Route } from './route-list.ts';

/** A request has to be there within this time, its head within the second; a connection between requests may rest this long. */
const REQUEST_TIMEOUT_MS = 60_000;
const HEADERS_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** How often connections are held against these times. */
const CONNECTIONS_CHECK_MS = 2000;
/** Some 15 kB each, of sockets, parsers and what they read. More are refused: a proxy gathers many into few. */
const CONNECTIONS_MAX = 10_000;
const PARAMETER_CHARACTERS_MAX = 512;
/** A restart takes about as long. */
const SHUTTING_DOWN_RETRY_SECONDS = 5;

export interface ServerOptions {
  /** Called for answers of 500 and more that have a reason beside what the client is told. */
  readonly onError: (error: unknown, request: RequestFacts) => void;
  /** Called for every answer; left out, nothing of it costs anything. */
  readonly onAnswer?: (answer: RequestFacts & { readonly status: number; readonly ms: number }) => void;
  /** Left out: nobody counts. */
  readonly meter?: Pick<RequestMeter, 'begin' | 'refused'>;
  /** Left out: no key is asked for. */
  readonly guard?: Guard;
  /** PEM; left out: HTTP. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  /** Addresses of proxies whose X-Forwarded headers are believed. */
  readonly trustedProxies?: readonly string[];
}

/** What may be logged of a request. */
export interface RequestFacts {
  readonly requestId: string;
  readonly method: string;
  /** The pattern, not the address: that may name a customer. */
  readonly route: string;
  /** `key <id>`, `customer` or null: who a customer is, is not for the log. */
  readonly caller: string | null;
}

export type Server = FastifyInstance & { readonly routeList: readonly Route[] };

export function createServer(options: ServerOptions): Server {
  const { onError, onAnswer, meter, guard = loopbackGuard(), tls, trustedProxies } = options;
  const refuse = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const ours = ownError(error, request);
    const problem = problemOf(ours);
    meter?.refused(problem.code);
    const unexplained = problem.code === 'internal' || (ours instanceof Error && ours.cause !== undefined);
    if (problem.status >= 500 && unexplained) onError(ours, factsOf(request));
    reply.header('x-request-id', requestIdOf(request)).header('cache-control', 'no-store');
    const retryAfter = retryAfterOf(ours);
    if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
    // What is still to come of the body is read and dropped, for as long as a request may take. Closing at once, as Fastify
    // would, resets a connection that is being written to: the sender, or a proxy, would never see this answer.
    if (problem.status === 413) reply.removeHeader('connection');
    if (problem.status === 401) reply.header('www-authenticate', challengeOf(request));
    return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  };
  const longBodies = new LongBodies(REQUEST_TIMEOUT_MS);
  const slowClients = { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: CONNECTIONS_CHECK_MS };
  const server = fastify({
    logger: false,
    genReqId: () => NO_ID,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    routerOptions: { maxParamLength: PARAMETER_CHARACTERS_MAX, ignoreTrailingSlash: true },
    // Answers under way are finished, resting connections are not waited for.
    forceCloseConnections: 'idle',
    // What comes on them meanwhile is refused below, in our form.
    return503OnClosing: false,
    clientErrorHandler: longBodies.onClientError,
    // What does not even get to a route; the hooks below do not see it. Of what it asks for wrongly, nobody without a key is told.
    frameworkErrors: (error, request, reply) => {
      meter?.begin(request.method, undefined, reply.raw);
      admitted(request).then(
        () => refuse(error, request, reply),
        (refusal: unknown) => refuse(refusal, request, reply),
      );
    },
    ajv: { customOptions: { coerceTypes: 'array', removeAdditional: false, allErrors: false } },
    ...(trustedProxies === undefined ? {} : { trustProxy: [...trustedProxies] }),
    ...(tls === undefined ? { http: slowClients } : { https: { ...tls, ...slowClients } }),
  });
  server.server.maxConnections = CONNECTIONS_MAX;
  const admitted = async (request: FastifyRequest): Promise<Caller | null> => guard.admit(request, 'any');
  let closing = false;
  server.addHook('preClose', async () => {
    closing = true;
  });
  // Response schemas describe; they neither choose nor change what is answered.
  server.setSerializerCompiler(() => JSON.stringify);
  server.decorateRequest('caller', null);
  server.addHook('onRequest', (request, reply, done) => {
    try {
      const { url, config } = request.routeOptions;
      meter?.begin(request.method, url, reply.raw);
      if (closing) throw shuttingDown();
      const caller = guard.admit(request, request.is404 ? 'any' : (config.access ?? 'admin'));
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
  if (onAnswer !== undefined) {
    server.addHook('onResponse', async (request, reply) => {
      onAnswer({ ...factsOf(request), status: reply.statusCode, ms: Math.round(reply.elapsedTime * 100) / 100 });
    });
  }
  const list = collectRoutes(server);
  server.addHook('onRoute', (route) => {
    const { querystring = isApi(route.url) ? takesNothing() : undefined, body } = route.schema ?? {};
    const before: preHandlerHookHandler[] = [];
    // Lines come in by the thousand a second, and no cache keeps what a POST without a say in it answers.
    if (isApi(route.url) && route.config?.access !== 'ingest') before.push(neverKept);
    if (route.schema?.querystring !== undefined || body !== undefined) before.push(refuseInfinity);
    // A parameter that is misspelt would be ignored, and the answer be one to another question.
    for (const schema of [querystring, body])
      if (typeof schema === 'object' && schema !== null) Object.assign(schema, { additionalProperties: false });
    if (querystring !== undefined) route.schema = { ...route.schema, querystring };
    if (route.config?.isLong === true) before.push(longBodies.begin);
    if (before.length > 0) route.preHandler = [...before, ...[route.preHandler ?? []].flat()];
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, ({ headers }, body, done) => {
    try {
      if (formOf(headers['content-type']) !== 'json')
        throw new TillstreamError('unsupported_media_type', JSON_EXPECTED);
      done(null, body.length === 0 ? undefined : parseJson(body, JSON_EXPECTED));
    } catch (error) {
      done(error as Error);
    }
  });
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

/** Not pages and health: there, browsers and load balancers add what they like. */
function isApi(url: string): boolean {
  return url.startsWith('/v1/') || url === '/metrics';
}

/** A query without parameters. */
function takesNothing(): object {
  return { type: 'object', properties: {} };
}

/** It is of somebody, and true now. */
const neverKept: preHandlerHookHandler = (_request, reply, done) => {
  reply.header('cache-control', 'no-store');
  done();
};

/** "1e309" is read as a number, and is none: Ajv lets it through, whatever the largest may be. @throws invalid_parameter */
const refuseInfinity: preHandlerHookHandler = ({ query, body }, _reply, done) => {
  for (const [field, value] of [query, body].flatMap((part) => Object.entries(part ?? {}))) {
    if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
      const message = `${field}: the number is too large.`;
      return done(new TillstreamError('invalid_parameter', message, { field, value: String(value) }));
    }
  }
  done();
};

const JSON_EXPECTED = 'Expected a JSON body with Content-Type application/json.';
function factsOf(request: FastifyRequest): RequestFacts {
  const { method, caller } = request;
  const who = caller === null ? null : caller.kind === 'key' ? `key ${caller.id}` : caller.kind;
  return { requestId: requestIdOf(request), method, route: request.routeOptions?.url ?? '', caller: who };
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
    const named = invalid.params?.missingProperty ?? invalid.params?.additionalProperty;
    const field = typeof named === 'string' ? named : invalid.instancePath.slice(1).split('/')[0] || null;
    return new TillstreamError('invalid_parameter', `${field ?? error.validationContext}: ${explain(invalid)}.`, {
      field,
      value: shownValue(request, field),
    });
  }
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new TillstreamError('body_too_large', 'The body is larger than this route takes.');
  }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new TillstreamError('unsupported_media_type', JSON_EXPECTED);
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
  if (params?.additionalProperty !== undefined) return 'there is no such parameter here; check how it is spelt';
  const allowed = params?.allowedValues;
  return Array.isArray(allowed) ? `expected one of ${allowed.join(', ')}` : (message ?? 'not allowed');
}

function shownValue({ query, params }: FastifyRequest, field: string | null): string | null {
  if (field === null) return null;
  const all = { ...(query as Record<string, unknown>), ...(params as Record<string, unknown>) };
  return all[field] === undefined ? null : String(all[field]).slice(0, 200);
}
