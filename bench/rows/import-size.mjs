// Bulk imports of ever larger files: neither the cost of a line nor memory may grow with the file.
import { interleaved } from '../bench.mjs';
import { importFresh } from '../imports.mjs';
import { ratioOf } from '../numbers.mjs';
import { judged, measuredLoad } from '../report.mjs';

const SIZES = [500_000, 5_000_000];
/** With --large. */
const SIZE_LARGE = 50_000_000;

export async function importSize(bench) {
  const sides = [];
  for (const lines of bench.large ? [...SIZES, SIZE_LARGE] : SIZES) {
    const file = await bench.generatedFile(lines);
    sides.push({ name: `${lines / 1e6} million`, lines, measure: () => importFresh(bench, file) });
  }
  const measured = await interleaved(bench, sides, 0);
  for (const { side, rounds } of measured) {
    const wrong = rounds.find(({ lines }) => lines !== side.lines);
    if (wrong !== undefined) throw new Error(`Of ${side.lines} lines, ${wrong.lines} were imported`);
  }
  const smallest = measured[0].rounds;
  const largest = measured.at(-1).rounds;
  const cost = (rounds) => rounds.map(({ seconds, lines }) => seconds / lines);
  const memory = (rounds) => rounds.map(({ memoryBytes }) => memoryBytes);
  const memoryMost = Math.max(...measured.flatMap(({ rounds }) => memory(rounds)));
  return {
    name: 'import-size',
    title: 'bulk import of generated files, each into a fresh platform',
    loads: measured.map(({ side, rounds }) => measuredLoad(side.name, rounds)),
    ratios: [
      judged('cost of a line, largest to smallest', ratioOf(cost(largest), cost(smallest)), { below: 1.3 }),
      judged('memory, largest to smallest', ratioOf(memory(largest), memory(smallest)), { below: 1.3 }),
      judged('most memory, MB', { value: memoryMost / 1e6 }, { below: 700 }),
    ],
    notes: [],
  };
}
