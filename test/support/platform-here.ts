// A platform in the process of the test, for what is not told over HTTP: the routes that it has.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Platform } from '../../src/platform/local.ts';

export interface PlatformHere {
  readonly platform: Platform;
  /** Good for everything. */
  readonly adminKey: string;
}

/** On a free port; it asks for keys. */
export async function startPlatformHere(dataDirectory: string): Promise<PlatformHere> {
  // Its threads run compiled code only.
  const built = new URL('../../dist/platform/local.js', import.meta.url).href;
  const { startPlatform }: typeof import('../../src/platform/local.ts') = await import(built);
  const platform = await startPlatform({
    dataDirectory,
    host: '127.0.0.1',
    port: 0,
    sample: false,
    auth: true,
    tls: null,
    trustedProxies: null,
    environment: { TILLSTREAM_LOG_LEVEL: 'fatal' },
    onFatal: (error) => {
      throw error;
    },
  });
  return { platform, adminKey: (await readFile(join(dataDirectory, 'admin-key'), 'utf8')).trim() };
}
