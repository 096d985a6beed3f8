// Which methods an address takes, for 405 and its Allow: Fastify itself only looks up the method that was asked for.
import type { FastifyInstance } from 'fastify';

/** Watches the routes that are added from now on. Answers the methods of a path, sorted; none for what is no route. */
export function collectRoutes(server: FastifyInstance): (path: string) => string[] {
  const routes: { readonly method: string; readonly pattern: RegExp }[] = [];
  server.addHook('onRoute', ({ method, url }) => {
    const pattern = patternOf(url);
    for (const each of [method].flat()) routes.push({ method: each, pattern });
  });
  return (path) => {
    const found = routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
    return [...new Set(found)].sort();
  };
}

/** Of `/v1/invoices/:invoiceNo`, with or without a slash at its end. */
function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[^\w-]/g, '\\$&')));
  return new RegExp(`^${parts.join('/')}/?$`);
}
