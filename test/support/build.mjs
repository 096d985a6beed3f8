// So that `npx vitest run` alone works: tests of whole processes and of worker threads need dist/.
import { buildIfStale } from '../../scripts/build.mjs';

export function setup() {
  buildIfStale();
}
