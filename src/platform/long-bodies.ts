// Bodies that may take any time, on the routes that say so (`config.isLong`); on all others a request has its minute.
//
// Node ends every request that is not there in time, whatever its route, by a client error. That of a long body is passed over
// here, once a request: from then on it is ended only where nothing comes.
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionError, preHandlerHookHandler } from 'fastify';

/** Longer than a disk that is busy keeps us from reading, shorter than a sender that is gone is worth a place. */
const IDLE_TIMEOUT_MS = 5 * 60_000;

export class LongBodies {
  readonly #sockets = new WeakSet<Socket>();
  readonly #restTimeoutMs: number;
  readonly #idleTimeoutMs: number;

  /** @param restTimeoutMs so long the rest of a body may take that was refused */
  constructor(restTimeoutMs: number, idleTimeoutMs = IDLE_TIMEOUT_MS) {
    this.#restTimeoutMs = restTimeoutMs;
    this.#idleTimeoutMs = idleTimeoutMs;
  }

  /** Of routes with a long body, once it is known who asks. */
  readonly begin: preHandlerHookHandler = ({ raw }, reply, done) => {
    const { socket } = raw;
    this.#sockets.add(socket);
    raw.setTimeout(this.#idleTimeoutMs, () => socket.destroy());
    // From here on it is we who take our time.
    raw.once('end', () => socket.setTimeout(0));
    const settle = (): void => {
      this.#sockets.delete(socket);
    };
    reply.raw.once('close', () => {
      if (raw.complete || socket.destroyed) return settle();
      // Who was refused while sending is read on, or would never see the answer; but not for hours, and without a second answer.
      const rest = setTimeout(() => socket.destroy(), this.#restTimeoutMs).unref();
      socket.once('close', () => clearTimeout(rest));
      raw.once('end', () => {
        clearTimeout(rest);
        settle();
      });
    });
    done();
  };

  /** As Fastify's own, but for long bodies. */
  readonly onClientError = (error: ConnectionError, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return;
    if (error.code === TIMEOUT && this.#sockets.has(socket)) return;
    const status = error.code === TIMEOUT ? 408 : error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
    if (socket.writable) {
      socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    }
    socket.destroy(error);
  };
}

const TIMEOUT: string = 'ERR_HTTP_REQUEST_TIMEOUT';
