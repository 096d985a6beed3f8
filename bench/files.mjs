// The CSV files that are read: the real data set where TILLSTREAM_TEST_DATASET names it, unpacked; else, and of any other
// size, generated with the seed. On disk before anything is timed, so that no side pays for writing them back.
import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

/** As many as the real data set has. */
const DATA_LINES = 541_909;

/** Writes it into `directory`. */
export async function writeData(directory, seed) {
  const named = process.env.TILLSTREAM_TEST_DATASET;
  if (!named) {
    return { file: await writeGenerated(directory, DATA_LINES, seed), from: `generated, seed ${seed}` };
  }
  const file = join(directory, 'data.csv');
  const packed = named.endsWith('.gz') ? [createGunzip()] : [];
  await pipeline([createReadStream(resolve(named)), ...packed, createWriteStream(file)]);
  await sync(file);
  return { file, from: 'the real data set' };
}

/** Writes a file of `lines` lines into `directory`. */
export async function writeGenerated(directory, lines, seed) {
  const { writeSample } = await import('../dist/client/sample-csv.js');
  const file = join(directory, `generated-${lines}.csv`);
  await writeSample({ lines, seed }, createWriteStream(file));
  await sync(file);
  return file;
}

async function sync(file) {
  const handle = await open(file, 'r+');
  await handle.sync();
  await handle.close();
}
