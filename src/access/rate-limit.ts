// How much one key, or one customer, may ask of the platform. Off unless it is set.
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TillstreamError } from '../model/errors.ts';

const WINDOW_SECONDS = 1;
/** Keys and customers whose last second is remembered; beyond it, whoever asked longest ago begins anew. */
const CALLERS_MAX = 10_000;

/** Of the routes that are added once this has resolved. */
export async function limitRate(server: FastifyInstance, requestsPerSecond: number): Promise<void> {
  await server.register(rateLimit, {
    max: requestsPerSecond,
    timeWindow: WINDOW_SECONDS * 1000,
    cache: CALLERS_MAX,
    keyGenerator: nameOf,
    // Health is open, and asked by machines that watch.
    allowList: ({ caller }) => caller === null,
    errorResponseBuilder: () =>
      new TillstreamError('rate_limited', `This key may send ${requestsPerSecond} requests a second; that was more.`, {
        hint: 'Send several lines in one request: an array, or NDJSON.',
        retryAfterSeconds: WINDOW_SECONDS,
      }),
  });
}

function nameOf({ caller }: FastifyRequest): string {
  if (caller === null) return '';
  return caller.kind === 'key' ? `key ${caller.id}` : `customer ${caller.customerId}`;
}
