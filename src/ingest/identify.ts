// Identity is (invoiceNo, lineId): where the lineId of an accepted line comes from.
import { TillstreamError } from '../model/errors.ts';

/**
 * `client`: the sender's LineNo or LineId. `idempotency_key`: from the header, so sending again is harmless.
 * `generated`: made here, so the line is new each time it is sent.
 */
export type Identity = 'client' | 'idempotency_key' | 'generated';

/** Leaves room for the prefix within a lineId of 256 bytes; what Stripe and the IETF draft allow. */
export const IDEMPOTENCY_KEY_CHARACTERS_MAX = 250;
export const IDEMPOTENCY_KEY = /^[\x21-\x7e]+$/;

/**
 * The lineId that an Idempotency-Key gives; undefined when the request has none.
 * @throws invalid_idempotency_key
 */
export function lineIdOfKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const key = Array.isArray(header) ? header.join(',') : header.trim();
  if (key.length > IDEMPOTENCY_KEY_CHARACTERS_MAX || !IDEMPOTENCY_KEY.test(key)) {
    throw new TillstreamError(
      'invalid_idempotency_key',
      `Idempotency-Key is "${key.slice(0, 80)}"; expected 1 to ${IDEMPOTENCY_KEY_CHARACTERS_MAX} printable ASCII characters without blanks.`,
    );
  }
  return `k:${key}`;
}

/** @throws invalid_idempotency_key  a key stands for one line; with more it could not tell them apart */
export function refuseKeyForMany(header: string | string[] | undefined, lines: number): void {
  if (header === undefined || lines <= 1) return;
  throw new TillstreamError(
    'invalid_idempotency_key',
    'Idempotency-Key is given with more than one line; it is for a single one.',
    { hint: 'Give every line a LineNo instead: sending it again is then harmless.' },
  );
}
