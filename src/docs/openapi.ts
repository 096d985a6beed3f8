// The OpenAPI 3.1 document, made of what every route says of itself (docs/operation.ts) when it is first asked for.
//
// One for all platforms of a version: also where no key is asked for, it says what a key opens.
import swagger, { type SwaggerTransform, type SwaggerTransformObject } from '@fastify/swagger';
import type { FastifyInstance, RouteOptions } from 'fastify';
import type { Access } from '../access/caller.ts';
import { exampleLine } from '../ingest/transactions-examples.ts';
import { tags } from './operation.ts';
import { refusals } from './problems.ts';
import { asSent, type Json, published } from './published.ts';

const description = `Every line of every invoice is kept, once; shown to its customer within milliseconds, and open to the analyst within a second.

## Start here

\`tillstream up\` makes a key at its first start, and keeps it in the data directory. Send a line, and look at its invoice:

\`\`\`sh
KEY=$(cat tillstream-data/admin-key)
curl -H "X-Api-Key: $KEY" http://127.0.0.1:8080/v1/transactions -d '${JSON.stringify(exampleLine, null, 2)}'
curl -H "X-Api-Key: $KEY" http://127.0.0.1:8080/v1/invoices/${exampleLine.InvoiceNo}
\`\`\`

On this page **Authorize** takes the same key, and **Try it out** sends the examples: they write invoice ${exampleLine.InvoiceNo}, and look it up.
A platform that was started with \`--no-auth\` asks for no key.

Errors are problem documents (RFC 9457) with a \`code\`: [all of them, with the way out](/docs/errors). For programs: [openapi.json](/openapi.json).`;

const securitySchemes = {
  key: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'tsk_…',
    description:
      'An API key, as `Authorization: Bearer <key>`. What it opens is its scopes: ingest, read; admin opens everything.',
  },
  keyHeader: { type: 'apiKey', in: 'header', name: 'X-Api-Key', description: 'The same key, as `X-Api-Key: <key>`.' },
  customerToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: "The token of a customer, as `Authorization: Bearer <token>`. It opens that customer's data alone.",
  },
} as const;

/** Before the routes: it has to see them come. */
export async function describeApi(server: FastifyInstance, version: string): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: {
        title: 'Tillstream',
        summary: 'The sales-data platform of an online shop.',
        description,
        version,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: Object.entries(tags).map(([name, words]) => ({ name, description: words })),
      components: { securitySchemes },
    },
    convertConstToEnum: false,
    transform,
    transformObject,
  });
}

/** Pages are for people, not for programs: they are not in it. */
const transform: SwaggerTransform = (described) => {
  const { schema = {}, url, route } = described;
  const { config = {} } = route;
  if (config.page === true) return { schema: { hide: true }, url };
  const document = 'openapiObject' in described ? described.openapiObject : {};
  const components = (document.components?.schemas ?? {}) as Json;
  const whole = {
    ...schema,
    querystring: asSent(schema.querystring),
    body: config.reads?.body ?? asSent(schema.body),
    headers: config.reads?.headers,
    response: withRefusals(schema.response as Responses, route),
    security: securityOf(config.access),
  };
  return { schema: published(whole, components) as object, url };
};

type Media = { readonly schema: object; readonly examples?: object };
type Responses = Readonly<Record<string, { readonly description: string; readonly content?: Record<string, Media> }>>;

/** A route's own answers, and the refusals that it can give. */
function withRefusals(own: Responses = {}, route: RouteOptions): Responses {
  const responses: Record<string, Responses[string]> = { ...own };
  for (const [status, refusal] of Object.entries(refusals(route))) {
    const { description: words = '', content = {} } = own[status] ?? {};
    const merged = Object.entries(refusal.content).map(([type, media]) => {
      const more = content[type];
      if (more === undefined) return [type, media];
      const schema = { allOf: [media.schema, more.schema] };
      return [type, more.examples === undefined ? { ...media, schema } : { ...more, schema }];
    });
    responses[status] = {
      ...refusal,
      description: [words, refusal.description].filter((text) => text !== '').join('  \n'),
      content: { ...content, ...Object.fromEntries(merged) },
    };
  }
  return responses;
}

function securityOf(access: Access = 'admin'): Record<string, string[]>[] {
  const key = (scopes: string[]) => [{ key: scopes }, { keyHeader: scopes }];
  switch (access) {
    case 'open':
      return [];
    case 'key':
      return key([]);
    case 'any':
      return [...key([]), { customerToken: [] }];
    case 'customer':
      return [...key(['read']), { customerToken: [] }];
    default:
      return key([access]);
  }
}

/** @fastify/swagger says of every body that it has to be there. */
const transformObject: SwaggerTransformObject = (described) => {
  const document = 'openapiObject' in described ? described.openapiObject : {};
  for (const path of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(path ?? {})) {
      const body = (operation as { requestBody?: Json }).requestBody as
        | { required: boolean; content: Record<string, { schema: Json }> }
        | undefined;
      const schema = body?.content['application/json']?.schema;
      if (body !== undefined && schema?.type === 'object') body.required = schema.required !== undefined;
    }
  }
  return document;
};
