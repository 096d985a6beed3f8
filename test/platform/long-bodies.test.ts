// Bodies that may take any time, and all others that may not, on one server.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, expect, test } from 'vitest';
import { LongBodies } from '../../src/platform/long-bodies.ts';

const REQUEST_TIMEOUT_MS = 400;
/** Of the rest of a body that was refused: longer, for Node's own limit to come first. */
const REST_TIMEOUT_MS = 800;

let server: FastifyInstance;
let port: number;

/** @param idleTimeoutMs without one a long body may pause as long as the machine does */
async function listen(idleTimeoutMs?: number): Promise<void> {
  const longBodies = new LongBodies(REST_TIMEOUT_MS, idleTimeoutMs);
  server = fastify({
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { connectionsCheckingInterval: 50, headersTimeout: REQUEST_TIMEOUT_MS },
    clientErrorHandler: longBodies.onClientError,
    forceCloseConnections: true,
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, _payload, done) => done(null));
  const count = async ({ raw }: { raw: AsyncIterable<Buffer> }) => {
    let bytes = 0;
    for await (const chunk of raw) bytes += chunk.length;
    return String(bytes);
  };
  server.post('/short', async (request) => count(request));
  server.post('/long', { preHandler: longBodies.begin }, async (request) => count(request));
  server.post('/refusing', { preHandler: longBodies.begin }, async (_request, reply) => reply.code(503).send('no'));
  await server.listen({ host: '127.0.0.1', port: 0 });
  port = (server.server.address() as { port: number }).port;
}
afterEach(() => server.close());

/** What was answered, and whether the server has ended the connection. */
class Sender {
  readonly socket: Socket;
  answer = '';
  isClosed = false;

  constructor(path: string, bytes: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setEncoding('utf8').on('data', (text: string) => {
      this.answer += text;
    });
    this.socket
      .on('error', () => {})
      .on('close', () => {
        this.isClosed = true;
      });
    this.socket.write(
      `POST ${path} HTTP/1.1\r\nHost: here\r\nContent-Length: ${bytes}\r\nContent-Type: text/csv\r\n\r\n`,
    );
  }

  async drip(bytes: number, everyMs: number): Promise<void> {
    for (let sent = 0; sent < bytes && !this.isClosed; sent += 1) {
      this.socket.write('x');
      await pause(everyMs);
    }
  }
}

test('a long body takes its time, as long as it comes; another request has to be there in time', async () => {
  await listen();
  const [long, short] = [new Sender('/long', 15), new Sender('/short', 15)];
  await Promise.all([long.drip(15, 100), short.drip(15, 100)]);
  expect(short.answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(long.answer).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\n15$/s);
  expect(long.isClosed).toBe(false);
  // And what comes on its connection after it is a request like any other.
  long.answer = '';
  long.socket.write('POST /short HTTP/1.1\r\nHost: here\r\nContent-Type: text/csv\r\nContent-Length: 15\r\n\r\n');
  await long.drip(15, 100);
  expect(long.answer).toMatch(/^HTTP\/1\.1 408 /);
});

test('one that does not come any more is ended', async () => {
  await listen(700);
  const sender = new Sender('/long', 15);
  const closed = once(sender.socket, 'close');
  await sender.drip(5, 100);
  await closed;
  expect(sender.answer).toBe('');
});

test('one that is refused sees the answer, and is not read for ever', async () => {
  await listen();
  const sender = new Sender('/refusing', 1000);
  await sender.drip(1000, 50);
  expect(sender.answer).toMatch(/^HTTP\/1\.1 503 .*no$/s);
  expect(sender.isClosed).toBe(true);
});

test('what is no HTTP is answered so', async () => {
  await listen();
  const socket = connect(port, '127.0.0.1');
  socket.write('nonsense\r\n\r\n');
  const [answer] = await once(socket.setEncoding('utf8'), 'data');
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
});
