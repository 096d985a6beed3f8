// How a route says what it is: its words, what it takes and what it answers. docs/openapi.ts makes the document of it.
//
// `schema.params`, `querystring` and `body` also validate; `schema.response` describes alone, answers leave as they are.
import type { TSchema } from 'typebox';
import type { ErrorCode } from '../model/errors.ts';

/** In the order in which they are shown. */
export const tags = {
  Lines: 'Send invoice lines as they are sold. A 202 means that they are on disk.',
  Orders: 'Invoices, customers and purchase histories by key: within milliseconds of the sale.',
  Analytics: 'Sales, products and invoices of any period, and one SELECT on everything.',
  Platform: 'How it is, whether its stores agree, what happens now, and its backups.',
  Imports: 'Files of any size, round the stream into all stores.',
  Quarantine: 'What a store could not use: it waits, whole, with the reason.',
  Keys: "API keys, and tokens that open one customer's data alone.",
} as const;

export type Tag = keyof typeof tags;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Codes of its problem documents, beside those that any route can give. */
    problems?: readonly ErrorCode[];
    /** What the route reads by itself: described, and not validated before it. */
    reads?: { readonly headers: TSchema; readonly body: object };
    /** Its body may be of any size, and take any time, as long as it comes. */
    isLong?: boolean;
  }
}

export interface Example {
  readonly summary: string;
  readonly value: unknown;
}

/** The words of a route. */
export interface Words {
  /** Of clients that are generated: `getInvoice`. */
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: [Tag];
}

type Examples = Readonly<Record<string, Example>>;

/** An answer of a route, as `schema.response` has it under its status. */
export function json(description: string, schema: TSchema, examples: Examples) {
  return answer('application/json', description, schema, examples);
}

/** An answer of another media type than JSON. */
export function answer(type: string, description: string, schema: TSchema, examples: Examples) {
  return { description, content: { [type]: { schema, examples } } };
}

/** An answer that holds nothing. */
export function nothing(description: string) {
  return { description, type: 'null' };
}

/** What a route adds to its problem documents of a status. */
export function problem(schema: TSchema, examples?: Examples) {
  const media = examples === undefined ? { schema } : { schema, examples };
  return { description: '', content: { 'application/problem+json': media } };
}
