// The process that reads the copies of one backup back. Writes the proof, or why there is none, to stdout, as JSON.
import { isTillstreamError, messageOf } from '../model/errors.ts';
import { proveCopies } from './prove-copies.ts';
import type { ProofOutput } from './prove-in-process.ts';
import { yieldToTheDoor } from './thread-priority.ts';

// The platform holds the other end: when it is gone, nobody waits.
process.stdin.on('end', () => process.exit(1)).resume();
yieldToTheDoor('warehouse');
let output: ProofOutput;
try {
  output = { proof: await proveCopies(JSON.parse(process.argv[2] ?? '')) };
} catch (error) {
  output = { failure: { code: isTillstreamError(error) ? error.code : null, message: messageOf(error) } };
}
process.stdout.write(JSON.stringify(output), () => process.exit());
