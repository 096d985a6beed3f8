// The pages on the API: its document, Swagger UI to try it, and what the errors mean.
//
// They hold no data, but neither is anything but health shown without a key; a browser asks its person for one. All of it is
// served from here: nothing comes from another host, and the browser is told to fetch nothing from there.
import { readFileSync } from 'node:fs';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { errorsPage } from './errors-page.ts';

const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/** Swagger UI has dark colours, but leaves it to its own top bar, which is not shown here, to choose them. */
const COLOURS = `
const dark = window.matchMedia('(prefers-color-scheme: dark)');
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
follow();
dark.addEventListener('change', follow);
`;

/** A receipt; without one of our own, Swagger's stands on the tab. */
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#2da44e" d="M3 0h10v16l-2-2-1.5 2-1.5-2-1.5 2L5 14l-2 2z"/>' +
  '<path stroke="#fff" stroke-width="1.4" d="M5 4h6M5 7h6M5 10h4"/></svg>';

export async function docsPages(server: FastifyInstance): Promise<void> {
  await server.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'key', page: true };
    });
    scope.addHook('onSend', async (_request, reply) => {
      reply.header('content-security-policy', POLICY).header('x-content-type-options', 'nosniff');
    });
    // Made before the first line comes in: it takes the time of some hundred of them.
    let document = '';
    scope.addHook('onReady', async () => {
      document = JSON.stringify(server.swagger());
    });
    scope.get('/openapi.json', (_request, reply) => reply.type('application/json; charset=utf-8').send(document));
    let errors: Promise<string> | null = null;
    scope.get('/docs/errors', async (_request, reply) => {
      errors ??= errorsPage();
      return reply.type('text/html; charset=utf-8').send(await errors);
    });
    await scope.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: {
        layout: 'BaseLayout',
        docExpansion: 'list',
        defaultModelsExpandDepth: 0,
        displayRequestDuration: true,
        persistAuthorization: false,
        tryItOutEnabled: false,
      },
      theme: {
        title: 'Tillstream API',
        css: [{ filename: 'tillstream.css', content: readFileSync(new URL('swagger.css', import.meta.url), 'utf8') }],
        favicon: [{ filename: 'till.svg', rel: 'icon', type: 'image/svg+xml', sizes: 'any', content: ICON }],
        js: [{ filename: 'colours.js', content: COLOURS }],
      },
    });
  });
}
