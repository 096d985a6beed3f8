// From the bytes of a request to parsed values: decoding, the three forms, one value a line.
import { isAscii, isUtf8 } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { messageOf, TillstreamError } from '../model/errors.ts';
import { Unparsed } from './ingest.ts';

export const bodyLimits = {
  /** Unpacked. A client splits what is larger; a file goes by import. */
  bodyBytesMax: 16 * 1024 * 1024,
  arrayLinesMax: 5_000,
  ndjsonLinesMax: 100_000,
} as const;

const NDJSON_TYPES = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonlines',
]);
/** curl sends the second by default, and some clients none at all or the third. */
const JSON_TYPES = new Set(['application/json', 'application/x-www-form-urlencoded', 'text/plain', '']);

/** @throws unsupported_media_type */
export function formOf(contentType: string | undefined): 'json' | 'ndjson' {
  if (contentType === 'application/json') return 'json'; // most requests
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (JSON_TYPES.has(type)) return 'json';
  if (NDJSON_TYPES.has(type)) return 'ndjson';
  throw new TillstreamError(
    'unsupported_media_type',
    `Content-Type is "${type}"; expected application/json or application/x-ndjson.`,
    {
      field: 'Content-Type',
      value: type,
    },
  );
}

const unzip = promisify(gunzip);

/** @throws invalid_encoding, body_too_large */
export async function decoded(body: Buffer, contentEncoding: string): Promise<Buffer> {
  const encoding = contentEncoding.trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return body;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    throw new TillstreamError('invalid_encoding', `Content-Encoding is "${encoding}"; expected gzip or none.`, {
      field: 'Content-Encoding',
      value: encoding,
    });
  }
  try {
    return await unzip(body, { maxOutputLength: bodyLimits.bodyBytesMax });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') throw bodyTooLarge();
    throw new TillstreamError('invalid_encoding', `The body is not gzip: ${messageOf(cause)}.`, { cause });
  }
}

export function bodyTooLarge(): TillstreamError {
  return new TillstreamError(
    'body_too_large',
    `The body is larger than ${bodyLimits.bodyBytesMax / 2 ** 20} MiB unpacked.`,
    {
      hint: 'Send it in several requests; from a CSV, tillstream replay does.',
    },
  );
}

/** The value of a JSON body. @throws invalid_json, invalid_encoding, empty_request */
export function parseJson(body: Buffer, hint = FORMS): unknown {
  if (body.length === 0) throw new TillstreamError('empty_request', 'The body is empty.', { hint });
  if (!isUtf8(body)) throw new TillstreamError('invalid_encoding', 'The body is not UTF-8.');
  try {
    return JSON.parse(withoutBom(body.toString('utf8')));
  } catch (cause) {
    throw new TillstreamError('invalid_json', `The body is not JSON: ${messageOf(cause)}.`, { hint, cause });
  }
}

const FORMS = 'Send one line as a JSON object, several as an array, or one object a line as application/x-ndjson.';

/** @throws too_many_lines, empty_request */
export function checkCount(lines: number, linesMax: number): void {
  if (lines === 0) throw new TillstreamError('empty_request', 'The body holds no line.', { hint: FORMS });
  if (lines <= linesMax) return;
  throw new TillstreamError(
    'too_many_lines',
    `The request holds more than ${linesMax.toLocaleString('en-US')} lines, the most in this form.`,
    { hint: 'Send them in several requests; from a CSV, tillstream replay does.' },
  );
}

const NEWLINE = 0x0a;

/**
 * Lines of an NDJSON body, blank ones included, a last one without newline too. Ends beyond `most`: 16 MiB of line breaks
 * would hold up the thread for a second.
 */
export function countLines(body: Buffer, most: number): number {
  let count = 0;
  for (let start = 0; start < body.length && count <= most; count += 1) {
    const newline = body.indexOf(NEWLINE, start);
    start = newline === -1 ? body.length : newline + 1;
  }
  return count;
}

/** The values of an NDJSON body, one a line: undefined for a blank line, Unparsed for what is not JSON. */
export function* parseNdjson(body: Buffer): Generator<unknown> {
  if (!isUtf8(body)) {
    yield* parseLinesOneByOne(body);
    return;
  }
  const text = withoutBom(body.toString(isAscii(body) ? 'latin1' : 'utf8')); // the same text, sooner
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    yield parseLine(text.slice(start, end));
    start = end + 1;
  }
}

/** Of a body that is not UTF-8, the lines that are. */
function* parseLinesOneByOne(body: Buffer): Generator<unknown> {
  for (let start = 0; start < body.length; ) {
    const newline = body.indexOf(NEWLINE, start);
    const end = newline === -1 ? body.length : newline;
    const line = body.subarray(start, end);
    const text = line.toString();
    yield parseLine(start === 0 ? withoutBom(text) : text, isUtf8(line));
    start = end + 1;
  }
}

function parseLine(text: string, utf8 = true): unknown {
  try {
    if (!utf8) throw new Error('it is not UTF-8');
    return JSON.parse(text);
  } catch (error) {
    if (text.trim() === '') return undefined;
    const value = text.length > 200 ? `${text.slice(0, 200)}…` : text;
    return new Unparsed({
      code: 'invalid_json',
      field: null,
      value,
      message: `The line is not JSON: ${messageOf(error)}.`,
    });
  }
}

function withoutBom(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}
