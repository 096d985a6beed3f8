// Records that no store can use, put on a stream while its platform is down: nothing like them comes in by the door.
import { createClock } from '../../src/model/clock.ts';
import { Head } from '../../src/stream/head.ts';
import { openLmdbStream } from '../../src/stream/lmdb-stream.ts';

/** @param directory of the stream; a platform has made it */
export async function appendUnusable(directory: string, texts: readonly string[]): Promise<void> {
  const stream = await openLmdbStream({
    directory,
    head: new Head(),
    clock: createClock(),
    newId: () => 'never used: there is a stream',
    bytesMax: 2 ** 30,
  });
  for (const text of texts) await stream.append([{ key: '800009', data: Buffer.from(text) }]);
  await stream.close();
}
