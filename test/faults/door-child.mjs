// The door alone as a process: the real server and ingest over the real stream of a directory. Ends with its stdin.
//
// With --no-sync the stream's LMDB environment is opened without sync beforehand; all openings in a process share the
// settings of the first, so everything after that is the same code.
import { mkdirSync } from 'node:fs';
import { open } from 'lmdb';
import { Admission } from '../../dist/ingest/admission.js';
import { Ingest } from '../../dist/ingest/ingest.js';
import { ingestRoutes } from '../../dist/ingest/routes.js';
import { createClock } from '../../dist/model/clock.js';
import { createServer } from '../../dist/platform/server.js';
import { Head } from '../../dist/stream/head.js';
import { openLmdbStream } from '../../dist/stream/lmdb-stream.js';

const [, , root, mode] = process.argv;
const directory = `${root}/stream`;
mkdirSync(directory, { recursive: true });
const unsynced =
  mode === '--no-sync'
    ? open(directory, {
        encoding: 'binary',
        keyEncoding: 'binary',
        noSubdir: false,
        overlappingSync: false,
        noSync: true,
      })
    : null;

let ids = 0;
const newId = () => String(++ids);
const clock = createClock();
const stream = await openLmdbStream({ directory, head: new Head(), clock, newId, bytesMax: 2 ** 30 });
const limits = { bodyBytesInFlightMax: 2 ** 26, requestsInFlightMax: 100, diskReserveBytes: 0 };
const admission = new Admission(root, limits, stream);
const server = createServer({ onError: (error) => process.stderr.write(`${error}\n`) });
ingestRoutes(server, new Ingest({ stream, clock, newLineId: newId, timeZone: 'UTC' }), admission);
const url = await server.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`${JSON.stringify({ url })}\n`);

process.stdin.resume().on('end', async () => {
  await server.close();
  await stream.close();
  await unsynced?.close();
});
