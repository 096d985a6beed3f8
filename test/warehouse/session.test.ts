// How a warehouse is opened.
import { expect, test } from 'vitest';
import { poolThreads } from '../../src/stores/warehouse/duckdb-session.ts';

test.each([
  { cores: 1, memoryMb: 192, threads: 1 },
  { cores: 2, memoryMb: 192, threads: 1 },
  { cores: 4, memoryMb: 192, threads: 3 },
  { cores: 64, memoryMb: 192, threads: 8 },
  { cores: 64, memoryMb: 1024, threads: 42 },
])('of $cores cores, with $memoryMb MB: $threads threads', ({ cores, memoryMb, threads }) => {
  expect(poolThreads(memoryMb, cores)).toBe(threads);
});
