// Tests run against real storage and, for whole processes, against the built dist/.
//
// With TILLSTREAM_TEST_LONG=1 (`npm run test:long`) tests that go by rounds take ten times as many. With
// TILLSTREAM_TEST_NO_SKIPS=1 a skipped test fails the run (.ci/run): otherwise a missing data set or tool would pass unnoticed.
import { defineConfig } from 'vitest/config';
import { failOnSkipped } from './test/support/fail-on-skipped.ts';

const long = process.env.TILLSTREAM_TEST_LONG === '1';
const noSkips = process.env.TILLSTREAM_TEST_NO_SKIPS === '1';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.mjs'],
    // What is built is run as Node runs it.
    server: { deps: { external: [/\/dist\//] } },
    pool: 'forks',
    // Most files start threads or processes of their own; more than two at once would measure the machine, not us.
    maxWorkers: 3,
    // For what hangs. How long it takes is for bench/: other tests, and whatever else, may be at work on this machine.
    testTimeout: long ? 1_800_000 : 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    // Screens are compared as text: the same in every terminal and in every place.
    env: { NO_COLOR: '1', FORCE_COLOR: '', COLUMNS: '100', TZ: 'UTC' },
    reporters: noSkips ? ['default', failOnSkipped] : ['default'],
  },
});
