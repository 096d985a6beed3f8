// `npm start`: installs and builds what is missing, then `tillstream up --sample`, with what follows `--` added.
//
// In this process, not in a child: signals, exit code and terminal need no forwarding.
import { fileURLToPath } from 'node:url';
import { prepare } from './prepare.mjs';

await prepare();
const main = new URL('../dist/cli/main.js', import.meta.url);
process.argv.splice(1, 1, fileURLToPath(main), 'up', '--sample');
await import(main.href);
