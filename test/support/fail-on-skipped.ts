// Fails a run in which a test was skipped, and names it.
import type { Reporter } from 'vitest/node';

export const failOnSkipped: Reporter = {
  onTestRunEnd(modules) {
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        process.stderr.write(`Skipped, which this run does not allow: ${module.relativeModuleId} > ${test.fullName}\n`);
        process.exitCode = 1;
      }
    }
  },
};
