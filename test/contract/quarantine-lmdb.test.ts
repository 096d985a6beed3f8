import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openLmdbQuarantine } from '../../src/stores/quarantine/lmdb-quarantine.ts';
import type { Quarantine } from '../../src/stores/quarantine/quarantine.ts';
import { quarantineContract } from './quarantine.contract.ts';

quarantineContract('lmdb', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'tillstream-quarantine-'));
  const opened: Quarantine[] = [];
  return {
    async open() {
      const quarantine = openLmdbQuarantine({ directory });
      opened.push(quarantine);
      return quarantine;
    },
    async dispose() {
      for (const quarantine of opened) await quarantine.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});
