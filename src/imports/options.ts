// What a request says of an import: JSON, or parameters.
import type { FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { messageOf, TillstreamError } from '../model/errors.ts';
import type { ImportOptions } from './import.ts';
import { Options } from './import-schema.ts';
import type { UploadQuery } from './imports-schema.ts';
import { readMap, withFields } from './map.ts';

/** @throws invalid_parameter */
export function optionsOf(value: unknown, request: FastifyRequest): ImportOptions {
  return withFields(checked<Static<typeof Options>>(value, Options, request));
}

export function optionsOfQuery({ name: _name, map, ...options }: Static<typeof UploadQuery>): ImportOptions {
  return map === undefined ? options : { ...options, map: readMap(map) };
}

/** @throws invalid_json */
export function readJson(text: string, hint: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TillstreamError('invalid_json', `What was sent is not JSON: ${messageOf(cause)}.`, { hint, cause });
  }
}

/** As Fastify checks a body. @throws the same error */
export function checked<T>(value: unknown, schema: TSchema, request: FastifyRequest): T {
  const validate = request.compileValidationSchema(schema, 'body');
  if (validate(value)) return value as T;
  throw Object.assign(new Error('It is not as it has to be.'), {
    validation: validate.errors ?? [],
    validationContext: 'options',
    statusCode: 400,
  });
}
