import { readFileSync } from 'node:fs';

/** How the person at the terminal would start the next command: in a clone, through npx. */
export function program(): string {
  return process.env.npm_command === undefined || process.env.npm_command === '' ? 'tillstream' : 'npx tillstream';
}

export function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
