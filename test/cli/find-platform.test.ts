// Which platform a command asks.
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { endPlatforms, freshDirectory, startPlatform } from '../support/platform.ts';

afterEach(endPlatforms);

it("where a shop's platform and a sample's run side by side, it says which one it asks; named, it need not", async () => {
  const cwd = await freshDirectory('both');
  const shop = await startPlatform(join(cwd, 'tillstream-data'));
  const alone = await runCli(['status'], { cwd });
  expect(alone.stderr).toBe('');
  const sample = await startPlatform(join(cwd, 'tillstream-sample'), { args: ['--sample', '10'] });

  const both = await runCli(['status'], { cwd });
  expect(both.stdout).toContain(` at ${shop.url},`);
  expect(both.stderr).toMatchInlineSnapshot(`
    "Two platforms run here. This is that of ./tillstream-data; for the other: --data-dir tillstream-sample
    "
  `);
  const named = await runCli(['status', '--data-dir', 'tillstream-sample'], { cwd });
  expect(named).toMatchObject({ stderr: '', stdout: expect.stringContaining(` at ${sample.url},`) });
  expect((await runCli(['status', '--url', sample.url], { cwd })).stderr).toBe('');
});
