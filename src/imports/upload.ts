// The files of an upload, from the request to the intake: as they come, never in memory, of any size.
import { pipeline, type Readable, Transform } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { isTillstreamError, TillstreamError } from '../model/errors.ts';
import type { ImportOptions, ImportReport } from './import.ts';
import type { Imports, Intake } from './imports.ts';
import { optionsOf, readJson } from './options.ts';

/** As many as one would name in a command. */
const FILES_MAX = 10_000;
/** Of `options`: names of columns, and some words. */
const OPTIONS_BYTES_MAX = 64 * 1024;
const PART_HEADERS_MAX = 20;

/** Looked at while bytes come. */
export interface Gate {
  /** Why no more can be taken; null while it can. */
  closedBecause(): TillstreamError | null;
}

/** Whatever happens, what has come in is either an import or gone. @throws what Intake does, what the gate says, invalid_request */
async function takeIn(
  imports: Imports,
  options: ImportOptions,
  request: FastifyRequest,
  fill: (intake: Intake) => Promise<void>,
): Promise<ImportReport> {
  const intake = await imports.begin(options);
  try {
    await fill(intake);
    return await intake.finish();
  } catch (error) {
    await intake.abandon();
    throw ownError(error, request);
  }
}

export function takeBody(
  imports: Imports,
  name: string,
  options: ImportOptions,
  request: FastifyRequest,
  gate: Gate,
): Promise<ImportReport> {
  return takeIn(imports, options, request, (intake) => intake.add(name, gated(request.raw, gate)));
}

/** @throws empty_request, invalid_parameter, invalid_json */
export async function takeParts(imports: Imports, request: FastifyRequest, gate: Gate): Promise<ImportReport> {
  const limits = {
    fileSize: Number.POSITIVE_INFINITY,
    files: FILES_MAX,
    fieldSize: OPTIONS_BYTES_MAX,
    fields: 1,
    parts: FILES_MAX + 1,
    headerPairs: PART_HEADERS_MAX,
  };
  const parts = request.parts({ limits })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await parts.next().catch((error: unknown) => {
      throw ownError(error, request);
    });
    return done === true ? null : value;
  };
  let part = await next();
  let options: ImportOptions = {};
  if (part?.type === 'field') {
    if (part.fieldname !== 'options' || part.valueTruncated) throw unknownPart(part.fieldname);
    const { value } = part;
    options = optionsOf(typeof value === 'string' ? readJson(value, OPTIONS_HINT) : value, request);
    part = await next();
  }
  if (part === null) {
    throw new TillstreamError('empty_request', 'The request has no file.', {
      hint: 'Send each file as a part named "file", with its name: curl -F file=@may.csv.',
    });
  }
  let file: typeof part | null = part;
  return takeIn(imports, options, request, async (intake) => {
    for (; file !== null; file = await next()) {
      if (file.type !== 'file' || file.fieldname !== 'file') throw unknownPart(file.fieldname);
      await intake.add(file.filename || 'upload', gated(file.file, gate));
    }
  });
}

const OPTIONS_HINT = 'Expected options such as {"dateOrder": "day-first"}.';

function unknownPart(name: string): TillstreamError {
  const message = `The form has a part "${name.slice(0, 80)}" here; expected one "options" with JSON first, then files, each named "file".`;
  return new TillstreamError('invalid_parameter', message, { field: name.slice(0, 80) });
}

/** Ends with an error where no more can be taken, or the sender goes away. */
function gated(source: Readable, gate: Gate): Readable {
  const passing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const closed = gate.closedBecause();
      if (closed === null) done(null, chunk);
      else done(closed);
    },
  });
  // What goes wrong ends the stream that is read, and is told there.
  pipeline(source, passing, () => {});
  return passing;
}

function ownError(error: unknown, { raw }: FastifyRequest): unknown {
  if (isTillstreamError(error)) return error;
  if (!raw.complete && (raw.destroyed || raw.errored !== null)) {
    return new TillstreamError('invalid_request', 'The connection was closed within the body.', { cause: error });
  }
  const { code = '', message = '' } = error as Partial<NodeJS.ErrnoException>;
  // Of the form and its limits.
  if (code.startsWith('FST_') || /multipart|boundary|part terminated/i.test(message)) {
    return new TillstreamError('invalid_request', `The form cannot be read: ${message.replace(/\.$/, '')}.`, {
      cause: error,
    });
  }
  return error;
}
