// A platform in the process of the test, for what is not told over HTTP: the routes that it has.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readConfig } from '../../src/platform/config.ts';
import type { Platform } from '../../src/platform/local.ts';

export interface PlatformHere {
  readonly platform: Platform;
  /** Good for everything. */
  readonly adminKey: string;
}

/** On a free port; it asks for keys, and looks into the inbox only where `importSchedule` says so. */
export async function startPlatformHere(dataDirectory: string, importSchedule = 'off'): Promise<PlatformHere> {
  // Its threads run compiled code only.
  const built = new URL('../../dist/platform/local.js', import.meta.url).href;
  const { startPlatform }: typeof import('../../src/platform/local.ts') = await import(built);
  const platform = await startPlatform({
    config: readConfig(
      { TILLSTREAM_LOG_LEVEL: 'fatal', TILLSTREAM_IMPORT_SCHEDULE: importSchedule },
      { dataDirectory, port: '0' },
    ),
    sample: null,
    onFatal: (error) => {
      throw error;
    },
  });
  return { platform, adminKey: (await readFile(join(dataDirectory, 'admin-key'), 'utf8')).trim() };
}
