import path from 'node:path';
import { monotonicFactory } from 'ulid';
import { createClock } from '../../src/model/clock.ts';
import { Head } from '../../src/stream/head.ts';
import { openLmdbStream } from '../../src/stream/lmdb-stream.ts';
import { streamContract } from './stream.contract.ts';

streamContract('lmdb', (directory) =>
  openLmdbStream({
    directory: path.join(directory, 'stream'),
    head: new Head(),
    clock: createClock(),
    newId: monotonicFactory(),
    bytesMax: 2 ** 30,
  }),
);
