// A port that a test may listen on, leave, and find free again.
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that systems give to connections, and to who asks for any: what was left is not taken by another test. */
const PORT_MIN = 20_000;
const PORTS = 12_000;

/** On 127.0.0.1; nobody listens there. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORT_MIN + Math.floor(Math.random() * PORTS);
    const server = createServer();
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    } catch {
      continue; // somebody does
    }
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
