// The real data set, where there is one: UCI "Online Retail" as a CSV, gzipped or not, named by TILLSTREAM_TEST_DATASET.
// Tests that need it say `describe.runIf(dataset !== null)`, and so count as skipped without it.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** Absolute path; null where the variable is not set. */
export const dataset: string | null = find();

function find(): string | null {
  const named = process.env.TILLSTREAM_TEST_DATASET;
  if (named === undefined || named === '') return null;
  const path = resolve(named);
  // Named but not there is a mistake, never a reason to skip.
  if (!existsSync(path)) throw new Error(`TILLSTREAM_TEST_DATASET names ${path}, which is not there`);
  return path;
}
