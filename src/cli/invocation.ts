import { readFileSync } from 'node:fs';

/** How the person at the terminal would start the next command: in a clone, through npx. */
export function program(): string {
  return process.env.npm_command === undefined || process.env.npm_command === '' ? 'tillstream' : 'npx tillstream';
}

export function version(): string {
  return manifest().version;
}

/** As `>=20.19.0`. */
export function nodeNeeded(): string {
  return manifest().engines.node;
}

function manifest(): { readonly version: string; readonly engines: { readonly node: string } } {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
}
