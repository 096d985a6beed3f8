// The catalogue of everything that can be refused or go wrong, and what it means to an HTTP client and to a shell.
//
// A message gives the value, the place, what is allowed and what to do; causes and stacks go to the log, never to a user.
// docs/ERRORS.md lists the same codes; a test holds the two together.

interface CatalogueEntry {
  /** HTTP status of a problem document with this code. */
  readonly status: number;
  /** Exit code of a command that ends with it: 1 failed, 2 wrong usage. */
  readonly exit: 1 | 2;
  /** RFC 9457 `title`: the same for every occurrence. */
  readonly title: string;
}

const refusal = (title: string): CatalogueEntry => ({ status: 422, exit: 1, title });
const unavailable = (title: string): CatalogueEntry => ({ status: 503, exit: 1, title });
const usage = (title: string): CatalogueEntry => ({ status: 400, exit: 2, title });

export const catalogue = {
  // A line that cannot be accepted.
  not_an_object: refusal('The line is not a JSON object'),
  missing_field: refusal('A required field is missing'),
  duplicate_field: refusal('A field is given twice under different names'),
  invalid_invoice_no: refusal('The invoice number cannot be used'),
  invalid_line_id: refusal('The line number cannot be used'),
  invalid_stock_code: refusal('The stock code cannot be used'),
  invalid_description: refusal('The description cannot be used'),
  invalid_quantity: refusal('The quantity cannot be used'),
  invalid_date: refusal('The invoice date cannot be used'),
  invalid_price: refusal('The unit price cannot be used'),
  invalid_customer_id: refusal('The customer number cannot be used'),
  invalid_country: refusal('The country cannot be used'),
  amount_too_large: refusal('The amount of the line is too large'),
  extra_too_large: refusal('The additional fields are too large'),
  invalid_extra: refusal('The additional fields cannot be used'),
  invoice_too_large: refusal('The invoice has too many lines'),
  surplus_fields: refusal('The row has more fields than the header'),
  open_quote: refusal('A quoted field is never closed'),
  invalid_text: refusal('The row is not text'),

  // A request that cannot be served as it is.
  invalid_json: { status: 400, exit: 1, title: 'The body is not JSON' },
  empty_request: { status: 400, exit: 1, title: 'The body holds no line' },
  invalid_encoding: { status: 400, exit: 1, title: 'The body cannot be decoded' },
  body_too_large: { status: 413, exit: 1, title: 'The body is too large' },
  too_many_lines: { status: 413, exit: 1, title: 'The request holds too many lines' },
  unsupported_media_type: { status: 415, exit: 1, title: 'The content type is not supported' },
  invalid_idempotency_key: { status: 400, exit: 1, title: 'The Idempotency-Key cannot be used' },
  invalid_parameter: { status: 400, exit: 2, title: 'A parameter cannot be used' },
  invalid_request: { status: 400, exit: 1, title: 'The request cannot be read' },
  invalid_sql: { status: 400, exit: 1, title: 'The query cannot be run' },
  query_too_long: { status: 422, exit: 1, title: 'The query took too long' },
  unauthorized: { status: 401, exit: 1, title: 'A valid key is needed' },
  forbidden: { status: 403, exit: 1, title: 'The key does not open this' },
  forbidden_origin: { status: 403, exit: 1, title: 'The request comes from a foreign page' },
  not_found: { status: 404, exit: 1, title: 'Not found' },
  method_not_allowed: { status: 405, exit: 1, title: 'The method is not allowed here' },
  conflict: { status: 409, exit: 1, title: 'Not possible in the present state' },
  rate_limited: { status: 429, exit: 1, title: 'Too many requests for this key' },
  internal: { status: 500, exit: 1, title: 'Internal error' },

  // Not now: the same request will do later.
  try_again: unavailable('Not stored yet; send it again'),
  overloaded: unavailable('Too many requests at once'),
  stream_full: unavailable('The stream is full until its consumers catch up'),
  disk_low: unavailable('The disk is nearly full'),
  shutting_down: unavailable('The platform is shutting down'),
  unavailable: unavailable('A store is not available'),

  // Delivery.
  unusable_record: refusal('The record cannot be read'),
  pipeline_failed: refusal('A pipeline failed on the record'),
  stream_gap: { status: 409, exit: 1, title: 'The store and the stream do not fit together' },
  lake_damaged: { status: 409, exit: 1, title: 'The lake is damaged' },

  // An import that waits for its owner.
  needs_answer: { status: 409, exit: 1, title: 'The import asks something' },

  // The machine, the data directory, the command line.
  port_taken: usage('The port is taken'),
  address_not_allowed: usage('The address is not allowed'),
  directory_locked: usage('The data directory is in use'),
  directory_not_writable: usage('The directory is not writable'),
  directory_too_new: usage('The data directory was written by a newer version'),
  directory_foreign: usage('The directory is not a data directory'),
  directory_not_empty: usage('The directory is not empty'),
  backup_exists: usage('The place of the backup is taken'),
  backup_damaged: { status: 422, exit: 1, title: 'The backup is not whole' },
  backup_too_new: usage('The backup was written by a newer version'),
  disk_full: { status: 503, exit: 1, title: 'The disk is full' },
  unreachable: { status: 503, exit: 1, title: 'The platform is not reachable' },
  file_not_found: usage('The file is not there'),
  not_a_csv: usage('The file is not a CSV'),
  columns_missing: usage('The file lacks columns'),
  wrong_usage: usage('Wrong usage'),
  verify_difference: { status: 200, exit: 1, title: 'The stores differ' },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;

export const errorCodes = Object.keys(catalogue) as ErrorCode[];

/** What a refused line or parameter was: RFC 9457 extension members, and an entry of an answer's `errors`. */
export interface Refusal {
  readonly code: ErrorCode;
  /** The field as its sender wrote it; null where the whole line is meant. */
  readonly field: string | null;
  /** The value as its sender wrote it, cut to 200 characters; null where there is none. */
  readonly value: string | null;
  /** A sentence with the value, what is expected, and what to do. */
  readonly message: string;
}

export interface ErrorDetails {
  /** What to do about it, as a sentence. */
  readonly hint?: string;
  readonly field?: string | null;
  readonly value?: string | null;
  /** Seconds after which trying again is worth it. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** The one error class. `message` is for a person, `cause` for the log. */
export class TillstreamError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly field: string | null;
  readonly value: string | null;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TillstreamError';
    this.code = code;
    this.hint = details.hint;
    this.field = details.field ?? null;
    this.value = details.value ?? null;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

export function isTillstreamError(error: unknown, code?: ErrorCode): error is TillstreamError {
  return error instanceof TillstreamError && (code === undefined || error.code === code);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
