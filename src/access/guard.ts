// Lets a request through to its route, or not: who asks, and whether the route is theirs.
import type { FastifyRequest } from 'fastify';
import { TillstreamError } from '../model/errors.ts';
import { type Access, type Caller, isAllowed } from './caller.ts';

/** Asked before every request, also for what is no route. */
export interface Guard {
  /**
   * Whose request it is; null on an open route, where no key is looked at. At once for a key: that is on the way of every line.
   * @throws forbidden_origin, unauthorized, forbidden
   */
  admit(request: FastifyRequest, access: Access): Caller | null | Promise<Caller | null>;
}

/** What recognises keys and tokens. */
export interface Credentials {
  readonly keys: { callerOf(key: string): Caller };
  readonly tokens: { callerOf(token: string): Promise<Caller> };
}

/** Asks for a key or a token. */
export function keyGuard({ keys, tokens }: Credentials): Guard {
  return {
    admit(request, access) {
      refuseForeignOrigin(request);
      if (access === 'open') return null;
      const secret = secretOf(request);
      if (secret === null) {
        throw new TillstreamError('unauthorized', 'The request has no key.', {
          hint: 'Send one as "Authorization: Bearer <key>" or "X-Api-Key: <key>".',
        });
      }
      // A JWT has two dots; a key has none.
      if (secret.includes('.')) return tokens.callerOf(secret).then((caller) => allowed(caller, access, request));
      return allowed(keys.callerOf(secret), access, request);
    },
  };
}

/** Who asks where nobody needs a key: this machine. */
const ANYBODY: Caller = { kind: 'key', id: 'none', scopes: ['admin'] };

/**
 * Asks for no key, and so refuses what any web page could make a browser send here: a foreign Origin, and a Host that is not
 * this machine (a name that was pointed here, "DNS rebinding"); and what a proxy passes on, whatever Host it gives.
 */
export function loopbackGuard(): Guard {
  return {
    admit(request) {
      const { host } = request.headers;
      if (!isLoopbackHost(host)) {
        const message = `Host is "${host ?? ''}"; expected this machine: 127.0.0.1 or localhost.`;
        throw new TillstreamError('forbidden_origin', message, { field: 'Host', value: host ?? null });
      }
      refuseForwarded(request);
      refuseForeignOrigin(request);
      return ANYBODY;
    },
  };
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && LOOPBACK.test(host);
}

/** Who asks through a proxy need not be this machine. */
function refuseForwarded({ headers }: FastifyRequest): void {
  for (const name in headers) {
    if (name !== 'forwarded' && !name.startsWith('x-forwarded-')) continue;
    const message = `The request comes through a proxy (${name.slice(0, 80)}); without keys only this machine may ask.`;
    throw new TillstreamError('forbidden_origin', message, {
      field: name.slice(0, 80),
      hint: 'Start the platform without --no-auth, and with --behind-proxy.',
    });
  }
}

function allowed(caller: Caller, access: Access, { method, routeOptions }: FastifyRequest): Caller {
  if (isAllowed(caller, access)) return caller;
  const route = `${method} ${routeOptions.url ?? ''}`;
  if (caller.kind === 'customer') {
    throw new TillstreamError('forbidden', `The token of a customer does not open ${route}.`, {
      hint: "It opens that customer's profile, purchase history and invoices.",
    });
  }
  const needed = access === 'customer' ? 'read' : access;
  throw new TillstreamError(
    'forbidden',
    `${route} needs the scope ${needed}; this key has ${caller.scopes.join(', ')}.`,
  );
}

/** A page of our own address may ask; a shop's page asks by way of the shop, which has the key. */
function refuseForeignOrigin({ headers, protocol, host }: FastifyRequest): void {
  const { origin } = headers;
  if (origin === undefined || origin === `${protocol}://${host}`) return;
  throw new TillstreamError('forbidden_origin', `Origin is "${origin}"; expected none, or ${protocol}://${host}.`, {
    field: 'Origin',
    value: origin,
  });
}

/** How a client of the route is asked for a key: WWW-Authenticate. At a page, a browser then asks its person. */
export function challengeOf(request: FastifyRequest): string {
  return isPage(request) ? 'Basic realm="Tillstream"' : 'Bearer';
}

/** What gets to no route has none. */
function isPage({ routeOptions }: FastifyRequest): boolean {
  return routeOptions?.config?.page === true;
}

/**
 * The key or token as it was sent; null when there is none. A browser sends what its person once typed at a page (Basic) along
 * with every later request, also with those that a foreign page makes it send: elsewhere that opens nothing.
 * @throws unauthorized  it is in a form that has none
 */
function secretOf(request: FastifyRequest): string | null {
  const { authorization = '', 'x-api-key': key } = request.headers;
  const [, bearer] = /^Bearer +([^\s]+) *$/i.exec(authorization) ?? [];
  if (bearer !== undefined) return bearer;
  const [, basic] = /^Basic +([^\s]+) *$/i.exec(authorization) ?? [];
  if (basic !== undefined && isPage(request)) return passwordOf(basic);
  // Swagger UI's own requests may have both: what the browser remembers, and the key that was given to it.
  if (typeof key === 'string' && key !== '' && (authorization === '' || basic !== undefined)) return key;
  if (authorization === '') return null;
  throw new TillstreamError('unauthorized', 'The Authorization header cannot be read; expected "Bearer <key>".');
}

/** RFC 7617; what the user is called is of no interest. */
function passwordOf(basic: string): string {
  const text = Buffer.from(basic, 'base64').toString('utf8');
  return text.slice(text.indexOf(':') + 1);
}
