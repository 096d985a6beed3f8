// The id of a request, by which its sender, a proxy and the log speak of the same one.
import type { FastifyRequest } from 'fastify';

/** Fit for a header and a log line. */
const FORM = /^[A-Za-z0-9._-]{1,64}$/;

/** Apart from every other start: requests are counted from there. */
const START = `${Date.now().toString(36)}-${process.pid.toString(36)}-`;
let counted = 0;

/** Fastify gives every request an id; most of them are never asked for. */
export const NO_ID = '';

/** As the sender has it in X-Request-Id, where that is sane; else one of ours. Made when it is first asked for. */
export function requestIdOf(request: FastifyRequest): string {
  if (request.id === NO_ID) {
    const sent = request.headers['x-request-id'];
    if (typeof sent === 'string' && FORM.test(sent)) request.id = sent;
    else {
      counted += 1;
      request.id = START + counted.toString(36);
    }
  }
  return request.id;
}
