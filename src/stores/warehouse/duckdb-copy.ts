// Copies a DuckDB file that is open in this process, while nobody writes to it: the file and its log, which together hold what
// is committed. DuckDB carries the log over when it opens the copy, as it does after a kill.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { messageOf, TillstreamError } from '../../model/errors.ts';
import { WAREHOUSE_FILE } from './duckdb-session.ts';

const run = promisify(execFile);

/** Shares the blocks where the file system can (COPYFILE_FICLONE): the copy of gigabytes is made at once then. */
const COPY = `
  const { copyFileSync, constants } = require('node:fs');
  const [from, to] = process.argv.slice(1);
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  } catch (error) {
    process.stderr.write(error.message);
    process.exitCode = 1;
  }`;

/**
 * @param to exists, and has no such file
 * @throws unavailable
 */
export async function copyDuckDbFile(from: string, to: string): Promise<void> {
  for (const name of [WAREHOUSE_FILE, `${WAREHOUSE_FILE}.wal`]) {
    const file = path.join(from, name);
    if (!existsSync(file)) continue;
    try {
      // By another process: should this one close any opening of the file, DuckDB's lock on it would be gone (fcntl).
      await run(process.execPath, ['-e', COPY, file, path.join(to, name)]);
    } catch (error) {
      const cause = (error as { readonly stderr?: string }).stderr || error;
      throw new TillstreamError('unavailable', 'The warehouse cannot be copied.', {
        cause: new Error(messageOf(cause)),
      });
    }
  }
}
