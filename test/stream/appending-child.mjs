// Appends to the stream of a directory as fast as it can, and says of each record that is acknowledged: sequence, text.
// To be killed.
import { writeSync } from 'node:fs';
import { createClock } from '../../dist/model/clock.js';
import { Head } from '../../dist/stream/head.js';
import { openLmdbStream } from '../../dist/stream/lmdb-stream.js';

const [, , directory, run] = process.argv;
const clock = createClock();
const stream = await openLmdbStream({ directory, head: new Head(), clock, newId: () => 'id', bytesMax: 2 ** 30 });

let appended = 0;

async function appendForEver(lane) {
  for (;;) {
    const texts = Array.from({ length: 1 + (appended % 5) }, () => `${run}:${lane}:${appended++}:${'x'.repeat(200)}`);
    const results = await stream.append(texts.map((text) => ({ key: String(lane), data: Buffer.from(text) })));
    writeSync(1, texts.map((text, index) => `${results[index].sequence} ${text}\n`).join(''));
  }
}

await Promise.all(Array.from({ length: 8 }, (_, lane) => appendForEver(lane)));
