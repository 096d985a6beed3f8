// The routes of a server: for 405 and its Allow, since Fastify itself only looks up the method that was asked for; and to
// hold each against who may use it.
import type { FastifyInstance } from 'fastify';
import type { Access } from '../access/caller.ts';

export interface Route {
  readonly method: string;
  /** `/v1/invoices/:invoiceNo` */
  readonly url: string;
  /** undefined: it does not say, and is the admin's. */
  readonly access: Access | undefined;
  readonly page: boolean;
}

export interface RouteList {
  readonly routes: readonly Route[];
  /** The methods of a path, sorted; none for what is no route. */
  allowedMethods(path: string): string[];
}

/** Watches the routes that are added from now on. */
export function collectRoutes(server: FastifyInstance): RouteList {
  const routes: (Route & { readonly pattern: RegExp })[] = [];
  server.addHook('onRoute', (route) => {
    const { method, url } = route;
    const pattern = patternOf(url);
    for (const each of [method].flat()) {
      routes.push({
        method: each,
        url,
        pattern,
        // Looked at later: a plugin's own hooks, which come after this one, say it of its routes.
        get access() {
          return route.config?.access;
        },
        get page() {
          return route.config?.page === true;
        },
      });
    }
  });
  return {
    routes,
    allowedMethods(path) {
      const found = routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
      return [...new Set(found)].sort();
    },
  };
}

/** Of `/v1/invoices/:invoiceNo`, with or without a slash at its end; a part that is `*` stands for all that follows. */
function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => {
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/]+' : part.replace(/[^\w-]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('/')}/?$`);
}
