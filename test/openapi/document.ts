// The OpenAPI document as the tests read it: its operations, the requests that its examples are, and what it says of an answer.
import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

type Json = Readonly<Record<string, unknown>>;

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly example?: string;
  readonly schema: { readonly minimum?: number; readonly maximum?: number; readonly default?: unknown };
}

export interface Media {
  readonly schema: AnySchema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly summary: string; readonly value: unknown }>>;
}

export interface Operation {
  readonly method: string;
  /** `/v1/invoices/{invoiceNo}` */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly security: readonly Json[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>;
}

export interface OpenApi {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Omit<Operation, 'method' | 'path'>>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, AnySchema>> };
}

/** In the order in which the page shows them. */
export function operationsOf(document: OpenApi): Operation[] {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, ...operation })),
  );
  const place = ({ tags }: Operation): number => document.tags.findIndex(({ name }) => name === tags[0]);
  return operations.sort((a, b) => place(a) - place(b));
}

/** A request that the document has as an example. */
export interface ExampleRequest {
  readonly operation: Operation;
  readonly name: string;
  /** With its query. */
  readonly url: string;
  readonly contentType: string | null;
  readonly body: unknown;
  /** The status that it is documented to have. */
  readonly status: string;
}

/** Every one: with what is required alone, and with all that has an example; and every body. */
export function exampleRequests(operation: Operation): ExampleRequest[] {
  const { parameters = [], requestBody, responses } = operation;
  const success = Object.keys(responses).find((status) => status.startsWith('2')) ?? '';
  const exampleOf = ({ name, example }: Parameter): string => {
    if (example === undefined) throw new Error(`${operation.operationId}: ${name} has no example`);
    return encodeURIComponent(example);
  };
  const path = parameters
    .filter((parameter) => parameter.in === 'path')
    .reduce((url, parameter) => url.replace(`{${parameter.name}}`, exampleOf(parameter)), operation.path);
  const inQuery = parameters.filter((parameter) => parameter.in === 'query');
  const urlOf = (given: readonly Parameter[]): string => {
    const query = given.map((parameter) => `${parameter.name}=${exampleOf(parameter)}`).join('&');
    return query === '' ? path : `${path}?${query}`;
  };
  const required = urlOf(inQuery.filter((parameter) => parameter.required));
  const all = urlOf(inQuery.filter((parameter) => parameter.required || parameter.example !== undefined));
  if (requestBody === undefined) {
    const request = { operation, contentType: null, body: undefined, status: success };
    return [...new Set([required, all])].map((url) => ({ ...request, url, name: url }));
  }
  return Object.entries(requestBody.content).flatMap(([contentType, { example, examples = {} }]) => {
    const named = Object.entries(examples).map(([name, { value }]) => ({ name, body: value }));
    const bodies = example === undefined ? named : [{ name: 'example', body: example }, ...named];
    return bodies.map(({ name, body }) => {
      const answered = Object.keys(responses).find((status) => exampleAnswer(operation, status, name) !== undefined);
      return { operation, name, url: required, contentType, body, status: answered ?? success };
    });
  });
}

/** The answer that is published under a name; undefined where there is none. */
export function exampleAnswer({ responses }: Operation, status: string, name: string): unknown {
  return Object.values(responses[status]?.content ?? {}).find(({ examples }) => examples?.[name] !== undefined)
    ?.examples?.[name]?.value;
}

/** Says what is wrong with a value; null: it is as documented. */
export type Check = (pointer: readonly string[], value: unknown) => string | null;

/** Of values by the schemas of the document, found by their place in it. Members that are not documented are wrong. */
export function checkerOf(document: OpenApi): Check {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(closed(document) as AnySchema, 'document');
  return (pointer, value) => {
    const path = pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
    const validate = ajv.getSchema(`document#/${path}`) ?? ajv.compile({ $ref: `document#/${path}` });
    return validate(value) ? null : ajv.errorsText(validate.errors);
  };
}

/** No object has members that it does not name. What is put together by allOf is closed as a whole, its parts stay open. */
function closed(document: OpenApi): unknown {
  const { schemas } = document.components;
  const parts = new Set<unknown>();
  walk(document, ({ allOf }) => {
    if (Array.isArray(allOf)) for (const part of allOf) parts.add(part.$ref);
  });
  const components = Object.entries(schemas).map(([name, schema]) => [
    name,
    close(schema, parts.has(`#/components/schemas/${name}`)),
  ]);
  return { ...(close(document, false) as object), components: { schemas: Object.fromEntries(components) } };
}

function close(value: unknown, isPart: boolean): unknown {
  if (Array.isArray(value)) return value.map((each) => close(each, isPart));
  if (typeof value !== 'object' || value === null) return value;
  const copy: Json = Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, close(member, name === 'allOf')]),
  );
  if (isPart) return copy;
  if (copy.allOf !== undefined) return { ...copy, unevaluatedProperties: false };
  return copy.type === 'object' && copy.properties !== undefined ? { additionalProperties: false, ...copy } : copy;
}

function walk(value: unknown, visit: (object: Json) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) visit(value as Json);
  for (const member of Object.values(value)) walk(member, visit);
}
